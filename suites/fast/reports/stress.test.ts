import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { rateWords, wilson } from '../../../src/reports/stress.ts'

test.for([
  // Newcombe 1998, table I: https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8%3C857::AID-SIM777%3E3.0.CO;2-E
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
] as const)('the Wilson interval of %i of %i', ([failures, runs, low, high]) => {
  const rate = wilson(failures, runs)
  expect(rate.low).toBeCloseTo(low, 4)
  expect(rate.high).toBeCloseTo(high, 4)
})

test('the interval holds the rate and stays between 0 and 1', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(10_000), (a, b) => {
      const { rate, low, high } = wilson(Math.min(a, b), Math.max(a, b))
      expect(low).toBeGreaterThanOrEqual(0)
      expect(low).toBeLessThanOrEqual(rate)
      expect(rate).toBeLessThanOrEqual(high)
      expect(high).toBeLessThanOrEqual(1)
    }),
  )
})

test('in words', () => {
  expect(rateWords(wilson(3, 200))).toBe('3 of 200 failed: 1.5% (0.5% to 4.3%)')
})
