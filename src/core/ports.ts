import type { Duplex } from 'node:stream'
import type { Cause } from './ending.ts'
import type {
  CollectedTest,
  ErrorRecord,
  LeakedProcess,
  Leftovers,
  PlannedFile,
  ServerFacts,
  ServerSample,
  TestResult,
} from './events.ts'
import type { Finding } from './findings.ts'
import type { ClusterSource, KubernetesSettings, ServerPort, TierSettings, TlsSettings } from './settings.ts'

/**
 * What the rooms know of each other. Each interface is asked for by the room that uses it (`run`) and given by another;
 * `cli` wires them. Expected failures are values; a throw is a bug.
 */

// ---- engines ---------------------------------------------------------------------------------------------------

export interface DiscoverRequest {
  /** Only files that import something changed since this ref; `true`: uncommitted changes; null: all. */
  readonly changed: string | true | null
}

export interface DiscoveredFile {
  readonly id: string
  readonly path: string
  readonly project: string
  /** The suite it was found for, by an engine that looks for files suite by suite; absent: the suites' globs decide. */
  readonly suite?: string
}

export type Discovery =
  | {
      readonly ok: true
      /** Name and version, for the report: "vitest 5.1.0". */
      readonly engine: string
      /** Every test file the engine knows (after `changed`), of all suites; which suite it belongs to is not the engine's business. */
      readonly files: readonly DiscoveredFile[]
      /** Things the user should know: files of a browser project that cannot be sharded, and the like. */
      readonly warnings: readonly string[]
    }
  /** The user's own configuration does not load, or the engine is not installed. */
  | { readonly ok: false; readonly kind: 'usage'; readonly message: string }
  | { readonly ok: false; readonly kind: 'infrastructure'; readonly cause: Cause }

/** A seat: the right to run one file (or, in a reused process, one after another) on a shard. */
export interface Seat {
  readonly shard: number
  /** The complete set of variables to add to the process; a value of null means: remove it. */
  readonly env: Readonly<Record<string, string | null>>
}

/** How one attempt at a file stopped, as far as the engine can see. What was behind it, the run knows. */
export type FileStop =
  | { readonly kind: 'completed'; readonly errors: readonly ErrorRecord[] }
  | {
      readonly kind: 'died'
      readonly exitCode: number | null
      readonly signal: string | null
      readonly outOfMemory: boolean
      readonly running: readonly string[]
      readonly errors: readonly ErrorRecord[]
    }

/** What an engine asks of the run while it executes. */
export interface Desk {
  /**
   * Waits for a free shard with a clean database. The engine starts the file's process with the seat's environment
   * only after this. null: nothing more may start; the engine drops the file without a report.
   */
  sit(file: string): Promise<Seat | null>
  /** The same process goes on with another file: its shard's database is flushed first. null as in {@link sit}. */
  next(seat: Seat, file: string): Promise<Seat | null>
  /** The process is gone (really: reaped). The run flushes the database and gives the shard away. */
  leave(seat: Seat): void
  /** The file's code is about to run in the process; starts its deadline. */
  started(file: string, seat: Seat): void
  collected(file: string, tests: readonly CollectedTest[]): void
  tested(file: string, result: TestResult): void
  output(file: string, stream: 'stdout' | 'stderr', text: string): void
  /** What the file had left running after it ended by itself; it has been ended. */
  leaked(file: string, processes: readonly LeakedProcess[]): void
  /** Exactly once for each file that was started. Everything that belongs to the attempt has been reported before. */
  stopped(file: string, stop: FileStop): void
  /** An error that belongs to no file. */
  stray(error: ErrorRecord): void
}

export interface Execution {
  /**
   * Resolves when every file has been stopped or dropped and no process of the execution is left. `died` when the
   * engine itself broke: files that were not stopped by then are lost, and the run records them so.
   */
  readonly done: Promise<{ readonly kind: 'completed' } | { readonly kind: 'died'; readonly message: string }>
  /**
   * Ends the process that runs this file: SIGTERM to its group, and soon after SIGKILL. What it does after the request
   * does not count. Its `stopped` follows with `died`.
   *
   * @param how `now`: SIGKILL at once, for a process that must not touch its database again
   */
  kill(file: string, how?: 'now'): void
  /** Ends everything: running files are killed, nothing new starts. */
  stop(): void
}

export interface Batch {
  readonly tier: TierSettings
  /** In the order in which they should start. */
  readonly files: readonly PlannedFile[]
  readonly shards: number
  /** A folder of the run for scratch files of the engine; it exists. */
  readonly scratch: string
  /** Only tests whose full name matches this regular expression; null: all. The others are not reported at all. */
  readonly testName: string | null
}

