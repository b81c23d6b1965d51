import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cause } from '../core/ending.ts'
import type { ServerFacts } from '../core/events.ts'
import type { Finding } from '../core/findings.ts'
import { clusterCause, replyCause, tooFewCause } from './causes.ts'
import { error, infoFindings, latencyFindings, median, ok, roleFindings, warning, type Info } from './checks.ts'
import { AWAY_LIMIT_MS, type AdminConnection } from './connection.ts'

/** How long a server may take to load its data. */
const LOADING_LIMIT_MS = 10_000
const LOADING_PAUSE_MS = 100
/** More databases than this are not looked for: no run has as many shards. */
const MOST_DATABASES = 1_024
const PINGS = 30
/** Over a slow line, fewer round trips tell as much. */
const PINGS_LIMIT_MS = 500
/** A socket has no host. A tunnel ends here too: who asks for one knows that it is slow. */
const NEAR = /^(?:127\.|::1$|localhost$|$)/
/** A median above this, where a warning begins, is measured a second time. */
const LATENCY_AGAIN_MS = 5

export interface Origin {
  readonly source: ServerFacts['source']
  readonly reason: string
  /** null: the database that the URL names, else 0. */
  readonly control: number | null
}

/** Everything that can be said of a server. */
export interface Examination {
  /** In the order in which they matter: the first error is the cause. */
  readonly findings: readonly Finding[]
  /** null when one of the findings keeps a run from using it at all. */
  readonly facts: ServerFacts | null
  /** Whether it says of itself that it runs in WebAssembly. */
  readonly embedded: boolean
  /** How many servers follow it. */
  readonly replicas: number
}

/**
 * Finds out whether a run can work on this server: a real write (a replica and a full server answer PING just the same),
 * then everything that may spoil a run later. About 5 ms on a local server.
 */
export async function examine(connection: AdminConnection, origin: Origin, signal: AbortSignal): Promise<Examination> {
  const { label } = connection.address
  const info = await loaded(connection, signal)
  const embedded = info?.get('os')?.startsWith('wasi') === true
  const product = productOf(info)
  const said = [ok('connection', `${product.product} ${product.version}`.trim()), ...loading(info, label)]
  // Before the write: a cluster says that it has 16 databases, and fails later.
  if (info?.get('cluster_enabled') === '1') {
    return { findings: [...said, error('cluster', clusterCause(label))], facts: null, embedded, replicas: 0 }
  }
  const role = await connection.role(info)
  const replicas = role?.kind === 'master' ? role.replicas : 0
  const roles = roleFindings(role, info, label)
  if (role?.kind === 'sentinel') return { findings: [...said, ...roles], facts: null, embedded, replicas }

  const control = origin.control ?? connection.address.database ?? 0
  // A replica refuses it, or loses it; its role says more than its refusal.
  const { findings: written, databases } =
    role?.kind === 'replica' ? { findings: [], databases: null } : await write(connection, control)
  const later = [
    ...(info === null ? [] : infoFindings(info, label)),
    ...latencyFindings(await latencies(connection), label, NEAR.test(connection.address.host)),
  ]
  const findings = [
    ...said,
    ...(info === null ? [] : [ok('cluster', 'is not a cluster')]),
    ...written,
    ...roles,
    ...later,
  ]
  if (databases === null) return { findings, facts: null, embedded, replicas }
  const { source, reason } = origin
  return { findings, facts: { source, reason, address: label, ...product, databases, control }, embedded, replicas }
}

/** A real write, and the number of databases; null when a run cannot use the server. */
async function write(
  connection: AdminConnection,
  control: number,
): Promise<{ readonly findings: Finding[]; readonly databases: number | null }> {
  const { label } = connection.address
  const token = randomUUID()
  const answer = await connection.run({
    script: 'probe',
    keys: [`tiershard:probe:${token}`],
    args: [control, token, MOST_DATABASES],
    patienceMs: AWAY_LIMIT_MS,
    repeatable: true,
  })
  if (!answer.ok) {
    return { findings: [error('write', noSuchDatabase(answer.cause, label, control))], databases: null }
  }
  const [value, databases] = answer.value as [string, number]
  if (value !== token) {
    const lied = new Error('a value that was just written did not read back')
    return { findings: [error('write', replyCause(lied, label))], databases: null }
  }
  const written = ok('write', `database ${control} takes writes`)
  if (databases < 2) {
    const few = 'has 1 database: the leases need one, and every shard needs one of its own'
    return { findings: [written, error('databases', tooFewCause(label, few))], databases: null }
  }
  return { findings: [written, ok('databases', `has ${databases} databases`)], databases }
}

/** Measured again when it looks bad: one hiccup of a busy machine is no slow server. */
async function latencies(connection: AdminConnection): Promise<number[]> {
  const first = await connection.pings(PINGS, PINGS_LIMIT_MS)
  if ((median(first) ?? 0) <= LATENCY_AGAIN_MS) return first
  const second = await connection.pings(PINGS, PINGS_LIMIT_MS)
  return (median(second) ?? Number.POSITIVE_INFINITY) < median(first)! ? second : first
}

function loading(info: Info | null, label: string): Finding[] {
  if (info === null)
    return [
      warning(
        'loading',
        'the user may not call INFO',
        'Allow INFO: without it memory, clients and persistence are not checked.',
      ),
    ]
  if (info.get('loading') !== '1') return [ok('loading', 'has loaded its data')]
  return [error('loading', replyCause(new Error('LOADING'), label))]
}

/** INFO, once the server has loaded its data or the limit is over; null when the user may not call it. */
async function loaded(connection: AdminConnection, signal: AbortSignal): Promise<Info | null> {
  const giveUp = performance.now() + LOADING_LIMIT_MS
  for (;;) {
    const info = await connection.info()
    if (info?.get('loading') !== '1' || performance.now() > giveUp || signal.aborted) return info
    await sleep(LOADING_PAUSE_MS)
  }
}

function productOf(info: Info | null): Pick<ServerFacts, 'product' | 'version'> {
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
