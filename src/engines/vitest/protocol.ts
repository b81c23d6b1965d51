import type { CollectedTest, ErrorRecord, LeakedProcess, TestResult } from '../../core/events.ts'
import type { DiscoveredFile, FileStop } from '../../core/ports.ts'

/**
 * What the orchestrator and its vitest host (host.ts, a child process) tell each other over Node's IPC channel with
 * `serialization: 'advanced'`: structured clone keeps control characters, lone surrogates and undefined as they are.
 */

/** One file to run, as the host needs it. */
export interface HostFile {
  readonly id: string
  /** Absolute. */
  readonly path: string
  /** vitest project; '' when there is only one. */
  readonly project: string
}

export interface HostBatch {
  /** In the order in which they should start. */
  readonly files: readonly HostFile[]
  readonly shards: number
  /** An existing folder for scratch files. */
  readonly scratch: string
  readonly testTimeoutMs: number
  readonly testTimeoutGiven: boolean
  /** A regular expression for full names; null: all tests. */
  readonly testName: string | null
}

/** A seat as it crosses the border: the desk's object stays in the orchestrator, under this number. */
export interface HostSeat {
  readonly id: number
  readonly env: Readonly<Record<string, string | null>>
}

export type ToHost =
  | { readonly type: 'open'; readonly root: string; readonly configFile: string | null; readonly vitest: string }
  /** `changed`: a commit, `true` for uncommitted changes, null for all files. */
  | { readonly type: 'discover'; readonly changed: string | true | null }
  | { readonly type: 'execute'; readonly batch: HostBatch }
  /** The answer to an `ask`. */
  | { readonly type: 'seat'; readonly ask: number; readonly seat: HostSeat | null }
  | { readonly type: 'kill'; readonly file: string; readonly how: 'now' | undefined }
  | { readonly type: 'stop' }
  | { readonly type: 'close' }

export type HostOutcome = { readonly kind: 'completed' } | { readonly kind: 'died'; readonly message: string }

export type FromHost =
  /** `reusable`: the host may run another batch after this one. */
  | { readonly type: 'opened'; readonly version: string; readonly reusable: boolean }
  /** The answer to `open` or `discover` if the user's own configuration or files are to blame. */
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'discovered'; readonly files: readonly DiscoveredFile[]; readonly warnings: readonly string[] }
  /** A file wants to start: on a free shard, or (`held`) in the process that holds this seat. */
  | { readonly type: 'ask'; readonly ask: number; readonly file: string; readonly held: number | null }
  /** A worker process runs in this seat; it leads its own process group. */
  | { readonly type: 'spawned'; readonly seat: number; readonly pid: number }
  /** The seat's process and its group are gone. */
  | { readonly type: 'left'; readonly seat: number }
  | { readonly type: 'started'; readonly file: string; readonly seat: number }
  | { readonly type: 'collected'; readonly file: string; readonly tests: readonly CollectedTest[] }
  | { readonly type: 'tested'; readonly file: string; readonly result: TestResult }
  | { readonly type: 'output'; readonly file: string; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly type: 'leaked'; readonly file: string; readonly processes: readonly LeakedProcess[] }
  | { readonly type: 'stopped'; readonly file: string; readonly stop: FileStop }
  | { readonly type: 'stray'; readonly error: ErrorRecord }
  | { readonly type: 'done'; readonly outcome: HostOutcome }
  | { readonly type: 'closed' }
