import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { packName, unpackName } from '../../../src/history/names.ts'
import { endOfNumber, packNumber, readNumber } from '../../../src/history/numbers.ts'
import { olderSamples, olderTests } from '../../../src/history/older.ts'
import {
  durationsOf,
  FAILED,
  oldestRun,
  packMs,
  packSamples,
  packTests,
  PASSED_AGAIN,
  passingSamples,
  unpackSamples,
  unpackTests,
  type Sample,
} from '../../../src/history/samples.ts'

const sample: fc.Arbitrary<Sample> = fc.record({
  run: fc.oneof(fc.nat(8), fc.nat(5000)),
  outcome: fc.constantFrom('passed', 'again', 'failed', 'timed-out', 'crashed'),
  ms: fc.nat(3_600_000),
})

test('samples are packed without loss, and short', () => {
  expect(
    packSamples([
      { run: 3, outcome: 'passed', ms: 1234 },
      { run: 4, outcome: 'passed', ms: 31 },
      { run: 40, outcome: 'failed', ms: 0 },
      { run: 39, outcome: 'again', ms: 32 },
    ]),
  ).toBe('x16S~>1D!A<C?1A')
  fc.assert(
    fc.property(fc.array(sample), (samples) => {
      const packed = packSamples(samples)
      expect(unpackSamples(packed)).toEqual(samples)
      expect(oldestRun(packed)).toBe(samples[0]?.run ?? null)
    }),
  )
})

test('the passing samples are found without unpacking the others', () => {
  fc.assert(
    fc.property(fc.array(sample), fc.integer({ min: 1, max: 6 }), (samples, count) => {
      const passing = samples.filter(({ outcome }) => outcome === 'passed' || outcome === 'again')
      expect(passingSamples(packSamples(samples), count)).toEqual({
        total: passing.length,
        lastMs: passing.slice(-count).map(({ ms }) => ms),
      })
    }),
  )
})

test('a spoilt sample is left out, and the others stay', () => {
  expect(unpackSamples('F|é>@!G 1')).toEqual([
    { run: 1, outcome: 'passed', ms: 5 },
    { run: 2, outcome: 'failed', ms: 6 },
  ])
})

test('tests are packed without loss, whatever their names', () => {
  const name = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a|b', '100%', '%7C', '%257C', '', '__proto__'))
  const columns = fc.nat(20).chain((length) =>
    fc.tuple(
      fc.constant(length),
      fc.uniqueArray(fc.tuple(name, fc.array(fc.option(fc.nat(99_999)), { minLength: length, maxLength: length })), {
        selector: ([key]) => key,
      }),
    ),
  )
  fc.assert(
    fc.property(columns, ([length, tests]) => {
      const packed = tests.map(([key, column]) => [key, column.map((ms) => (ms === null ? '' : packMs(ms)))] as const)
      // A test that has no duration left is forgotten.
      const kept = packed.filter(([, column]) => column.some((place) => place !== ''))
      const text = JSON.parse(JSON.stringify(packTests(new Map(packed)))) as string
      expect([...unpackTests(text, length)]).toEqual(kept)
    }),
  )
})

test('durations leave out the runs in which a test has none', () => {
  const columns = unpackTests('Aslow|vI,F|Bnow|,!?B', 4)
  expect([...columns]).toEqual([
    ['slow', ['vI', '', 'F', '']],
    ['snow', ['', '!', '?', 'B']],
  ])
  expect([...columns.values()].map(durationsOf)).toEqual([[1000, 5], [1]])
})

test('names share what they begin with', () => {
  const names = ['gateway > answers', 'gateway > answers 503', 'gateway > asks', 'x', '']
  const packed = names.map((name, at) => packName(name, names[at - 1] ?? ''))
  expect(packed).toEqual(['Agateway > answers', 'R 503', 'Lsks', 'Ax', 'A'])
  const read: string[] = []
  for (const one of packed) read.push(unpackName(one, read.at(-1) ?? ''))
  expect(read).toEqual(names)
})

test('any whole number needs no separator', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(2000), fc.maxSafeNat())), (numbers) => {
      const text = numbers.map(packNumber).join('')
      const read: number[] = []
      for (let at = 0; at < text.length;) {
        const to = endOfNumber(text, at)
        read.push(readNumber(text, at, to))
        at = to
      }
      expect(read).toEqual(numbers)
      expect(JSON.stringify(text)).toBe(`"${text}"`)
    }),
  )
})

test('what older versions packed is the same today', () => {
  const letters = { passed: 'P', again: 'A', failed: 'F', 'timed-out': 'T', crashed: 'C' }
  fc.assert(
    fc.property(fc.array(sample), (samples) => {
      const older = samples
        .map(({ run, outcome, ms }) => run.toString(36) + letters[outcome] + ms.toString(36))
        .join(' ')
      expect(unpackSamples(olderSamples(older))).toEqual(samples)
    }),
  )
  expect([...unpackTests(olderTests('slow|rs,,5,F|a%7Cb|,A'), 4)]).toEqual([
    ['slow', [packMs(1000), '', packMs(5), FAILED]],
    ['a|b', ['', PASSED_AGAIN, '', '']],
  ])
})
