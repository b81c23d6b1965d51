import type { PlannedFile } from '../core/events.ts'
import { forecast } from '../core/plan.ts'
import type { FileRecord, RunRecord, TierRecord } from '../core/record.ts'
import { countFile, fileEnding } from '../core/verdict.ts'
import type { RunPlan, TierPlan } from './plan.ts'
import { planDigest } from './slice.ts'

/** Of a list of files so many are named. */
const NAMED = 10

/** What a run that continues another has to do. */
export interface Again {
  /** The files without a complete pass, and the new ones. */
  readonly plan: RunPlan
  /** How many files of the earlier run are not run again because all of their tests have passed. */
  readonly kept: number
  readonly files: number
}

/**
 * Narrows the plan of everything to what an earlier run left undone: files that failed, were lost or never ran, and files
 * that are new since. What changed in between is named in the plan's warnings: nothing leaves the account silently.
 *
 * @param plan of the tiers and the selection of the earlier run
 * @param before the earlier run, settled
 */
export function planAgain(plan: RunPlan, before: RunRecord): Again {
  const warnings: string[] = []
  const slice = before.meta?.slice
  const all = before.meta?.selection?.changed === null
  // What a slice does not know belongs to another one.
  const takesNew = all && slice === undefined
  if (slice && all && plan.tiers.length === before.tiers.size && slice.plan !== planDigest(plan)) {
    const what = `the plan is not the one of which slice ${slice.index}/${slice.of} was cut: other files or suites`
    warnings.push(`${what}. Files that are new since then are in no slice; run all slices afresh to have them`)
  }
  let kept = 0
  const tiers = plan.tiers.map((tier): TierPlan => {
    const old = before.tiers.get(tier.settings.name)
    if (!old) return tier
    warnings.push(...changes(old, tier.files, takesNew))
    const files = tier.files.filter((file) => isDue(old, file, takesNew))
    kept += tier.files.filter((file) => old.files.has(file.id)).length - countKnown(old, files)
    return { ...tier, files, forecast: forecast(files, tier.settings.shards, tier.settings.deadlineMs) }
  })
  const files = tiers.reduce((sum, tier) => sum + tier.files.length, 0)
  // With files left out it is no run of everything, by which unused entries of the quarantine are judged.
  const whole = plan.whole === true && kept === 0 && slice === undefined
  return { plan: { ...plan, whole, tiers, warnings: [...plan.warnings, ...warnings] }, kept, files }
}

function countKnown(old: TierRecord, files: readonly PlannedFile[]): number {
  return files.filter((file) => old.files.has(file.id)).length
}

function isDue(old: TierRecord, file: PlannedFile, takesNew: boolean): boolean {
  const past = old.files.get(file.id)
  if (!past) return takesNew
  // An error that belongs to no file may have come from any of them.
  return old.strayErrors.length > 0 || past.plan.suite !== file.suite || !hasPassed(past)
}

/** Whether every test of a file that is known has passed or was skipped. */
function hasPassed(file: FileRecord): boolean {
  const { failed, notRun } = countFile(file)
  return fileEnding(file).kind === 'passed' && failed === 0 && notRun === 0
}

/** What became of the plan since the earlier run. */
function changes(old: TierRecord, files: readonly PlannedFile[], takesNew: boolean): string[] {
  const now = new Map(files.map((file) => [file.id, file]))
  const gone = [...old.files.keys()].filter((id) => !now.has(id))
  const fresh = takesNew ? files.filter(({ id }) => !old.files.has(id)).map(({ id }) => id) : []
  const moved = [...old.files.values()].flatMap(({ plan: { id, suite } }) => {
    const to = now.get(id)?.suite
    return to === undefined || to === suite ? [] : [`${id} (${suite} to ${to})`]
  })
  return [
    said(old.name, gone, 'gone since then: what is known of them stays as it was'),
    said(old.name, fresh, 'new since then'),
    said(old.name, moved, 'in another suite since then: they run again'),
  ].filter((line) => line !== null)
}

function said(tier: string, names: readonly string[], what: string): string | null {
  if (names.length === 0) return null
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
  return `tier ${tier}: ${names.length} ${names.length === 1 ? 'file' : 'files'} ${what}: ${names.slice(0, NAMED).join(', ')}${more}`
}
