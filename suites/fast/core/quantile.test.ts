import { expect, test } from 'vitest'
import { median, quantile } from '../../../src/core/quantile.ts'

test('quantiles lie between the values', () => {
  expect([0, 0.5, 0.9, 1].map((part) => quantile([10, 20, 30], part))).toEqual([10, 20, 28, 30])
  expect(quantile([7], 0.9)).toBe(7)
})

test('the median is the middle of values in any order, and not a number when there are none', () => {
  expect([median([30, 10, 20]), median([4, 1, 2, 3]), median([])]).toEqual([20, 2.5, Number.NaN])
})
