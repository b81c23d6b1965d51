import type { Cause } from './ending.ts'
import type { ServicePart } from './events.ts'

/** What `run` asks of the services of a project, and they of it: a part of the ports between the rooms (ports.ts). */

/** What a file is told of its services. Secrets: never printed, never stored. */
export interface ServiceAccess {
  /** What `{services.api.url}` and the like stand for, without the braces. */
  readonly values: Readonly<Record<string, string>>
  /** Variables that it gets without asking for them. */
  readonly env: Readonly<Record<string, string>>
}

/** A file that is about to get a seat. */
export interface ServiceVisit {
  readonly shard: number
  /** The services that its suite names. */
  readonly services: readonly string[]
  /** The environment of the shard: REDIS_* and the like; null takes a variable away. */
  readonly env: Readonly<Record<string, string | null>>
  /** What `{redis.url}`, `{shard}` and the like stand for. */
  readonly values: Readonly<Record<string, string>>
}

export type Visited =
  | { readonly ok: true; readonly access: ServiceAccess }
  | { readonly ok: false; readonly cause: Cause }

/** What became of a shard's services when its file was done. */
export interface Left {
  /** One that uses the shard's Redis database lives on. */
  readonly usesRedis: boolean
  /** One that the file uses had ended by itself. */
  readonly died: Cause | null
}

/** A service that has ended by itself. */
export interface Death {
  /** null: one that lives as long as the run. */
  readonly shard: number | null
  readonly cause: Cause
  /** Whether a file that names these services uses it, directly or not. */
  readonly concerns: (services: readonly string[]) => boolean
}

/** The services that the files of a run use. Each starts after those that it needs. */
export interface Services {
  /** Starts those of the named services, and of what they need, that live as long as the run. */
  start(names: readonly string[], signal: AbortSignal): Promise<{ readonly ok: true } | { ok: false; cause: Cause }>
  /** Before a file, in a clean database: starts what lives shorter, unless it is there. */
  open(visit: ServiceVisit, signal: AbortSignal): Promise<Visited>
  /** After a file, when its process is gone: ends what lived for it. Safe on a shard that has no services. */
  close(shard: number): Promise<Left>
  /** The shards give their databases back: ends what lived for them. */
  leaveShards(): Promise<void>
  /**
   * Calls back when a service ends by itself; for those of the run (`shard` null) that have, at once. Returns what ends
   * the subscription.
   */
  onDied(callback: (death: Death) => void): () => void
  /** Ends all that is left; safe to call twice. */
  stop(): Promise<void>
}

/** What services ask of the run. */
export interface ServiceHooks {
  /** From now on this appears in no event. */
  conceal(secret: string): void
  /** A part of a service can be used. */
  ready(part: ServicePart): void
  notice(message: string): void
}

export type OpenServices = (hooks: ServiceHooks) => Promise<Services>

/** Ends what is left of a process group and of whatever carries the mark: SIGTERM, then SIGKILL. */
export type EndProcesses = (ours: { readonly mark: string; readonly group: number }) => Promise<void>
