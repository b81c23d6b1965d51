import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { seenBySaxes, seenByUs } from '../../support/junit/differential.ts'
import { merging } from '../../support/junit/merging.ts'
import {
  completeCases,
  flips,
  lostInSilence,
  numbered,
  SAMPLE,
  SAMPLE_TOTALS,
  truncations,
  UNDECLARED,
} from '../../support/junit/mutants.ts'

test('the sample is whole, and has its totals', async () => {
  const { result } = await merging({ declared: SAMPLE, undeclared: UNDECLARED })
  for (const { state, totals, differenceCount } of result.inputs) {
    expect([totals.tests, totals.failures, totals.errors, totals.skipped]).toEqual(SAMPLE_TOTALS)
    expect([state, differenceCount]).toEqual(['whole', 0])
  }
})

test.for([
  ['in one piece', Infinity],
  ['in pieces of 11 bytes', 11],
] as const)('cut after any byte, %s: every complete case is there, and the cut is said', async ([, piece]) => {
  const { result } = await merging(numbered(truncations(SAMPLE)), { piece })
  const rootEnds = SAMPLE.lastIndexOf('>')
  for (const [length, { state, totals }] of result.inputs.entries()) {
    expect(state, `after ${length} bytes`).toBe(length > rootEnds ? 'whole' : 'partial')
    expect(totals.tests, `after ${length} bytes`).toBeGreaterThanOrEqual(completeCases(SAMPLE, length))
    expect(totals.tests - totals.added).toBeLessThanOrEqual(SAMPLE_TOTALS[0])
  }
})

test('any byte changed: nothing of a report that declares its totals is lost in silence', async () => {
  const { result } = await merging(numbered(flips(SAMPLE, [0, 4])))
  expect(result.inputs.filter(lostInSilence)).toEqual([])
})

test.for(['utf-16le', 'utf-16be', 'windows-1252'] as const)('%s, cut after any byte', async (encoding) => {
  const { result } = await merging(numbered(truncations(encoded(SAMPLE.toString(), encoding))))
  expect(new Set(result.inputs.map(({ state }) => state))).toEqual(new Set(['partial', 'whole']))
})

function encoded(text: string, encoding: 'utf-16le' | 'utf-16be' | 'windows-1252'): Buffer {
  if (encoding === 'windows-1252') {
    const bytes = text.replace('UTF-8', encoding).replace('€', '\u{80}')
    return Buffer.from(bytes, 'latin1')
  }
  const bytes = Buffer.from(`\u{feff}${text}`, 'utf16le')
  return encoding === 'utf-16le' ? bytes : bytes.swap16()
}

/** What a text is spoilt with: every character that means something, and some that are rare. */
const BITS = [
  ...'< > & " \' / ! ? = ] - ; # x 0 : . é \u{fffd} \u{1f600} <!-- --> -- <![CDATA[ ]]> <? ?> <a> </a> <a/> </testsuite>'.split(
    ' ',
  ),
  ...'&amp; &foo; &#0; &#x41; <testcase <!DOCTYPE'.split(' '),
  ' ',
  '\n',
  '<?xml version="1.0"?>',
  ' a="1"',
]
const spoilt = fc
  .array(
    fc.record({ at: fc.nat(SAMPLE.length), drop: fc.nat(8), put: fc.option(fc.constantFrom(...BITS), { nil: '' }) }),
    { minLength: 1, maxLength: 3 },
  )
  .map((edits) =>
    edits.reduce((text, { at, drop, put }) => text.slice(0, at) + put + text.slice(at + drop), SAMPLE.toString()),
  )

test('our reader and saxes agree on what is damaged, and on what is in the rest', () => {
  fc.assert(
    fc.property(spoilt, fc.integer({ min: 1, max: 200 }), (text, piece) => {
      const ours = seenByUs(text, piece)
      const theirs = seenBySaxes(text)
      expect(ours.damage.length > 0, theirs.damage.join('\n')).toBe(theirs.damage.length > 0)
      if (theirs.damage.length === 0) expect(ours.events).toEqual(theirs.events)
    }),
    { numRuns: 2000, seed: 1 },
  )
})

test('what our reader sees does not depend on the pieces in which it gets the text', () => {
  fc.assert(
    fc.property(spoilt, fc.integer({ min: 1, max: 200 }), (text, piece) => {
      expect(seenByUs(text, piece).events).toEqual(seenByUs(text, text.length).events)
    }),
    { numRuns: 500, seed: 1 },
  )
})
