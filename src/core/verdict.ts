import { isTestFailure, unreachable, type Ending, type TestOutcome } from './ending.ts'
import type { AttemptRecord, FileRecord, RunRecord, TestRecord, TierRecord } from './record.ts'

/** How a file stands after all of its attempts. */
export function fileEnding(file: FileRecord): Ending {
  // Planned again in a run that continues another, and not started there: what was before does not speak for it.
  if (file.notRun) return file.notRun
  return file.attempts.at(-1)?.ending ?? { kind: 'not-run', why: 'lost' }
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
}

/**
 * The tests of a file, merged over its attempts: the last attempt in which a test has a result decides. A test that an
 * attempt collected and left without a result is `not-run`, never silently gone.
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
  return [...byName.entries()].map(([name, records]) => {
    const last = records.findLast((record) => record.outcome !== 'not-run') ?? records.at(-1)!
    const earlier = records.filter(
      (record) => record !== last && record.outcome !== 'passed' && record.outcome !== 'not-run',
    )
    const outcome = last.outcome ?? 'not-run'
    // Between two runs the code may have been mended: that is no flakiness.
    const failedBefore = earlier.some(
      (record) => runs.get(record) === runs.get(last) && record.outcome !== null && column(record.outcome) === 'failed',
    )
    const flaky = outcome === 'passed' && (failedBefore || last.errors.length > 0)
    return { name, outcome, flaky, last, earlier }
  })
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
  for (const test of testVerdicts(file)) {
    counts[column(test.outcome)]++
    if (test.flaky) counts.flaky++
  }
  const ending = fileEnding(file)
  if (needsOwnCase(ending, counts)) counts[isTestFailure(ending) ? 'failed' : 'notRun']++
  return counts
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
  if (endings.some(isTestFailure)) return EXIT.testFailed
  const counts = countRun(run)
  if (counts.failed > 0) return EXIT.testFailed
  // A pattern that no test matches: green by accident if this were a pass.
  const nothingMatched = run.meta?.testName !== undefined && files.length > 0 && counts.passed + counts.skipped === 0
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

/** Shorthand for readers of attempts: the one that decides. */
export function lastAttempt(file: FileRecord): AttemptRecord | null {
  return file.attempts.at(-1) ?? null
}
