import { isTestFailure, unreachable, type Ending, type TestOutcome } from './ending.ts'
import type { QuarantineEntry } from './events.ts'
import { excuse } from './quarantine.ts'
import type { AttemptRecord, FileRecord, RunRecord, TestRecord, TierRecord } from './record.ts'

/**
 * How a file stands after all of its attempts: the last one decides; of repetitions, the first that failed. A repetition
 * that the infrastructure spoiled is none.
 */
export function fileEnding(file: FileRecord): Ending {
  const repetition = decidingRepetition(file)
  if (repetition?.ending) return repetition.ending
  // Planned again in a run that continues another, and not started there: what was before does not speak for it.
  if (file.notRun) return file.notRun
  const last = isShort(file) ? null : file.attempts.at(-1)
  return last?.ending ?? { kind: 'not-run', why: 'lost' }
}

/**
 * The attempt that shows how a file stands, with its errors, its shard and its duration: the one whose ending is that of the
 * file. Where none is (it was not repeated or tried again as planned) the last one; null: it never started.
 */
export function decidingAttempt(file: FileRecord): AttemptRecord | null {
  return decidingRepetition(file) ?? file.attempts.at(-1) ?? null
}

/** Of repetitions, the first that failed; of enough without a failure, the first that was cut short, or the last. */
function decidingRepetition(file: FileRecord): AttemptRecord | null {
  if (!file.plan.repeated) return null
  const failed = file.attempts.find(({ ending }) => ending && isTestFailure(ending))
  if (failed || isShort(file)) return failed ?? null
  const counted = file.attempts.filter(isRepetition)
  return counted.find(({ ending }) => ending?.kind !== 'passed') ?? counted.at(-1) ?? null
}

/** Whether a file was not repeated as often as planned. */
export function isShort({ plan: { repeated }, attempts }: FileRecord): boolean {
  if (!repeated || repeated.times === null) return false
  if (attempts.filter(isRepetition).length >= repeated.times) return false
  return !repeated.untilFailure || !attempts.some(({ ending }) => ending && isTestFailure(ending))
}

/** Whether an attempt has ended and counts as one: the infrastructure did not spoil it. */
export function isRepetition({ ending }: AttemptRecord): boolean {
  return ending !== null && ending.kind !== 'infrastructure' && ending.kind !== 'lease-lost'
}

/** How a test stands after all attempts at its file. */
export interface TestVerdict {
  readonly name: string
  readonly outcome: TestOutcome
  /** Passed in the end, after at least one failure in the same run (in another attempt or an in-process retry). */
  readonly flaky: boolean
  /** The deciding attempt's record. */
  readonly last: TestRecord
  /** Earlier attempts in which it did not pass, oldest first. */
  readonly earlier: readonly TestRecord[]
  /** Failed, and this entry of the quarantine excuses it: it counts as skipped. */
  readonly quarantined: QuarantineEntry | null
}

/**
 * The tests of a file, merged over its attempts: the last attempt in which a test has a result decides. A test that an
 * attempt collected and left without a result is `not-run`, never silently gone. Of repetitions, the first failure decides.
 */
export function testVerdicts(file: FileRecord): TestVerdict[] {
  const byName = new Map<string, TestRecord[]>()
  const runs = new Map<TestRecord, string | undefined>()
  for (const attempt of file.attempts) {
    for (const test of attempt.tests.values()) {
      const record = test.outcome === null ? { ...test, outcome: 'not-run' as const } : test
      runs.set(record, attempt.run)
      const list = byName.get(test.name)
      if (list) list.push(record)
      else byName.set(test.name, [record])
    }
  }
  const ending = fileEnding(file)
  return [...byName.entries()].map(([name, records]) => {
    const failure = file.plan.repeated && records.find(isFailed)
    const last = failure || (records.findLast((record) => record.outcome !== 'not-run') ?? records.at(-1)!)
    const earlier = records.filter(
      (record) => record !== last && record.outcome !== 'passed' && record.outcome !== 'not-run',
    )
    const outcome = last.outcome ?? 'not-run'
    // Between two runs the code may have been mended: that is no flakiness.
    const failedBefore = earlier.some((record) => runs.get(record) === runs.get(last) && isFailed(record))
    const flaky = outcome === 'passed' && (failedBefore || last.errors.length > 0)
    return { name, outcome, flaky, last, earlier, quarantined: excused(file, name, outcome, ending) }
  })
}

