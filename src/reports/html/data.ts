import type { Cause, CauseCode, Ending, TestOutcome } from '../../core/ending.ts'
import type { LeakedProcess, LeftGroup, RunMeta, ServerFacts } from '../../core/events.ts'
import type { Counts, TestVerdict, Verdict } from '../../core/verdict.ts'
import type { Leak } from '../leaks.ts'
import type { Quarantined } from '../known.ts'
import type { SlowTier } from '../slow.ts'
import type { Rate } from '../stress.ts'

/**
 * What the HTML report holds: the contract between its writer and its page. The page gets a {@link PageHead} and, so that
 * a million tests do not hold up the first paint, any number of {@link PageTests} that follow. All texts are printable
 * already; all times are whole milliseconds, counted from the start of the run where they say when.
 */
export interface PageHead {
  readonly version: 1
  readonly meta: RunMeta | null
  /** Quoted for a POSIX shell; '' when the journal does not know it. */
  readonly command: string
  readonly verdict: Verdict
  readonly exitCode: number
  /** Wall clock, ms since 1970. */
  readonly startedAt: number | null
  readonly wallMs: number
  readonly counts: Counts
  readonly causes: readonly Cause[]
  /** What is missing from the run as a whole. */
  readonly missing: readonly string[]
  readonly warnings: readonly string[]
  readonly server: ServerFacts | null
  /** A sentence for each service that was started. */
  readonly services: readonly string[]
  /** The runs of several nodes, in the order of their shards; absent for one run. */
  readonly nodes?: readonly PageNode[]
  readonly tiers: readonly PageTier[]
  /** In the order of the plan; everything else names a file by its place here. */
  readonly files: readonly PageFile[]
  /** What there is to say about tests and files beyond their names and times. */
  readonly details: readonly PageDetail[]
  /** Failures with one message; the largest group first. */
  readonly groups: readonly { readonly message: string; readonly details: readonly number[] }[]
  /** Failures with one known cause, whatever their messages; the largest group first. */
  readonly byCause: readonly { readonly cause: CauseCode; readonly details: readonly number[] }[]
  readonly leaks: PageLeaks
  readonly leaked: readonly { readonly file: number; readonly processes: readonly LeakedProcess[] }[]
  readonly quarantined: readonly (Omit<Quarantined, 'tier' | 'file'> & { readonly file: number })[]
  /** null: not a stress run. */
  readonly stress: PageStress | null
  readonly redis: PageRedis | null
  readonly pauses: readonly PagePause[]
  readonly outputs: readonly PageOutput[]
  readonly slow: readonly SlowTier[]
  /** How many details lost their texts, because the report would have become too large. */
  readonly bare: number
}

/** How a test ended, one letter each. A flaky test passed in the end. */
export type TestMark =
  | 'p' // passed
  | 'k' // flaky
  | 'f' // failed
  | 't' // timed out
  | 'c' // crashed
  | 's' // skipped
  | 'q' // failed and quarantined: counts as skipped
  | 'i' // interrupted
  | 'n' // not run

/** How an attempt at a file ended: {@link TestMark}, and what only a file can meet. */
export type FileMark =
  | Exclude<TestMark, 's' | 'q'>
  | 'x' // infrastructure
  | 'l' // lease lost
  | 'e' // holds no test

/** A node has the shards from `firstShard` to those of the next node; people count them from 0 on each node. */
export interface PageNode {
  readonly name: string
  readonly firstShard: number
  readonly run: string
  readonly verdict: Verdict
  readonly files: number
  readonly ms: number
  readonly machine: string
  /** Its Redis, in words; '' when it had none. */
  readonly server: string
}

export interface PageTier {
  readonly name: string
  readonly shards: number
  readonly deadlineMs: number
  readonly slowMs: number
  /** In words: `completed`, `deadline`...; null: the run was killed. */
  readonly end: string | null
  /** Null when it did not start or end in this run. */
  readonly from: number | null
  readonly to: number | null
  /** Null when it did not end. */
  readonly ms: number | null
  readonly counts: Counts
  readonly suites: readonly PageSuite[]
  readonly pace: Pace | null
}

export interface PageSuite extends Counts {
  readonly name: string
  readonly files: number
  readonly ms: number
}

/** How well the shards of a tier were used. */
export interface Pace {
  /** When its first attempt started. */
  readonly from: number
  /** From there to the end of the last attempt. */
  readonly makespanMs: number
  /** No order of the files can be faster: the longest file with all of its tries (or repetition), or the work spread evenly. */
  readonly floorMs: number
  /** The file that sets the floor; null: the amount of work does. */
  readonly floorFile: number | null
  /** From here on some shard had nothing left to do. */
  readonly tailFrom: number
  readonly lanes: readonly Lane[]
}

export interface Lane {
  readonly shard: number
  readonly attempts: number
  readonly busyMs: number
  /** Part of `busyMs` that went by before the tests of a file were known: process start and imports. */
  readonly startUpMs: number
}

