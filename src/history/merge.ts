import { isTestFailure, unreachable, type Ending } from '../core/ending.ts'
import { machineOf } from '../core/events.ts'
import type { AttemptRecord, FileRecord, RunRecord } from '../core/record.ts'
import { column as columnOf, testVerdicts } from '../core/verdict.ts'
import type { HistoryData, PastFile, PastRun, TierData } from './data.ts'
import { isCleared, packFlaky, passesSince, unpackFlaky, withEvidence, type Flaky } from './flaky.ts'
import {
  FAILED,
  oldestRun,
  packMs,
  packSamples,
  packTests,
  PASSED_AGAIN,
  unpackSamples,
  unpackTests,
  type Sample,
  type SampleOutcome,
  type TestColumns,
} from './samples.ts'

/**
 * Samples kept of a file for each class of machine: twenty to compare with and five to judge, which is what it takes to
 * tell a slower test from a noisy machine (docs/statistics.md).
 */
export const SAMPLES_KEPT = 25

/**
 * Runs kept of a tier. More than samples of a file: a developer who runs one file twenty times must not push the
 * timings of all the others out. A file that is in none of them is forgotten. The slices of a matrix count as one run
 * together: each file is in one of them only.
 */
export const RUNS_KEPT = 200

/** Of runs, oldest first, those that are kept. */
export function keptOf<R extends Pick<PastRun, 'slices'>>(runs: readonly R[]): R[] {
  let newer = 0
  let first = runs.length
  // A little less than all: thirds do not add up to a whole.
  while (first > 0 && newer < RUNS_KEPT - 1e-6) newer += 1 / (runs[--first]!.slices ?? 1)
  return runs.slice(first)
}

/** What one run says of one file. */
interface NewSample {
  readonly outcome: SampleOutcome
  readonly ms: number
  /** What stands in the tests' columns: their packed durations, or how they failed. */
  readonly tests: ReadonlyMap<string, string>
}

/**
 * Adds a run. Adding it again changes nothing; adding runs in another order gives the same history (but for the runs'
 * numbers), so that it does not matter which of two runs that end together writes first. One exception: a failure and a
 * pass on one commit that lie further apart than the samples are kept are seen together only when they are added so.
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
    const run = {
      id: meta.run,
      at: startedAt,
      commit: meta.changed ? null : meta.commit,
      machine: machineOf(meta),
      ...(meta.slice ? { slices: meta.slice.of } : {}),
    }
    if (addToTier(past, run, files)) changed = true
  }
  return changed
}

function addToTier(tier: TierData, run: Omit<PastRun, 'n'>, files: ReadonlyMap<string, NewSample>): boolean {
  const admitted = admit(tier, run)
  if (admitted === null) return false
  const { n } = admitted
  const runs = byNumber(tier.runs)
  const now = tier.runs.at(-1)!.at
  let changed = admitted.added
  for (const [id, sample] of files) {
    const before = tier.files.get(id) ?? { samples: '', tests: '', flaky: '' }
    const after = addSample(before, n, sample, runs, now)
    if (after.samples === before.samples && after.tests === before.tests && after.flaky === before.flaky) continue
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
  const runs = [...tier.runs, { n, ...run }].sort(oldestFirst)
  const kept = keptOf(runs)
  if (!kept.some((one) => one.n === n)) return null
  tier.runs = kept
  if (kept.length < runs.length) forget(tier)
  return { n, added: true }
}

export function oldestFirst(a: Omit<PastRun, 'n'>, b: Omit<PastRun, 'n'>): number {
  return a.at - b.at || (a.id < b.id ? -1 : 1)
}

/** The runs by the number that samples name, oldest first. */
export function byNumber(runs: readonly PastRun[]): Map<number, PastRun> {
  return new Map(runs.map((run) => [run.n, run]))
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

function withoutOldest(samples: readonly Sample[], { tests, flaky }: PastFile, count: number): PastFile {
  const columns = unpackTests(tests, samples.length)
  for (const column of columns.values()) column.splice(0, count)
  return { samples: packSamples(samples.slice(count)), tests: packTests(columns), flaky }
}

/** @param runs by number, with that of the sample; the newest of them started at `now` */
function addSample(
  file: PastFile,
  n: number,
  added: NewSample,
  runs: ReadonlyMap<number, PastRun>,
  now: number,
): PastFile {
  const samples = unpackSamples(file.samples)
  const columns = unpackTests(file.tests, samples.length)
  const own = runs.get(n)!
  const known = samples.findIndex(({ run }) => run === n)
  const place = known === -1 ? samples.filter(({ run }) => isOlder(runs.get(run), own)).length : known
  const replaced = known === -1 ? 0 : 1

  samples.splice(place, replaced, { run: n, outcome: added.outcome, ms: added.ms })
  for (const [name, column] of columns) column.splice(place, replaced, added.tests.get(name) ?? '')
  for (const [name, ms] of added.tests) {
    if (columns.has(name)) continue
    const column = Array<string>(samples.length).fill('')
    column[place] = ms
    columns.set(name, column)
  }
  return pack(samples, columns, unpackFlaky(file.flaky), runs, now)
}

function isOlder(run: PastRun | undefined, than: PastRun): boolean {
  return run === undefined || oldestFirst(run, than) < 0
}

/**
 * A file as it is kept: its samples cut to what is wanted, its flaky tests brought up to date.
 *
 * @param now when the newest of `runs` started
 */
export function pack(
  samples: Sample[],
  columns: TestColumns,
  known: Flaky,
  runs: ReadonlyMap<number, PastRun>,
  now: number,
): PastFile {
  const flaky = withEvidence(known, samples, columns, runs)
  for (const surplus of surplusOf(samples, runs)) {
    samples.splice(surplus, 1)
    for (const column of columns.values()) column.splice(surplus, 1)
  }
  for (const [name, at] of flaky) {
    if (isCleared(at, passesSince(at, columns.get(name) ?? [], samples, runs), now)) flaky.delete(name)
  }
  return { samples: packSamples(samples), tests: packTests(columns), flaky: packFlaky(flaky) }
}

/** The places of samples that are more than {@link SAMPLES_KEPT} of their class of machine, last place first. */
function surplusOf(samples: readonly Sample[], runs: ReadonlyMap<number, PastRun>): number[] {
  if (samples.length <= SAMPLES_KEPT) return []
  const seen = new Map<string, number>()
  const surplus: number[] = []
  for (let i = samples.length - 1; i >= 0; i--) {
    const machine = runs.get(samples[i]!.run)?.machine ?? ''
    const count = (seen.get(machine) ?? 0) + 1
    seen.set(machine, count)
    if (count > SAMPLES_KEPT) surplus.push(i)
  }
  return surplus
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
    tests: testPlaces(
      file,
      completed.map(({ attempt }) => attempt),
    ),
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

/** @param attempts those that came to an end of their own: what trouble elsewhere did to the others is not the test's */
function testPlaces(file: FileRecord, attempts: readonly AttemptRecord[]): Map<string, string> {
  const places = passedTests(attempts[0]!)
  for (const { name, outcome } of testVerdicts(file)) {
    if (columnOf(outcome) === 'notRun') continue
    const tries = attempts.flatMap((attempt) => attempt.tests.get(name) ?? [])
    const passed = tries.some((test) => test.outcome === 'passed')
    const failed = tries.some(
      (test) =>
        (test.outcome !== null && columnOf(test.outcome) === 'failed') ||
        (test.outcome === 'passed' && test.errors.length > 0),
    )
    if (failed) places.set(name, passed ? PASSED_AGAIN : FAILED)
  }
  return places
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
