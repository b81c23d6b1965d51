import fc from '../../support/property.ts'
import { describe, expect, test } from 'vitest'
import type { PlannedFile } from '../../../src/core/events.ts'
import { forecast, makespan, order } from '../../../src/core/plan.ts'

const files = fc
  .uniqueArray(fc.record({ id: fc.string(), expectedMs: fc.option(fc.nat({ max: 100_000 }), { nil: null }) }), {
    selector: (file) => file.id,
    maxLength: 60,
  })
  .map((list) => list.map((file): PlannedFile => ({ path: file.id, project: '', suite: 's', ...file })))

describe('order', () => {
  test('unknown files first, then longest first', () => {
    const plan = order([
      { id: 'b', expectedMs: 10 },
      { id: 'c', expectedMs: null },
      { id: 'a', expectedMs: 500 },
    ])
    expect(plan.map((file) => file.id)).toEqual(['c', 'a', 'b'])
  })

  test('among unknown files the largest first', () => {
    const plan = order(
      ['a', 'b', 'c'].map((id) => ({ id, expectedMs: null })),
      new Map([
        ['b', 900],
        ['c', 20],
      ]),
    )
    expect(plan.map((file) => file.id)).toEqual(['b', 'c', 'a'])
  })

  test('keeps every file once and does not depend on the order of discovery', () => {
    fc.assert(
      fc.property(files, fc.infiniteStream(fc.nat()), (list, noise) => {
        const shuffled = list
          .map((file) => ({ file, key: noise.next().value }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ file }) => file)
        const once = order(list)
        expect(order(shuffled)).toEqual(once)
        expect(once.map((file) => file.id).toSorted()).toEqual(list.map((file) => file.id).toSorted())
      }),
    )
  })
})

describe('makespan', () => {
  const durations = fc.array(fc.nat({ max: 10_000 }), { maxLength: 80 })
  const shards = fc.integer({ min: 1, max: 20 })

  test('agrees with a list scheduler written the plain way', () => {
    fc.assert(
      fc.property(durations, shards, (list, count) => {
        const free = Array.from({ length: count }, () => 0)
        for (const duration of list) free[free.indexOf(Math.min(...free))]! += duration
        expect(makespan(list, count)).toBe(Math.max(0, ...free))
      }),
    )
  })

  test('never beyond the bound of Graham (1966): total / shards + (1 - 1 / shards) x longest', () => {
    fc.assert(
      fc.property(durations, shards, (list, count) => {
        const total = list.reduce((sum, ms) => sum + ms, 0)
        const bound = total / count + (1 - 1 / count) * Math.max(0, ...list)
        expect(makespan(list, count)).toBeLessThanOrEqual(bound + 1e-6)
      }),
    )
  })
})

describe('forecast', () => {
  test('predicts nothing without history', () => {
    const plan = forecast([{ id: 'a', path: 'a', project: '', suite: 's', expectedMs: null }], 4, 1000)
    expect(plan).toEqual({ unknown: 1, makespanMs: null, floorMs: null, floorFile: null, shardsForDeadline: null })
  })

  test('names the file that sets the floor, and the shards that the deadline needs', () => {
    const list = [900, 300, 300, 300].map((expectedMs, i) => ({
      id: `f${i}`,
      path: '',
      project: '',
      suite: 's',
      expectedMs,
    }))
    expect(forecast(list, 1, 1000)).toMatchObject({
      makespanMs: 1800,
      floorMs: 1800,
      floorFile: null,
      shardsForDeadline: 2,
    })
    expect(forecast(list, 4, 1000)).toMatchObject({
      makespanMs: 900,
      floorMs: 900,
      floorFile: 'f0',
      shardsForDeadline: null,
    })
    expect(forecast(list, 1, 800).shardsForDeadline).toBeNull()
  })

  test('never predicts less than the floor, and offers the fewest shards that meet the deadline', () => {
    fc.assert(
      fc.property(files, fc.integer({ min: 1, max: 8 }), fc.nat({ max: 300_000 }), (list, shards, deadlineMs) => {
        const plan = forecast(order(list), shards, deadlineMs)
        if (plan.makespanMs === null || plan.floorMs === null) return
        expect(plan.makespanMs).toBeGreaterThanOrEqual(plan.floorMs - 1e-6)
        if (plan.shardsForDeadline === null) return
        expect(plan.makespanMs).toBeGreaterThan(deadlineMs)
        const more = forecast(order(list), plan.shardsForDeadline, deadlineMs)
        expect(more.makespanMs).toBeLessThanOrEqual(deadlineMs)
        const fewer = forecast(order(list), plan.shardsForDeadline - 1, deadlineMs)
        expect(fewer.makespanMs).toBeGreaterThan(deadlineMs)
      }),
    )
  })
})