export interface PageFile {
  readonly id: string
  readonly path: string
  readonly project: string
  readonly tier: number
  readonly suite: string
  readonly mark: FileMark
  /** `passed`, `timed out`...; `why` is what is known beyond it. */
  readonly word: string
  readonly why: string
  /** passed, failed, skipped, not run, flaky. */
  readonly counts: readonly [number, number, number, number, number]
  /** What no test of it shows, and the file therefore counts for itself. */
  readonly own: 'failed' | 'notRun' | 'skipped' | null
  /** How many tests of {@link PageTests} are its own. */
  readonly tests: number
  /** Of the deciding attempt. */
  readonly ms: number
  readonly attempts: readonly PageAttempt[]
}

export interface PageAttempt {
  readonly shard: number
  readonly database: number | null
  /** The earlier run in which it was made; null: this one. */
  readonly run: string | null
  /** Null in an earlier run. */
  readonly from: number | null
  readonly ms: number
  /** Until its tests were known; null when they never were. */
  readonly startUpMs: number | null
  readonly mark: FileMark
  readonly word: string
  readonly why: string
  /** Keys left behind in the database; null when nobody looked. */
  readonly keys: number | null
}

/** More about one test, one file (`test` is null) or an error outside of all files (`file` is null too). */
export interface PageDetail {
  readonly tier: number
  readonly file: number | null
  /** Its place among the tests of the file, and its name, because the tests come after the head. */
  readonly test: number | null
  readonly name: string
  readonly mark: FileMark | TestMark
  readonly word: string
  /** The first line of what was wrong. */
  readonly message: string
  readonly line: number | null
  /** The reason of a skip. */
  readonly note: string | null
  readonly errors: readonly PageError[]
  /** Attempts and tries beside the one that decided, without those that passed. */
  readonly earlier: readonly { readonly word: string; readonly errors: readonly PageError[] }[]
}

export interface PageError {
  readonly message: string
  readonly diff: string
  readonly stack: string
}

/** Failure rates of a stress run. */
export interface PageStress {
  readonly total: Rate
  /** Those with the highest rates. */
  readonly files: readonly (Rate & {
    readonly file: number
    /** Those that failed at least once, the worst first; `testCount` says how many there are. */
    readonly tests: readonly (Rate & { readonly test: string })[]
    readonly testCount: number
  })[]
  readonly fileCount: number
}

/** The server while the run went on, in columns; `null` is what it did not say. */
export interface PageRedis {
  readonly at: readonly number[]
  readonly bytes: readonly (number | null)[]
  readonly clients: readonly (number | null)[]
  /** A second, of everybody who uses the server. */
  readonly operations: readonly (number | null)[]
  /** Round trip of a write, also parts of a millisecond. */
  readonly writeMs: readonly (number | null)[]
  /** maxmemory; 0: no limit. */
  readonly maxBytes: number | null
}

/** A time in which nothing was started because the server was not fit. */
export interface PagePause {
  readonly code: CauseCode
  readonly message: string
  readonly from: number
  readonly ms: number
  /** Whether the server was fit again before the run ended. */
  readonly isOver: boolean
}

/** What files left in their databases. */
export interface PageLeaks {
  /** Those with the most lasting keys first; `fileCount` and `prefixCount` say how many there are. */
  readonly files: readonly PageLeak[]
  readonly fileCount: number
  readonly prefixes: readonly PagePrefix[]
  readonly prefixCount: number
}

export interface PageLeak extends Omit<Leak, 'tier' | 'file'> {
  readonly file: number
}

/** Keys of one prefix and type in all files, as far as they were looked at. */
export interface PagePrefix extends LeftGroup {
  readonly files: number
}

/** What one attempt wrote; of too much, its end. */
export interface PageOutput {
  readonly file: number
  /** 1 for the first. */
  readonly attempt: number
  readonly parts: readonly { readonly error: boolean; readonly text: string }[]
  /** Characters before it that were left out. */
  readonly cut: number
}

/** Tests of consecutive files, one after the other, in columns. */
export interface PageTests {
  readonly names: readonly string[]
  /** One {@link TestMark} each. */
  readonly marks: string
  /** Of the deciding attempt. */
  readonly ms: readonly number[]
  /** The difference to the last known line of the file, or to 0; null when it is not known. */
  readonly lines: readonly (number | null)[]
}

const TEST_MARKS: Readonly<Record<TestOutcome, TestMark>> = {
  passed: 'p',
  failed: 'f',
  'timed-out': 't',
  skipped: 's',
  crashed: 'c',
  interrupted: 'i',
  'not-run': 'n',
}

export function testMark({ outcome, flaky, quarantined }: TestVerdict): TestMark {
  return quarantined ? 'q' : flaky ? 'k' : TEST_MARKS[outcome]
}

const FILE_MARKS: Readonly<Record<Ending['kind'], FileMark>> = {
  passed: 'p',
  failed: 'f',
  'timed-out': 't',
  crashed: 'c',
  infrastructure: 'x',
  'lease-lost': 'l',
  cancelled: 'i',
  'not-run': 'n',
  'no-tests': 'e',
}

export function fileMark(ending: Ending): FileMark {
  return FILE_MARKS[ending.kind]
}
