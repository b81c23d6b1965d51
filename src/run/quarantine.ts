import picomatch from 'picomatch'
import type { PlannedFile, QuarantineEntry } from '../core/events.ts'
import type { DiscoveredFile } from '../core/ports.ts'
import { isExpired, namesTest } from '../core/quarantine.ts'
import type { RunRecord } from '../core/record.ts'
import type { QuarantineSettings, Settings } from '../core/settings.ts'
import type { RunPlan } from './plan.ts'

/** How an entry is called in messages: by its place in the config and by what it names. */
function nameOf({ file, test }: QuarantineSettings, at: number): string {
  return `quarantine[${at}] (${[file, test].filter((part) => part !== null).join(' > ')})`
}

/** What a planned file carries of the quarantine. */
export function quarantineOf(
  { quarantine = [] }: Settings,
  now: Date,
): (path: string) => Pick<PlannedFile, 'quarantine'> {
  const entries = quarantine.map((settings, at) => {
    const { file, test, until, reason } = settings
    const entry: QuarantineEntry = { entry: `quarantine[${at}]`, test, until, reason, expired: isExpired(until, now) }
    return { entry, takes: file === null ? () => true : picomatch(file, { dot: true }) }
  })
  return (path) => {
    const mine = entries.filter(({ takes }) => takes(path)).map(({ entry }) => entry)
    return mine.length === 0 ? {} : { quarantine: mine }
  }
}

/**
 * Warnings for entries that name no file that there is, and for those whose day is over.
 *
 * @param foundAll whether every file of every suite is among those that were found
 */
export function staleQuarantine(
  { quarantine = [] }: Settings,
  found: readonly DiscoveredFile[],
  foundAll: boolean,
): string[] {
  return quarantine.flatMap((entry, at) => {
    const name = nameOf(entry, at)
    const takes = entry.file === null ? () => true : picomatch(entry.file, { dot: true })
    if (!found.some(({ path }) => takes(path))) {
      return foundAll ? [`${name} matches no test file: remove it, or mend its glob.`] : []
    }
    if (!isExpired(entry.until, new Date())) return []
    return [`${name} expired after ${entry.until}: its failures fail the run. Mend the test, or give it a new day.`]
  })
}

/**
 * Warnings for entries with the name of a test that no file has. Only files that ran to an end can tell; an entry for
 * every file is judged only by a run of everything.
 */
export function idleQuarantine(plan: RunPlan, { tiers }: RunRecord): string[] {
  // Of a file, only the tests of this name were looked at.
  if (plan.testName !== null) return []
  const files = [...tiers.values()].flatMap((tier) => [...tier.files.values()])
  const seen = new Map<
    string,
    { readonly entry: QuarantineEntry; matched: boolean; complete: boolean; files: number }
  >()
  for (const { plan: planned, attempts } of files) {
    const tests = attempts.flatMap((attempt) => [...attempt.tests.keys()])
    const kind = attempts.at(-1)?.ending?.kind
    for (const entry of planned.quarantine ?? []) {
      if (entry.test === null) continue
      const state = seen.get(entry.entry) ?? { entry, matched: false, complete: true, files: 0 }
      seen.set(entry.entry, state)
      state.files++
      state.matched ||= tests.some((test) => namesTest(entry, test))
      state.complete &&= tests.length > 0 && (kind === 'passed' || kind === 'failed')
    }
  }
  return [...seen.values()].flatMap(({ entry, matched, complete, files: count }) => {
    if (matched || !complete || (count === files.length && !plan.whole)) return []
    return [`${entry.entry} matches no test: no test of its files is called "${entry.test}" (reason: ${entry.reason}).`]
  })
}
