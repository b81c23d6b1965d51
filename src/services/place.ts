import { rm } from 'node:fs/promises'
import type { Cause } from '../core/ending.ts'
import type { EndProcesses, ServiceHooks } from '../core/service-ports.ts'
import type { Watchdog } from './watchdog.ts'

/** What every service of a run works with. */
export interface Place {
  readonly run: string
  /** Absolute path of the project. */
  readonly root: string
  /** The folder of the logs. */
  readonly logs: string
  /** A folder that only this user can read; it goes with the run. */
  readonly folder: string
  /** The environment of whoever started the run. */
  readonly env: NodeJS.ProcessEnv
  readonly end: EndProcesses
  readonly watchdog: Watchdog
  readonly hooks: ServiceHooks
  /** What was concealed so far. */
  readonly concealed: ReadonlySet<string>
  /** A number for each start, which tells folders, marks and databases apart. */
  next(): number
}

/** A part of a service that is there. */
export interface Instance {
  /** By the names that stand behind that of the service: `url`, `port`. */
  readonly values: Readonly<Record<string, string>>
  /** Why it is gone, when nobody has asked for that; null while it is there. */
  readonly died: Cause | null
  onDied(callback: (cause: Cause) => void): void
  /** Ends it; safe to call twice. */
  stop(): Promise<void>
}

export type StartedInstance =
  | { readonly ok: true; readonly value: Instance }
  | { readonly ok: false; readonly cause: Cause }

/** An environment without what other runs and servers have left in it. */
export function cleanEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(REDIS|TIERSHARD|VITEST)(_|$)/.test(name)))
}

/**
 * Removes a folder of a service that has ended. Says what was in the way, which is no reason to lose a verdict: all of them
 * lie in the folder of the run, which is removed at its end.
 */
export async function removeFolder(folder: string): Promise<Error | null> {
  return rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }).then(
    () => null,
    (error: Error) => error,
  )
}

/** What the run set up for this Postgres, as variables that clients know. */
export function postgresEnvironment(values: Readonly<Record<string, string>>): Record<string, string> {
  const { url = '', host = '', port = '', database = '', user = '', password = '' } = values
  return { DATABASE_URL: url, PGHOST: host, PGPORT: port, PGDATABASE: database, PGUSER: user, PGPASSWORD: password }
}
