import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { slices } from '../../../src/core/slices.ts'

interface File {
  readonly id: string
  readonly expectedMs: number | null
}

const someMs = fc.option(fc.oneof(fc.nat({ max: 100_000 }), fc.double({ min: 0, max: 1e5, noNaN: true })), {
  nil: null,
})

function files(maxLength: number, ms: fc.Arbitrary<number | null> = someMs): fc.Arbitrary<File[]> {
  const file = fc.record({ id: fc.string(), expectedMs: ms })
  return fc.uniqueArray(file, { selector: ({ id }) => id, maxLength })
}

const count = fc.integer({ min: 1, max: 20 })

/** The work of each slice as the documentation says it: unknown files take the mean of the known ones. */
function work(list: readonly File[], of: ReadonlyMap<string, number>, n: number): number[] {
  const known = list.flatMap(({ expectedMs }) => expectedMs ?? [])
  const mean = known.reduce((sum, ms) => sum + ms, 0) / known.length
  const sums = Array.from({ length: n }, () => 0)
  for (const { id, expectedMs } of list) sums[of.get(id)!]! += expectedMs ?? mean
  return sums
}

test('every file is in one slice, and every slice is one of n', () => {
  fc.assert(
    fc.property(files(60), count, (list, n) => {
      const { of } = slices(list, n)
      expect([...of.keys()].toSorted()).toEqual(list.map(({ id }) => id).toSorted())
      for (const at of of.values()) expect(at >= 0 && at < n && Number.isInteger(at)).toBe(true)
    }),
  )
})

test('slices do not depend on the order in which files were found', () => {
  fc.assert(
    fc.property(files(60), count, fc.infiniteStream(fc.nat()), (list, n, noise) => {
      const shuffled = list
        .map((file) => ({ file, key: noise.next().value }))
        .toSorted((a, b) => a.key - b.key)
        .map(({ file }) => file)
      const once = slices(list, n)
      const again = slices(shuffled, n)
      expect(again.of).toEqual(once.of)
      expect(again.expectedMs).toEqual(once.expectedMs)
    }),
  )
})

test('not even the last bit of a sum shows the order in which files were found', () => {
  const found = [0.1, 0.2, 0.3, null].map((expectedMs, at): File => ({ id: `${at}`, expectedMs }))
  expect(slices(found.toReversed(), 4).expectedMs).toEqual(slices(found, 4).expectedMs)
})

test('the longest slice takes at most 4/3 - 1/3n of what the best slices would, found by trying all', () => {
  const few = files(8, fc.integer({ min: 0, max: 1000 }))
  fc.assert(
    fc.property(few, fc.integer({ min: 1, max: 4 }), (list, n) => {
      const longest = Math.max(...work(list, slices(list, n).of, n))
      expect(longest).toBeLessThanOrEqual(
        (4 / 3 - 1 / (3 * n)) *
          best(
            list.map(({ expectedMs }) => expectedMs!),
            n,
          ) +
          1e-6,
      )
    }),
  )
})

/** The makespan of the best of all ways to spread durations over n slices. */
function best(durations: readonly number[], n: number, loads: number[] = Array.from({ length: n }, () => 0)): number {
  const [next, ...rest] = durations
  if (next === undefined) return Math.max(...loads)
  return Math.min(...loads.map((load, at) => best(rest, n, loads.with(at, load + next))))
}

test('no slice is longer than the even share and the longest file, at any size', () => {
  fc.assert(
    fc.property(files(120, fc.nat({ max: 10_000 })), count, (list, n) => {
      const durations = list.map(({ expectedMs }) => expectedMs!)
      const longest = Math.max(0, ...durations)
      const even = durations.reduce((sum, ms) => sum + ms, 0) / n
      const { of, expectedMs } = slices(list, n)
      const loads = work(list, of, n)
      expect(Math.max(...loads)).toBeLessThanOrEqual(even + longest * (1 - 1 / n) + 1e-6)
      if (list.length > 0) expect(expectedMs).toEqual(loads)
    }),
  )
})

test('files that nobody knows, and files of no expected time, are spread by number', () => {
  for (const expectedMs of [null, 0]) {
    fc.assert(
      fc.property(files(40, fc.constant(expectedMs)), count, (list, n) => {
        const sizes = Array.from({ length: n }, () => 0)
        for (const at of slices(list, n).of.values()) sizes[at]!++
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  }
})

test('an unknown file counts as the mean of the known ones; without any, no work is expected', () => {
  const known = [
    { id: 'long', expectedMs: 900 },
    { id: 'short', expectedMs: 100 },
    { id: 'new', expectedMs: null },
  ]
  expect(slices(known, 2).expectedMs).toEqual([900, 600])
  expect(slices([{ id: 'new', expectedMs: null }], 2).expectedMs).toBeNull()
})

test('the odd file goes to the slice that has less work from other tiers', () => {
  const one = [{ id: 'a', expectedMs: 10 }]
  expect(slices(one, 3, [30, 20, 25]).of.get('a')).toBe(1)
  expect(slices(one, 3).of.get('a')).toBe(0)
})