export interface Engine {
  /** For messages. */
  readonly name: string
  /** Finds test files without running any of them. */
  discover(request: DiscoverRequest): Promise<Discovery>
  /** Runs files. Batches of one engine run one after the other. */
  execute(batch: Batch, desk: Desk): Execution
  /** Ends whatever is left of the engine; safe to call twice. */
  close(): Promise<void>
}

/** A case of a JUnit report, whatever runner wrote it. */
export interface JUnitCase {
  /** The names of the suites around it, joined by ` > `; '' outside of any. */
  readonly suite: string
  readonly classname: string
  readonly name: string
  /** `cut`: the report is damaged inside of the case, and its verdict is lost. */
  readonly verdict: 'passed' | 'failed' | 'skipped' | 'cut'
  readonly durationMs: number
  readonly line: number | null
  readonly failures: readonly JUnitFailure[]
  /** What failed before the runner tried again. */
  readonly earlier: readonly JUnitFailure[]
  /** The reason of a skip; null: none is given. */
  readonly note: string | null
}

export interface JUnitFailure {
  readonly type: string
  readonly message: string
  /** Mostly the stack; '' when there is none. */
  readonly text: string
}

export interface JUnitReading {
  /** `partial`: damaged, or no JUnit; what could be read is in `cases`. */
  readonly state: 'whole' | 'partial' | 'missing'
  readonly cases: readonly JUnitCase[]
  /** The first thing that is wrong with it, with its line; null when it is whole. */
  readonly problem: string | null
  /** Suites that hold other totals than they declare, in words. */
  readonly differences: readonly string[]
}

/** Reads the report that a command wrote. Rejects when the scratch file cannot be written. */
export type ReadJUnit = (
  file: string,
  /** The path of a file that may be made on the way. */
  scratch: string,
) => Promise<JUnitReading>

// ---- redis -----------------------------------------------------------------------------------------------------

/** What test code needs to reach its database. Secrets: never printed, never stored. */
export interface Connection {
  readonly url: string
  readonly host: string
  readonly port: number
  readonly username: string | null
  readonly password: string | null
  /** Path of a unix socket; then host and port are empty and 0. */
  readonly socket?: string
  /** Files and server name that a `rediss://` server needs. */
  readonly tls?: TlsSettings
  /** The Sentinels that tell where the server is after a failover: `host:port,host:port`. */
  readonly sentinel?: { readonly nodes: string; readonly master: string }
}

export type Trouble =
  /** The lease's fence or owner no longer matches: somebody else has the database. */
  { readonly kind: 'lost'; readonly message: string } | { readonly kind: 'trouble'; readonly cause: Cause }

export interface Cleaned {
  readonly kind: 'ok'
  readonly leftovers: Leftovers
  /** Commands with which the file tried to leave its database: "FLUSHALL", "SELECT of database 5". Absent: none. */
  readonly departures?: readonly string[]
}

export interface Lease {
  readonly database: number
  /** Grows with every grant of this database: an older holder can be told from a newer one. */
  readonly fence: number
  /** Valid from {@link open} on. */
  readonly connection: Connection
  /** Before a file: proves the lease and leaves the database empty. */
  open(): Promise<{ readonly kind: 'ok' } | Trouble>
  /**
   * After a file: says what it left and what it was denied, and flushes.
   *
   * @param options.processLives the file's process goes on with another file, so its connections are not left behind
   */
  clean(options?: { readonly processLives: boolean }): Promise<Cleaned | Trouble>
  /** Calls back once if the lease is lost or could not be renewed in time. */
  onLost(callback: (message: string) => void): void
  /** Gives the database back; safe to call twice, and on a lost lease. */
  release(): Promise<void>
}

export type Grant =
  | {
      readonly kind: 'granted'
      /** At least one, at most as many as asked for. */
      readonly leases: readonly Lease[]
      /** Free databases that were passed over, with the reason ("holds 12 keys that are not ours"). */
      readonly skipped: readonly string[]
      /** Who holds the others ("3: run 4f2a on host-b, since 12:03:11"). */
      readonly holders: readonly string[]
    }
  | { readonly kind: 'refused'; readonly cause: Cause }

/** One look at a server in the middle of a run. */
export type Pulse =
  | {
      readonly ok: true
      readonly sample: ServerSample
      /** Differs after a restart of the server; null: it does not say. */
      readonly incarnation: string | null
      /** Checks that are not ok; see the doctor. */
      readonly warnings: readonly Finding[]
    }
  | { readonly ok: false; readonly cause: Cause }

