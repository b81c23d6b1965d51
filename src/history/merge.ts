import { isTestFailure, unreachable, type Ending } from '../core/ending.ts'
import type { AttemptRecord, FileRecord, RunRecord } from '../core/record.ts'
import type { HistoryData, PastFile, PastRun, TierData } from './data.ts'
import {
  oldestRun,
  packMs,
  packSamples,
  packTests,
  unpackSamples,
  unpackTests,
  type Sample,
  type SampleOutcome,
} from './samples.ts'

/** Samples kept of a file: what statistics need that tell a slower test from a noisy machine. */
export const SAMPLES_KEPT = 20

/**
 * Runs kept of a tier. More than samples of a file: a developer who runs one file twenty times must not push the
 * timings of all the others out. A file that is in none of them is forgotten.
 */
export const RUNS_KEPT = 200

/** What one run says of one file. */
interface NewSample {
  readonly outcome: SampleOutcome
  readonly ms: number
  /** Tests that passed at the first try, with their packed durations. */
  readonly tests: ReadonlyMap<string, string>
}

/**
 * Adds a run. Adding it again changes nothing; adding runs in another order gives the same history (but for the runs'
 * numbers), so that it does not matter which of two runs that end together writes first.
 *
 * @returns whether anything changed
 */
export function addRun(data: HistoryData, record: RunRecord): boolean {
  const { meta, startedAt } = record
  if (meta === null || startedAt === null) return false
  let changed = false
  for (const tier of record.tiers.values()) {
    const files = new Map<string, NewSample>()
    for (const file of tier.files.values()) {
      const sample = sampleOf(file)
      if (sample) files.set(file.plan.id, sample)
    }
    // A run that says nothing must not push out one that does.
    if (files.size === 0) continue
    const past: TierData = data.tiers.get(tier.name) ?? { runs: [], files: new Map() }
    data.tiers.set(tier.name, past)
    const machine = `${meta.platform}, ${meta.cpus} cpus`
    if (addToTier(past, { id: meta.run, at: startedAt, commit: meta.commit, machine }, files)) changed = true
  }
  return changed
}

function addToTier(tier: TierData, run: Omit<PastRun, 'n'>, files: ReadonlyMap<string, NewSample>): boolean {
  const admitted = admit(tier, run)
  if (admitted === null) return false
  const { n } = admitted
  const rank = new Map(tier.runs.map((past, index) => [past.n, index]))
  let changed = admitted.added
  for (const [id, sample] of files) {
    const before = tier.files.get(id) ?? { samples: '', tests: '' }
    const after = addSample(before, n, sample, rank)
    if (after.samples === before.samples && after.tests === before.tests) continue
    tier.files.set(id, after)
    changed = true
  }
  return changed
}

/** The number of a run in its tier, new or known; null when it is older than everything a full history keeps. */
function admit(tier: TierData, run: Omit<PastRun, 'n'>): { readonly n: number; readonly added: boolean } | null {
  const known = tier.runs.find(({ id }) => id === run.id)
  if (known) return { n: known.n, added: false }
  const n = tier.runs.reduce((highest, past) => Math.max(highest, past.n), 0) + 1
  const runs = [...tier.runs, { n, ...run }].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
  const kept = runs.slice(-RUNS_KEPT)
  if (kept.length < runs.length && runs[0]!.n === n) return null
  tier.runs = kept
  if (kept.length < runs.length) forget(tier)
  return { n, added: true }
}

/** Drops the samples of runs that are no longer kept: they are the oldest of their files. */
function forget(tier: TierData): void {
  const alive = new Set(tier.runs.map(({ n }) => n))
  for (const [id, file] of tier.files) {
    const oldest = oldestRun(file.samples)
    if (oldest !== null && alive.has(oldest)) continue
    const samples = unpackSamples(file.samples)
    const dropped = samples.filter(({ run }) => !alive.has(run)).length
    if (dropped === samples.length) tier.files.delete(id)
    else tier.files.set(id, withoutOldest(samples, file, dropped))
  }
}

function withoutOldest(samples: readonly Sample[], { tests }: PastFile, count: number): PastFile {
  const columns = unpackTests(tests, samples.length)
  for (const column of columns.values()) column.splice(0, count)
  return { samples: packSamples(samples.slice(count)), tests: packTests(columns) }
}

/** @param rank the place of each run in time, by its number */
function addSample(file: PastFile, n: number, added: NewSample, rank: ReadonlyMap<number, number>): PastFile {
  const samples = unpackSamples(file.samples)
  const columns = unpackTests(file.tests, samples.length)
  const at = rank.get(n)!
  const known = samples.findIndex(({ run }) => run === n)
  const place = known === -1 ? samples.filter(({ run }) => (rank.get(run) ?? -1) < at).length : known
  const replaced = known === -1 ? 0 : 1

  samples.splice(place, replaced, { run: n, outcome: added.outcome, ms: added.ms })
  for (const [name, column] of columns) column.splice(place, replaced, added.tests.get(name) ?? '')
  for (const [name, ms] of added.tests) {
    if (columns.has(name)) continue
    const column = Array<string>(samples.length).fill('')
    column[place] = ms
    columns.set(name, column)
  }
  const surplus = samples.length - SAMPLES_KEPT
  if (surplus > 0) {
    samples.splice(0, surplus)
    for (const column of columns.values()) column.splice(0, surplus)
  }
  return { samples: packSamples(samples), tests: packTests(columns) }
}

/** What a run says of a file; null when none of its attempts came to an end of its own. */
function sampleOf(file: FileRecord): NewSample | null {
  const completed = file.attempts.flatMap((attempt) => {
    const outcome = attempt.ending && outcomeOf(attempt.ending)
    return outcome === null ? [] : [{ attempt, outcome }]
  })
  const first = completed.at(0)
  const last = completed.at(-1)
  if (!first || !last) return null
  const again = last.outcome === 'passed' && completed.some(({ attempt }) => isTestFailure(attempt.ending!))
  return {
    outcome: again ? 'again' : last.outcome,
    ms: whole(last.attempt.durationMs),
    tests: passedTests(first.attempt),
  }
}

function outcomeOf(ending: Ending): SampleOutcome | null {
  switch (ending.kind) {
    case 'passed':
    case 'failed':
    case 'crashed':
      return ending.kind
    case 'no-tests':
      return 'failed'
    case 'timed-out':
      // A file that the tier's deadline stopped had less time than its own: that says nothing about it.
      return ending.limit === 'file' ? 'timed-out' : null
    case 'infrastructure':
    case 'lease-lost':
    case 'cancelled':
    case 'not-run':
      return null
    default:
      return unreachable(ending)
  }
}

function passedTests(attempt: AttemptRecord): Map<string, string> {
  const passed = [...attempt.tests.values()].filter(
    ({ outcome, retries, errors }) => outcome === 'passed' && retries === 0 && errors.length === 0,
  )
  return new Map(passed.map(({ name, durationMs }) => [name, packMs(whole(durationMs))]))
}

/** Whole ms; what is not a duration counts as none. */
function whole(ms: number): number {
  return Number.isFinite(ms) && ms > 0 ? Math.round(ms) : 0
}
