import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import {
  durationsOf,
  oldestRun,
  packMs,
  packSamples,
  packTests,
  passingSamples,
  unpackSamples,
  unpackTests,
  type Sample,
} from '../../../src/history/samples.ts'

const sample: fc.Arbitrary<Sample> = fc.record({
  run: fc.nat(5000),
  outcome: fc.constantFrom('passed', 'again', 'failed', 'timed-out', 'crashed'),
  ms: fc.nat(3_600_000),
})

test('samples are packed without loss, and short', () => {
  expect(
    packSamples([
      { run: 3, outcome: 'passed', ms: 1234 },
      { run: 40, outcome: 'failed', ms: 0 },
    ]),
  ).toBe('3Pya 14F0')
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
  expect(unpackSamples('1Pa P 2X9 3Fb 4P nonsense 5P!')).toEqual([
    { run: 1, outcome: 'passed', ms: 10 },
    { run: 3, outcome: 'failed', ms: 11 },
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
  const columns = unpackTests('slow|rs,,5|new|,,1', 4)
  expect(columns.get('slow')).toEqual(['rs', '', '5', ''])
  expect([...columns.values()].map(durationsOf)).toEqual([[1000, 5], [1]])
})
