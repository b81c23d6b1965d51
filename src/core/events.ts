import type { Cause, Ending, TestOutcome } from './ending.ts'
import type { ServiceLife } from './services.ts'
import type { ClusterSource, Stress, SuiteSettings, TierSettings } from './settings.ts'

/**
 * The journal's events: everything that happens in a run, in the order in which it happened. Reports are folds over
 * this list and count nothing on their own. Adding a member is fine; changing one needs a new `JOURNAL_VERSION`, and
 * readers accept the older ones.
 */
export const JOURNAL_VERSION = 1

/** One planned file. `id` is unique within its tier: the path, preceded by `[project] ` where there are projects. */
export interface PlannedFile {
  readonly id: string
  /** Relative to the root, with forward slashes. */
  readonly path: string
  /** vitest project; '' when there is only one. */
  readonly project: string
  readonly suite: string
  /** Expected duration of one attempt, ms, from history; null: never seen. */
  readonly expectedMs: number | null
  /** The entries of the quarantine that name this file; absent when there is none. */
  readonly quarantine?: readonly QuarantineEntry[]
  /** Its attempts are repetitions of a stress run: one failure among them is a failure. Absent otherwise. */
  readonly repeated?: Stress
}

/** A known failure that must not fail the run for a while. */
export interface QuarantineEntry {
  /** Which entry of the config it is, for messages: `quarantine[2]`. */
  readonly entry: string
  /** Full name of a test, or of a group of tests; null: everything in the file. */
  readonly test: string | null
  /** The last day on which it counts, UTC: `2026-12-31`. */
  readonly until: string
  readonly reason: string
  /** That day was over when the run was planned. */
  readonly expired: boolean
}

/** A process that a test file had started and left running when it ended. */
export interface LeakedProcess {
  readonly pid: number
  /** Its command line, cut to a readable length; '' when it could not be read. */
  readonly command: string
}

/** An error as a report needs it: serialisable, with the stack already mapped to the sources. */
export interface ErrorRecord {
  readonly name: string
  readonly message: string
  readonly stack: string | null
  /** A printable diff of expected and received, without colours. */
  readonly diff: string | null
  readonly frames: readonly StackFrame[]
  /** The group of tests (`describe`) whose hook it was; absent for one of a test or of the whole file. */
  readonly suite?: string
}

