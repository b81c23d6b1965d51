import type { PastRun } from './data.ts'
import { escape, unescape } from './names.ts'
import { durationOf, FAILED, PASSED_AGAIN, type Sample, type TestColumns } from './samples.ts'

/**
 * Flaky tests: those that failed and passed on one commit, or within one run. A run on changed files counts as a commit
 * of its own (its commit is null), since there the change may be what made the test pass.
 *
 * The evidence is kept apart from the samples, which a busy project pushes out within a day, until the test is cleared:
 * after {@link CLEARED_AFTER_MS} and {@link CLEARED_AFTER_PASSES} passes at the first try.
 */
const CLEARED_AFTER_MS = 7 * 24 * 60 * 60 * 1000
const CLEARED_AFTER_PASSES = 20

/** The time of the last evidence against each flaky test of a file, ms since 1970, by the test's name. */
export type Flaky = Map<string, number>

/** "name|time|other|time", times to base 36, by name: the same for the same evidence. */
export function packFlaky(flaky: Flaky): string {
  const sorted = [...flaky].sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.flatMap(([name, at]) => [escape(name), Math.round(at).toString(36)]).join('|')
}

/** What does not read as a test with a time is left out. */
export function unpackFlaky(packed: string): Flaky {
  const parts = packed === '' ? [] : packed.split('|')
  const flaky: Flaky = new Map()
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const at = Number.parseInt(parts[i + 1]!, 36)
    if (Number.isFinite(at)) flaky.set(unescape(parts[i]!), at)
  }
  return flaky
}

/** A file with the evidence of its samples: where both know a test, the later time counts. */
export function withEvidence(
  known: Flaky,
  samples: readonly Sample[],
  columns: TestColumns,
  runs: ReadonlyMap<number, PastRun>,
): Flaky {
  const flaky = new Map(known)
  for (const [name, column] of columns) {
    const at = evidence(column, samples, runs)
    if (at !== null) flaky.set(name, Math.max(at, flaky.get(name) ?? 0))
  }
  return flaky
}

/** When a test was last seen to fail and pass on the same code; null: never. */
function evidence(
  column: readonly string[],
  samples: readonly Sample[],
  runs: ReadonlyMap<number, PastRun>,
): number | null {
  let last: number | null = null
  const found = (at: number): void => void (last = Math.max(at, last ?? 0))
  for (const [i, place] of column.entries()) {
    if (place !== FAILED && place !== PASSED_AGAIN) continue
    const run = runs.get(samples[i]!.run)
    if (!run) continue
    if (place === PASSED_AGAIN) found(run.at)
    else if (run.commit !== null) {
      for (const [j, other] of column.entries()) {
        const twin = runs.get(samples[j]!.run)
        if (twin?.commit === run.commit && durationOf(other) !== null) found(Math.max(run.at, twin.at))
      }
    }
  }
  return last
}

/** How often a test passed at the first try after a moment, as far as the samples go. */
export function passesSince(
  at: number,
  column: readonly string[],
  samples: readonly Sample[],
  runs: ReadonlyMap<number, PastRun>,
): number {
  return column.filter((place, i) => durationOf(place) !== null && (runs.get(samples[i]!.run)?.at ?? 0) > at).length
}

const RECENT = 25

/** See `TierPast.flaky`: the last runs of a test on whatever machine, none of them later than `until`, ms since 1970. */
export function recentRuns(
  column: readonly string[],
  samples: readonly Sample[],
  runs: ReadonlyMap<number, PastRun>,
  until: number,
): string {
  const known = column.flatMap((place, i) => {
    const at = runs.get(samples[i]!.run)?.at
    const letter = place === FAILED ? 'f' : place === PASSED_AGAIN ? 'k' : durationOf(place) === null ? '' : 'p'
    return at === undefined || at > until || letter === '' ? [] : [{ at, letter }]
  })
  return known
    .sort((a, b) => a.at - b.at)
    .slice(-RECENT)
    .map(({ letter }) => letter)
    .join('')
}

/** Whether a test has behaved for long enough. `now` is the start of the newest run, ms since 1970. */
export function isCleared(at: number, passes: number, now: number): boolean {
  return now - at > CLEARED_AFTER_MS && passes >= CLEARED_AFTER_PASSES
}