export interface RedisServer {
  readonly facts: ServerFacts
  /** What the preflight found; no error among it. */
  readonly findings: readonly Finding[]
  /**
   * Leases databases, one a shard: as many of `count` as are free. When none is, waits up to `waitMs` and calls
   * `onWait` once with the holders.
   */
  lease(request: {
    readonly count: number
    readonly run: string
    readonly waitMs: number
    readonly onWait: (holders: readonly string[]) => void
    readonly signal: AbortSignal
  }): Promise<Grant>
  /** Looks at the server, with a real write: is it fit now? Answers within about 5 s, and does not wait for a server that is away. */
  pulse(): Promise<Pulse>
  /** Calls back once when the server stops answering (a child that died, a connection that stays down). */
  onGone(callback: (cause: Cause) => void): void
  /** Nothing waits for an answer of it any more: it has been away for too long. */
  giveUp(cause: Cause): void
  /** Releases what is left, and stops the server if it is ours. */
  close(): Promise<void>
}

/** Servers of the run's own for suites with `isolation: 'server'`: one a shard, and a fresh one for every file. */
export interface OwnServers {
  readonly facts: ServerFacts
  /** The server of a shard, at a port of this kind. It has no lease record, and cannot be lost. */
  at(shard: number, port: ServerPort): Lease
  /** Stops what is left. */
  close(): Promise<void>
}

export type OwnServersResult =
  | { readonly ok: true; readonly servers: OwnServers }
  | { readonly ok: false; readonly cause: Cause }

export type Resolved =
  | { readonly ok: true; readonly server: RedisServer }
  | { readonly ok: false; readonly cause: Cause }

// ---- kubernetes ------------------------------------------------------------------------------------------------

/** Asks the Redis at the other end of a stream for its role in the replication. The stream is of no use afterwards. */
export type RoleOf = (
  stream: Duplex,
) => Promise<
  { readonly ok: true; readonly role: 'master' | 'replica' | 'sentinel' } | { readonly ok: false; readonly why: string }
>

/** A way to the Redis of a cluster. */
export type Reached =
  | {
      readonly ok: true
      readonly host: string
      readonly port: number
      /** What it leads to: "master pod default/redis-0". */
      readonly how: string
      /** What is wrong with the way at the moment; null: nothing. */
      readonly problem: () => Cause | null
      /** Calls back once when the way is closed for good. */
      readonly onGone: (callback: (cause: Cause) => void) => void
      readonly close: () => Promise<void>
    }
  | { readonly ok: false; readonly cause: Cause }

export interface Cluster {
  /** The source that `auto` takes, by what there is in the cluster. */
  discover(
    signal: AbortSignal,
  ): Promise<
    | { readonly ok: true; readonly source: ClusterSource; readonly why: string }
    | { readonly ok: false; readonly cause: Cause }
  >
  reach(source: ClusterSource, roleOf: RoleOf, signal: AbortSignal): Promise<Reached>
}

/** Loads what talks to clusters; called only when one is asked for. */
export type OpenCluster = (settings: KubernetesSettings) => Promise<Cluster>

// ---- history ---------------------------------------------------------------------------------------------------

/** What past runs say of one file, per tier. */
export interface FileHistory {
  /** Duration expected of one attempt, ms. */
  readonly expectedMs: number
  /** How many passing runs stand behind it. */
  readonly samples: number
}

export interface History {
  file(tier: string, id: string): FileHistory | null
  /** Durations of a test's last passing first attempts, newest last, ms. */
  test(tier: string, file: string, name: string): readonly number[]
}

/** What past runs say up to and with one run. */
export interface Past {
  /** null when nothing is known of the tier. */
  tier(name: string): TierPast | null
}

export interface TierPast {
  /** The class of machines that are compared: "linux-x64, 4 cpus". */
  readonly machine: string
  /** Runs of the tier on such a machine, this one included. */
  readonly runs: number
  /** How long this run's machine took compared with its past, 1.5 for half as long again; null: too few tests to say. */
  readonly pace: number | null
  readonly tests: readonly TestPast[]
  /** Tests that failed and passed on the same code, on whatever machine, and are not cleared yet. */
  readonly flaky: readonly {
    readonly file: string
    readonly name: string
    /** The start of the run that showed it last, ms since 1970. */
    readonly lastAt: number
    /** Passes at the first try since then. */
    readonly passes: number
    /** Its last runs as far as they are known, newest last: `p` passed, `k` failed and then passed, `f` failed. */
    readonly recent: string
  }[]
}

export interface TestPast {
  readonly file: string
  readonly name: string
  /** Durations of its last passes at the first try on such a machine, each divided by its run's pace; newest last, ms. */
  readonly ms: readonly number[]
  /** Whether the newest of them is of the run that is looked at. */
  readonly isOfRun: boolean
}

// ---- journal ---------------------------------------------------------------------------------------------------

/** Where events go. Synchronous: when it returns, the event is on its way to the disk. */
export interface JournalSink {
  append(line: string): void
  close(): void
}
