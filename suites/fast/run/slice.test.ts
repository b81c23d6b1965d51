import { expect, test } from 'vitest'
import { forecast } from '../../../src/core/plan.ts'
import type { RunPlan } from '../../../src/run/plan.ts'
import { planDigest, slicePlan } from '../../../src/run/slice.ts'
import { planned, suite, tier } from '../../support/run/fakes.ts'

type Files = Readonly<Record<string, number | null>>

/** A plan of tiers with their files and what is expected of each. */
function plan(tiers: Readonly<Record<string, Files>>, more: Partial<RunPlan> = {}): RunPlan {
  const plans = Object.entries(tiers).map(([name, files]) => {
    const list = Object.entries(files).map(([id, expectedMs]) => planned(id, { expectedMs }))
    const settings = tier({ name, shards: 2 })
    return { settings, suites: [suite({ tier: name })], files: list, forecast: forecast(list, 2, settings.deadlineMs) }
  })
  return { engine: 'fake 1', tiers: plans, warnings: [], testName: null, whole: true, ...more }
}

const TWO_TIERS = { fast: { a: 40, b: 30, c: null }, standard: { d: 500, a: 20 } }

function idsOf(of: RunPlan): string[] {
  return of.tiers.flatMap(({ settings, files }) => files.map(({ id }) => `${settings.name}:${id}`))
}

test('the slices of a plan have all of its files, each once, in the order of the plan, with a forecast of their own', () => {
  const whole = plan(TWO_TIERS)
  const parts = [1, 2, 3].map((index) => slicePlan(whole, { index, of: 3 }))
  expect(parts.flatMap(idsOf).toSorted()).toEqual(idsOf(whole).toSorted())
  for (const part of parts) {
    expect(idsOf(whole).filter((id) => idsOf(part).includes(id))).toEqual(idsOf(part))
    expect(part.tiers.map(({ settings }) => settings.name)).toEqual(['fast', 'standard'])
    expect(part.whole).toBe(false)
    // c counts as the mean of a and b; each file of standard goes where least of fast is.
    expect(part.slice.expectedMs).toEqual([40, 35 + 20, 30 + 500])
  }
  expect(parts.map(idsOf)).toEqual([['fast:a'], ['fast:c', 'standard:a'], ['fast:b', 'standard:d']])
  expect(parts[2]!.tiers[1]!.forecast).toMatchObject({ makespanMs: 500, floorMs: 500, floorFile: 'd' })
})

test('the mark of a slice says what all nodes have to agree on', () => {
  const mark = (of: RunPlan, index = 1) => slicePlan(of, { index, of: 3 }).slice.mark
  const one = mark(plan(TWO_TIERS))
  expect(one).toMatchObject({ index: 1, of: 3, files: 5 })
  expect(mark(plan(TWO_TIERS), 2)).toEqual({ ...one, index: 2 })
  const found = plan(TWO_TIERS)
  const otherwise = { ...found, tiers: found.tiers.map((one) => ({ ...one, files: one.files.toReversed() })) }
  expect(mark(otherwise)).toEqual(one)

  const other = {
    file: mark(plan({ ...TWO_TIERS, fast: { a: 40, b: 30, x: null } })),
    tier: mark(plan({ fast: TWO_TIERS.fast, late: TWO_TIERS.standard })),
    tests: mark(plan(TWO_TIERS, { testName: 'x' })),
    history: mark(plan({ ...TWO_TIERS, fast: { a: 41, b: 30, c: null } })),
  }
  const differs = (name: keyof typeof other) => [other[name].plan !== one.plan, other[name].history !== one.history]
  expect(differs('file')).toEqual([true, true])
  expect(differs('tier')).toEqual([true, true])
  expect(differs('tests')).toEqual([true, false])
  expect(differs('history')).toEqual([false, true])
  expect(one.plan).toBe(planDigest(plan(TWO_TIERS)))
})

test('a slice for which no file is left is empty, and so are tiers with fewer files than slices', () => {
  const whole = plan({ fast: { a: null, b: null } })
  expect([1, 2, 3].map((index) => idsOf(slicePlan(whole, { index, of: 3 })))).toEqual([['fast:a'], ['fast:b'], []])
  expect(slicePlan(whole, { index: 3, of: 3 }).slice.expectedMs).toBeNull()
})