function isFailed(test: TestRecord): boolean {
  return test.outcome !== null && column(test.outcome) === 'failed'
}

/** A failure that is known; in a file that is known to die, also the tests that it takes with it. */
function excused(file: FileRecord, test: string, outcome: TestOutcome, ending: Ending): QuarantineEntry | null {
  if (!file.plan.quarantine) return null
  if (column(outcome) === 'failed') return excuse(file.plan, test)
  return column(outcome) === 'notRun' && isTestFailure(ending) ? excuse(file.plan, null) : null
}

/** Whether a test counts as failed. */
export function isFailure(test: TestVerdict): boolean {
  return test.quarantined === null && column(test.outcome) === 'failed'
}

/**
 * Whether a file failed as a whole (an import, a crash) in one attempt and passed in a later one, with no test that is
 * flaky for it.
 */
export function isFlakyFile(file: FileRecord): boolean {
  if (file.plan.repeated || fileEnding(file).kind !== 'passed') return false
  const last = file.attempts.at(-1)
  // Between two runs the code may have been mended: that is no flakiness.
  const before = file.attempts
    .slice(0, -1)
    .some(({ ending, run }) => run === last?.run && ending !== null && isTestFailure(ending))
  return before && !testVerdicts(file).some((test) => test.flaky)
}

export interface Counts {
  passed: number
  /** Failed, timed out or crashed. */
  failed: number
  skipped: number
  /** Never started, interrupted or lost. */
  notRun: number
  /** Part of `passed`. */
  flaky: number
  /** Failures that the quarantine excuses, part of `skipped`; absent when there is none. */
  quarantined?: number
}

export function noCounts(): Counts {
  return { passed: 0, failed: 0, skipped: 0, notRun: 0, flaky: 0 }
}

/**
 * Counts a file's tests. A file that ended badly without a failed test of its own (a syntax error, a crash at import, a
 * hook, a file that never started) counts as one: nothing planned can vanish from the totals.
 */
export function countFile(file: FileRecord): Counts {
  const counts = noCounts()
  const tests = testVerdicts(file)
  for (const test of tests) {
    count(counts, column(test.outcome), test.quarantined !== null)
    if (test.flaky) counts.flaky++
  }
  const own = ownCase(file, tests)
  if (own) count(counts, isTestFailure(own.ending) ? 'failed' : 'notRun', own.quarantined !== null)
  return counts
}

function count(counts: Counts, where: ReturnType<typeof column>, quarantined: boolean): void {
  counts[quarantined ? 'skipped' : where]++
  if (quarantined) counts.quarantined = (counts.quarantined ?? 0) + 1
}

/** A case that stands for a file itself. */
export interface OwnCase {
  readonly ending: Ending
  readonly quarantined: QuarantineEntry | null
}

/** The case that a file has beside those of its tests, because none of them shows how it ended; null: it has none. */
export function ownCase(file: FileRecord, tests: readonly TestVerdict[] = testVerdicts(file)): OwnCase | null {
  const ending = fileEnding(file)
  const shown = noCounts()
  for (const test of tests) shown[column(test.outcome)]++
  // The excuse of a test is none for an error of the file beside it.
  const errors = decidingAttempt(file)?.errors.length ?? 0
  const hidden = isTestFailure(ending) && errors > 0 && shown.failed > 0 && !tests.some(isFailure)
  if (!needsOwnCase(ending, shown) && !hidden) return null
  return { ending, quarantined: isTestFailure(ending) ? excuse(file.plan, null) : null }
}

/** Whether a file's ending has to be shown as a case of its own, because no test of the file shows it. */
export function needsOwnCase(ending: Ending, counts: Counts): boolean {
  switch (ending.kind) {
    case 'passed':
      return false
    case 'failed':
    case 'crashed':
    case 'timed-out':
      return counts.failed === 0
    case 'no-tests':
      return true
    case 'infrastructure':
    case 'lease-lost':
    case 'cancelled':
    case 'not-run':
      return counts.notRun === 0
    default:
      return unreachable(ending)
  }
}

export function column(outcome: TestOutcome): 'passed' | 'failed' | 'skipped' | 'notRun' {
  switch (outcome) {
    case 'passed':
      return 'passed'
    case 'failed':
    case 'timed-out':
    case 'crashed':
      return 'failed'
    case 'skipped':
      return 'skipped'
    case 'interrupted':
    case 'not-run':
      return 'notRun'
    default:
      return unreachable(outcome)
  }
}

