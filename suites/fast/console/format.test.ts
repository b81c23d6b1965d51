import fc from '../../support/property.ts'
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import {
  cut,
  cutStart,
  displayWidth,
  duration,
  elapsed,
  percent,
  plural,
  printable,
  printableLines,
} from '../../../src/reports/format.ts'

/** What names are made of when nobody meant well: emoji, CJK, marks, control characters, lone surrogates. */
const wild = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(
        '家族',
        '👨‍👩‍👧‍👦',
        '🇩🇪',
        '❤️',
        'é',
        '각',
        'e\u0301\u0301',
        '\u{202e}',
        '\ud800',
        '\u001b[2J',
        '\u001b]0;title\u0007',
        '\r\n',
        '\u009b1A',
        '\u2028',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

describe('durations', () => {
  it.each([
    [0, '0ms'],
    [450.4, '450ms'],
    [999.6, '1s'],
    [12_345, '12.3s'],
    [59_999, '59.9s'],
    [60_000, '1m'],
    [65_900, '1m 5s'],
    [900_000, '15m'],
    [7_800_000, '2h 10m'],
    [-5, '0ms'],
    [Number.NaN, '?'],
  ])('%d ms reads %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })

  it('counts what is still going on in whole seconds', () => {
    expect([elapsed(0), elapsed(999), elapsed(12_900), elapsed(65_000)]).toEqual(['0s', '0s', '12s', '1m 5s'])
  })
})

describe('amounts', () => {
  it('has a singular', () => {
    expect([plural(1, 'file'), plural(0, 'file'), plural(2, 'test is', 'tests are')]).toEqual([
      '1 file',
      '0 files',
      '2 tests are',
    ])
  })

  it('never calls something nothing', () => {
    expect([percent(0), percent(0.001), percent(0.256), percent(1)]).toEqual(['0%', '<1%', '26%', '100%'])
  })
})

describe('cutting', () => {
  it('never exceeds the width, by any reading of joined emoji', () => {
    fc.assert(
      fc.property(wild, fc.integer({ min: 0, max: 60 }), (raw, width) => {
        const text = printable(raw)
        for (const short of [cut(text, width), cutStart(text, width)]) {
          expect(displayWidth(short)).toBeLessThanOrEqual(width)
          expect(stringWidth(short)).toBeLessThanOrEqual(width)
        }
      }),
    )
  })

  it('leaves alone what fits', () => {
    fc.assert(
      fc.property(wild, (raw) => {
        const text = printable(raw)
        expect(cut(text, displayWidth(text))).toBe(text)
        expect(cutStart(text, displayWidth(text))).toBe(text)
      }),
    )
  })

  it('keeps the beginning or the end, and marks the cut', () => {
    expect(cut('suites/standard/storm.test.ts', 10)).toBe('suites/st…')
    expect(cutStart('suites/standard/storm.test.ts', 10)).toBe('…m.test.ts')
    expect(cut('家族家族', 5)).toBe('家族…')
    expect(cut('abc', 0)).toBe('')
  })

  it('does not draw a mountain of marks', () => {
    expect(cut(`a${'\u0301'.repeat(5000)}bc`, 3).length).toBeLessThan(200)
  })
})

describe('text from outside', () => {
  it('holds no character that does anything but show itself', () => {
    fc.assert(
      fc.property(wild, (raw) => {
        expect(printable(raw)).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u)
      }),
    )
  })

  it('shows what it keeps away', () => {
    expect(printable('a\nb\tc\rd\u0007\u{202e}')).toBe(String.raw`a\nb\tc\rd\x07\u{202e}`)
  })

  it('removes colours', () => {
    expect(printable('\u001b[31mred\u001b[39m')).toBe('red')
  })

  it('bounds a line of a megabyte', () => {
    expect(printable('x'.repeat(1_000_000)).length).toBeLessThan(3000)
  })

  it('counts the lines it leaves out', () => {
    const { lines, more } = printableLines('one\r\n\ttwo\nthree\n\n', 2)
    expect(lines).toEqual(['one', '  two'])
    expect(more).toBe(1)
  })
})
