import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { QUIET, rates, USUAL } from '../../../bench/statistics.ts'
import { trendOf } from '../../../src/reports/regression.ts'

const times = (count: number, ms: number): number[] => Array<number>(count).fill(ms)

test.each<[string, number[], string]>([
  ['twelve samples', times(12, 400), 'unknown'],
  ['nothing new', times(25, 400), 'steady'],
  ['five slow runs', [...times(20, 400), ...times(5, 600)], 'regressed'],
  ['five slow runs after ten', [...times(10, 400), ...times(5, 600)], 'regressed'],
  ['five slow runs after nine: three of them after eleven', [...times(9, 400), ...times(5, 600)], 'steady'],
  ['three slow runs', [...times(20, 400), ...times(3, 600)], 'suspect'],
  ['two slow runs', [...times(20, 400), ...times(2, 600)], 'steady'],
  ['one of five as before', [...times(20, 400), 600, 600, 400, 600, 600], 'steady'],
  ['slower by a quarter', [...times(20, 400), ...times(5, 500)], 'steady'],
  ['slower by 50 ms', [...times(20, 100), ...times(5, 150)], 'steady'],
  ['slower by 51 ms', [...times(20, 100), ...times(5, 151)], 'regressed'],
  ['as slow as one in five always was', [...times(16, 400), ...times(4, 700), ...times(5, 600)], 'steady'],
  ['faster', [...times(20, 600), ...times(5, 100)], 'steady'],
])('%s', (_, ms, kind) => {
  expect(trendOf(ms).kind).toBe(kind)
})

test('it says what a test took before and now', () => {
  expect(trendOf([...times(20, 400), 600, 700, 800, 900, 1000])).toEqual({
    kind: 'regressed',
    beforeMs: 400,
    nowMs: 800,
  })
})

test('what is judged does not depend on the unit, beyond 50 ms', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1000, max: 100_000 }), { minLength: 13, maxLength: 30 }), (ms) => {
      expect(trendOf(ms.map((one) => 4 * one)).kind).toBe(trendOf(ms).kind)
    }),
  )
})

// The histories are made from a seed: these numbers are the same on every machine. docs/statistics.md has 10,000.
test('simulated histories: hardly a false alarm, and a doubled time is found', () => {
  const nothing = rates(60, USUAL, 1)
  expect(nothing.regressed).toBe(0)
  // The rule that everybody would write first.
  expect(nothing.overLastRun).toBeGreaterThan(0.05)
  expect(rates(20, QUIET, 2).regressed).toBe(1)
  expect(rates(60, USUAL, 2).regressed).toBeGreaterThan(0.86)
})