export function addCounts(into: Counts, more: Counts): void {
  into.passed += more.passed
  into.failed += more.failed
  into.skipped += more.skipped
  into.notRun += more.notRun
  into.flaky += more.flaky
  if (more.quarantined) into.quarantined = (into.quarantined ?? 0) + more.quarantined
}

/** An error that belongs to no file counts as a failure of its own. */
export function countTier(tier: TierRecord): Counts {
  const counts = { ...noCounts(), failed: tier.strayErrors.length }
  for (const file of tier.files.values()) addCounts(counts, countFile(file))
  return counts
}

/** What is missing from the record as a whole counts as not run: see `RunRecord.missing`. */
export function countRun(run: RunRecord): Counts {
  const counts = { ...noCounts(), notRun: run.missing.length }
  for (const tier of run.tiers.values()) addCounts(counts, countTier(tier))
  return counts
}

/** The meaning of each exit code; docs/exit-codes.md repeats this table. */
export const EXIT = {
  passed: 0,
  testFailed: 1,
  usage: 2,
  infrastructure: 3,
  deadline: 4,
  incomplete: 5,
  interrupted: 130,
  terminated: 143,
} as const

/**
 * The exit code of a run: the first that applies of interrupted (130 for SIGINT, 143 for SIGTERM and SIGHUP),
 * infrastructure, the tier's deadline, a failed test, incomplete, passed. Usage errors (2) never get as far as a run.
 */
export function exitCode(run: RunRecord): number {
  if (run.interrupted === 'SIGINT') return EXIT.interrupted
  if (run.interrupted !== null) return EXIT.terminated
  const files = [...run.tiers.values()].flatMap((tier) => [...tier.files.values()])
  const endings = files.map(fileEnding)
  const infrastructure = endings.some((ending) => ending.kind === 'infrastructure' || ending.kind === 'lease-lost')
  if (infrastructure || run.causes.length > 0 || unkept(run) !== null) return EXIT.infrastructure
  if ([...run.tiers.values()].some((tier) => tier.end === 'deadline')) return EXIT.deadline
  // Every file that failed counts at least once, unless the quarantine excuses it.
  const counts = countRun(run)
  if (counts.failed > 0 || failsByFlakiness(run).length > 0) return EXIT.testFailed
  // A pattern that no test matches: green by accident if this were a pass. The tests of a slice may all be in another.
  const asked = run.meta?.testName !== undefined && run.meta.slice === undefined
  const nothingMatched = asked && files.length > 0 && counts.passed + counts.skipped === 0
  if (counts.notRun > 0 || run.tiers.size === 0 || nothingMatched) return EXIT.incomplete
  return EXIT.passed
}

/** The code of the notice that results could not be written to the journal. */
export const JOURNAL_FAILED = 'journal-failed'

/** Why results of the run were not kept; null while all were. */
export function unkept(run: RunRecord): string | null {
  return run.notices.find(({ code }) => code === JOURNAL_FAILED)?.message ?? null
}

const EXIT_ORDER: readonly number[] = [
  EXIT.interrupted,
  EXIT.terminated,
  EXIT.usage,
  EXIT.infrastructure,
  EXIT.deadline,
  EXIT.testFailed,
  EXIT.incomplete,
]

/** The first that applies of several exit codes. */
export function firstExitCode(codes: readonly number[]): number {
  return EXIT_ORDER.find((code) => codes.includes(code)) ?? EXIT.passed
}

/** The tiers that have flaky tests and do not allow them. */
export function failsByFlakiness(run: RunRecord): TierRecord[] {
  return [...run.tiers.values()].filter(({ settings, files }) => {
    if (settings.flaky !== 'fail') return false
    return [...files.values()].some((file) => isFlakyFile(file) || testVerdicts(file).some((test) => test.flaky))
  })
}

/** One word for the verdict, for reports. */
export type Verdict = 'passed' | 'failed' | 'infrastructure' | 'deadline' | 'incomplete' | 'interrupted'

export function verdict(code: number): Verdict {
  switch (code) {
    case EXIT.passed:
      return 'passed'
    case EXIT.testFailed:
      return 'failed'
    case EXIT.infrastructure:
      return 'infrastructure'
    case EXIT.deadline:
      return 'deadline'
    case EXIT.interrupted:
    case EXIT.terminated:
      return 'interrupted'
    default:
      return 'incomplete'
  }
}
