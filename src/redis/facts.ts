import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cause } from '../core/ending.ts'
import type { ServerFacts } from '../core/events.ts'
import { clusterCause, replicaCause, replyCause, sentinelPortCause, tooFewCause } from './causes.ts'
import { AWAY_LIMIT_MS, type AdminConnection } from './connection.ts'

/** How long a server may take to load its data. */
const LOADING_LIMIT_MS = 10_000
const LOADING_PAUSE_MS = 100
/** More databases than this are not looked for: no run has as many shards. */
const MOST_DATABASES = 1_024

export interface Origin {
  readonly source: ServerFacts['source']
  readonly reason: string
  /** null: the database that the URL names, else 0. */
  readonly control: number | null
}

export type Probed =
  | { readonly ok: true; readonly facts: ServerFacts; readonly embedded: boolean; readonly replicas: number }
  | { readonly ok: false; readonly cause: Cause }

/**
 * Finds out whether a run can work on this server: a real write first (a replica and a full server answer PING just the
 * same), then what it is and how many databases it has.
 */
export async function probe(connection: AdminConnection, origin: Origin, signal: AbortSignal): Promise<Probed> {
  const { address } = connection
  const info = await loaded(connection, signal)
  // First of all: a cluster says that it has 16 databases, and fails later.
  if (info?.get('cluster_enabled') === '1') return { ok: false, cause: clusterCause(address.label) }
  if (info?.get('redis_mode') === 'sentinel') return { ok: false, cause: sentinelPortCause(address.label) }
  const role = await connection.role()
  if (role?.kind === 'replica') return { ok: false, cause: replicaCause(address.label, role.master) }
  const replicas = role?.kind === 'master' ? role.replicas : 0
  const control = origin.control ?? address.database ?? 0
  const token = randomUUID()
  const answer = await connection.run({
    script: 'probe',
    keys: [`tiershard:probe:${token}`],
    args: [control, token, MOST_DATABASES],
    patienceMs: AWAY_LIMIT_MS,
    repeatable: true,
  })
  if (!answer.ok) return { ok: false, cause: noSuchDatabase(answer.cause, address.label, control) }
  const [value, databases] = answer.value as [string, number]
  if (value !== token) {
    return { ok: false, cause: replyCause(new Error('a value that was just written did not read back'), address.label) }
  }
  if (databases < 2) {
    return {
      ok: false,
      cause: tooFewCause(address.label, 'has 1 database: the leases need one, and every shard needs one of its own'),
    }
  }
  const facts = {
    source: origin.source,
    reason: origin.reason,
    address: address.label,
    ...productOf(info),
    databases,
    control,
  }
  return { ok: true, facts, embedded: info?.get('os')?.startsWith('wasi') === true, replicas }
}

/** INFO, once the server has loaded its data or the limit is over; null when the user may not call it. */
async function loaded(connection: AdminConnection, signal: AbortSignal): Promise<ReadonlyMap<string, string> | null> {
  const giveUp = performance.now() + LOADING_LIMIT_MS
  for (;;) {
    const info = await connection.info()
    if (info?.get('loading') !== '1' || performance.now() > giveUp || signal.aborted) return info
    await sleep(LOADING_PAUSE_MS)
  }
}

function productOf(info: ReadonlyMap<string, string> | null): Pick<ServerFacts, 'product' | 'version'> {
  const dragonfly = info?.get('dragonfly_version')
  if (dragonfly !== undefined) return { product: 'dragonfly', version: dragonfly.replace(/^df-/, '') }
  // Valkey's redis_version is the last version of Redis it is compatible with, 7.2.4.
  const valkey = info?.get('valkey_version')
  if (valkey !== undefined) return { product: 'valkey', version: valkey }
  const redis = info?.get('redis_version')
  return redis === undefined ? { product: 'unknown', version: '' } : { product: 'redis', version: redis }
}

function noSuchDatabase(cause: Cause, label: string, control: number): Cause {
  if (!/out of range/.test(cause.message)) return cause
  return tooFewCause(
    label,
    `has no database ${control}, which is to hold the leases (the one that the URL or the config names)`,
  )
}
