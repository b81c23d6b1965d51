import { createHash } from 'node:crypto'
import type { SliceMark } from '../core/events.ts'
import { forecast } from '../core/plan.ts'
import { slices, type SliceRequest } from '../core/slices.ts'
import type { RunPlan, TierPlan } from './plan.ts'

/** The part of a plan that one node runs, and what all nodes must agree on. */
export interface SlicePlan {
  readonly mark: SliceMark
  /** Expected work of each slice over all tiers, ms; null when no file has history. */
  readonly expectedMs: readonly number[] | null
}

/** The plan of one slice: of every tier its part of the files, in their order. */
export function slicePlan(plan: RunPlan, { index, of }: SliceRequest): RunPlan & { readonly slice: SlicePlan } {
  const work = Array.from({ length: of }, () => 0)
  let known = false
  const tiers = plan.tiers.map((tier): TierPlan => {
    const cut = slices(tier.files, of, work)
    known ||= cut.expectedMs !== null
    for (const [at, ms] of cut.expectedMs?.entries() ?? []) work[at]! += ms
    const files = tier.files.filter((file) => cut.of.get(file.id) === index - 1)
    return { ...tier, files, forecast: forecast(files, tier.settings.shards, tier.settings.deadlineMs) }
  })
  const all = plan.tiers.reduce((sum, { files }) => sum + files.length, 0)
  const mark = { index, of, files: all, plan: planDigest(plan), history: historyDigest(plan) }
  // A slice cannot say of an entry of the quarantine that nothing needed it.
  return { ...plan, whole: false, tiers, slice: { mark, expectedMs: known ? work : null } }
}

/** Of what all nodes must find: the same files in the same suites, and the same tests of them. */
export function planDigest({ tiers, testName }: Pick<RunPlan, 'tiers' | 'testName'>): string {
  return digest([testName, tiers.map(({ settings, files }) => [settings.name, sorted(files, (file) => file.suite)])])
}

/** Of what the history says of these files: slices are cut by it. */
function historyDigest({ tiers }: RunPlan): string {
  return digest(tiers.map(({ settings, files }) => [settings.name, sorted(files, (file) => file.expectedMs)]))
}

function sorted<F extends { readonly id: string }>(files: readonly F[], fact: (file: F) => unknown): unknown[] {
  return files.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map((file) => [file.id, fact(file)])
}

/** So many hexadecimal digits tell plans apart and can still be read aloud. */
const DIGITS = 12

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, DIGITS)
}