export interface StackFrame {
  readonly method: string
  /** Absolute, or relative to the root. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A test that an engine found in a file. `name` is unique in its file: a repeated name carries ` #2`, ` #3`. */
export interface CollectedTest {
  readonly name: string
  readonly line: number | null
}

/** How a test ended; `retries` counts the engine's own tries inside the process. */
export interface TestResult {
  readonly name: string
  readonly outcome: Extract<TestOutcome, 'passed' | 'failed' | 'timed-out' | 'skipped'>
  readonly durationMs: number
  readonly retries: number
  readonly line: number | null
  /** A pass with errors is a flaky pass: the errors are those of the failed tries. */
  readonly errors: readonly ErrorRecord[]
  /** The reason of a skip, where the engine knows one. */
  readonly note: string | null
}

/** Where the tests' Redis is and what it is. Addresses carry no user and no password. */
export interface ServerFacts {
  readonly source: 'url' | 'sentinel' | ClusterSource | 'local' | 'embedded'
  /** Why this source: "REDIS_URL is set", "redis-server 7.0.15 found on PATH"... */
  readonly reason: string
  readonly address: string
  readonly product: 'redis' | 'valkey' | 'dragonfly' | 'unknown'
  readonly version: string
  /** How many databases the server has. */
  readonly databases: number
  readonly control: number
  /** Absent in journals of 0.1.0. */
  readonly enforcement?: Enforcement
}

/**
 * What keeps test code in its database. `acl`: a user of the server that may do nothing else. `convention`: nothing but
 * the test code itself. `server`: each shard has a server of its own.
 */
export interface Enforcement {
  readonly by: 'acl' | 'convention' | 'server'
  readonly reason: string
}

/** What one look at the server of a run saw; null: the server does not say. */
export interface ServerSample {
  readonly role: 'master' | 'replica' | null
  readonly usedBytes: number | null
  /** maxmemory; 0: no limit. */
  readonly maxBytes: number | null
  readonly clients: number | null
  /** Round trip of a real write, ms. */
  readonly writeMs: number
  /** Commands that the server has processed since its start, ours included; absent where it does not say. */
  readonly commands?: number
}

/** A part of a service that was started or made. */
export interface ServicePart {
  readonly service: string
  readonly part: 'process' | 'server' | 'database'
  readonly per: ServiceLife
  /** The shard that it belongs to; null: it belongs to the run. */
  readonly shard: number | null
  /** What it is: "node server.js", "Postgres 15.14, local: /usr/lib/postgresql/15/bin". Without secrets. */
  readonly what: string
  /** Its address, without user and password; null: it has none. */
  readonly where: string | null
  /** From its start until it could be used, ms. */
  readonly readyMs: number
}

/** What a file left in its database. */
export interface Leftovers {
  readonly keys: number
  /** Absent when it left no key and no client. */
  readonly detail?: LeftBehind
}

/** What a file left, from a sample of at most 2,000 of its keys. */
export interface LeftBehind {
  /** How many keys were looked at; the numbers below are of these. */
  readonly sampled: number
  /** Keys that would have stayed for ever. */
  readonly withoutTtl: number
  readonly bytes: number
  /** The largest first, at most 20. */
  readonly groups: readonly LeftGroup[]
  /** Clients that stayed connected after the file's process had ended; null: that cannot be said here. */
  readonly clients: readonly string[] | null
}

export interface LeftGroup {
  /** The beginning of the keys' names, with `*` for numbers and ids. */
  readonly prefix: string
  readonly type: string
  readonly keys: number
  readonly withoutTtl: number
  readonly bytes: number
}

/** Identifies one attempt at one file. */
export interface AttemptRef {
  readonly tier: string
  readonly file: string
  /** 1 for the first try. */
  readonly attempt: number
}

export type TierEnd = 'completed' | 'deadline' | 'cancelled' | 'infrastructure'

export interface RunMeta {
  readonly run: string
  readonly tiershard: string
  readonly node: string
  readonly engine: string
  readonly platform: string
  readonly cpus: number
  readonly ci: string | null
  readonly commit: string | null
  /** Files of the working tree differ from the commit, or git did not say that none does; absent: none, or there is no commit. */
  readonly changed?: true
  /** The command line, without secrets. */
  readonly command: readonly string[]
  /** Only tests whose name matches this regular expression were asked for. */
  readonly testName?: string
  /** Which files were asked for, so that a run that continues this one asks for the same; journals of 0.1.0 lack it. */
  readonly selection?: RunSelection
  /** The run that this one continues: the verdict is on both together. */
  readonly continues?: string
  /** The part of a plan that this run was given; absent: all of it. */
  readonly slice?: SliceMark
  /** The process that writes the journal, so that a later command can tell whether it is still there. */
  readonly process?: ProcessMark
}

/** The class of a machine, "linux-x64, 4 cpus": timings are compared within one only. */
export function machineOf({ platform, cpus }: Pick<RunMeta, 'platform' | 'cpus'>): string {
  return `${platform}, ${cpus} cpus`
}

/** One slice of a plan, and what the nodes that run the others must have agreed on. */
export interface SliceMark {
  /** From 1. */
  readonly index: number
  readonly of: number
  /** How many files the whole plan has. */
  readonly files: number
  /** Digest of the whole plan: its files with their suites, and the pattern of the tests. */
  readonly plan: string
  /** Digest of the expected durations by which the plan was cut. */
  readonly history: string
}

export interface RunSelection {
  readonly filters: readonly string[]
  readonly changed: string | true | null
}

/** Names a process for good: its number alone is given to another one after its end. */
export interface ProcessMark {
  readonly host: string
  readonly pid: number
  /** The boot of the kernel, the namespace that counts the pids, and the start in it; null where there is no /proc. */
  readonly boot: string | null
  readonly namespace: string | null
  readonly startTicks: string | null
}

export type Event =
  | ({ readonly type: 'run-started'; readonly version: number } & RunMeta)
  | {
      readonly type: 'tier-planned'
      readonly tier: string
      readonly settings: TierSettings
      readonly suites: readonly SuiteSettings[]
      readonly files: readonly PlannedFile[]
      readonly forecast: Forecast
    }
  | { readonly type: 'server-ready'; readonly server: ServerFacts }
  | ({ readonly type: 'service-ready' } & ServicePart)
  | { readonly type: 'lease-waiting'; readonly holders: readonly string[]; readonly limitMs: number }
  | { readonly type: 'lease-granted'; readonly shard: number; readonly database: number; readonly fence: number }
  | { readonly type: 'lease-lost'; readonly shard: number; readonly database: number; readonly message: string }
  | { readonly type: 'lease-released'; readonly shard: number; readonly database: number }
  | { readonly type: 'tier-started'; readonly tier: string; readonly shards: number; readonly attempt: number }
  | ({ readonly type: 'file-started'; readonly shard: number; readonly database: number | null } & AttemptRef)
  | ({ readonly type: 'file-collected'; readonly tests: readonly CollectedTest[] } & AttemptRef)
  | ({ readonly type: 'test-ended'; readonly test: TestResult } & AttemptRef)
  | ({ readonly type: 'file-output'; readonly stream: 'stdout' | 'stderr'; readonly text: string } & AttemptRef)
  | ({
      readonly type: 'file-ended'
      readonly ending: Ending
      /** From the grant of the shard to the end of the process, ms. */
      readonly durationMs: number
      /** Tests that had started and not ended. */
      readonly running: readonly string[]
      /** Errors that belong to the file and to no test of it. */
      readonly errors: readonly ErrorRecord[]
    } & AttemptRef)
  | ({ readonly type: 'file-cleaned'; readonly leftovers: Leftovers } & AttemptRef)
  /** What the file had started and left running; it has been ended. */
  | ({ readonly type: 'file-leaked'; readonly processes: readonly LeakedProcess[] } & AttemptRef)
  | ({ readonly type: 'server-sampled' } & ServerSample)
  /** The server is not fit at the moment: no file starts until it is again, or the limit has passed. */
  | { readonly type: 'dispatch-paused'; readonly cause: Cause; readonly limitMs: number }
  | { readonly type: 'dispatch-resumed'; readonly cause: Cause; readonly pausedMs: number }
  | { readonly type: 'tier-ended'; readonly tier: string; readonly end: TierEnd }
  /** Something a user should know; `code` is stable, for programs. */
  | { readonly type: 'notice'; readonly level: 'info' | 'warning'; readonly code: string; readonly message: string }
  /** The run cannot go on, or could not start. */
  | { readonly type: 'infrastructure'; readonly cause: Cause }
  /** An error of the engine that belongs to no file. It makes the run fail. */
  | { readonly type: 'stray-error'; readonly tier: string; readonly error: ErrorRecord }
  | { readonly type: 'interrupted'; readonly signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP' }
  | { readonly type: 'run-ended'; readonly exitCode: number }

/** An event as the journal holds it; `at` is the wall clock in ms since 1970. */
export type Stamped = Event & { readonly at: number }

/** What the plan expects of a tier. */
export interface Forecast {
  /** Files without history. */
  readonly unknown: number
  /** Expected wall time with the planned shards, ms; null when too little is known. */
  readonly makespanMs: number | null
  /** No number of shards can be faster: the longest file, or the total spread evenly, ms. */
  readonly floorMs: number | null
  /** The file that sets the floor, if one does. */
  readonly floorFile: string | null
  /** Shards that would meet the deadline; null when the planned ones do, or none would. */
  readonly shardsForDeadline: number | null
}
