import { unreachable, type Cause } from '../core/ending.ts'
import type { CheckCode, Finding } from '../core/findings.ts'
import { CLIENTS_REMEDY, MEMORY_REMEDY, replicaCause, sentinelPortCause } from './causes.ts'
import type { Role } from './role.ts'

/** INFO of a server as a table. */
export type Info = ReadonlyMap<string, string>

/** The limits of the checks. From them on there is a warning, or an error. */
const MEMORY = { warning: 0.8, error: 0.95 }
const CLIENTS = 0.8
const LATENCY_MS = { warning: 5, error: 50 }
/** A replica that is further behind than this loses writes in a failover, s. */
const LAG_S = 5
const SLOW_FORK_MS = 500

/** The checks that read INFO alone; cheap enough to be made every second. Without INFO there is nothing to say. */
export function infoFindings(info: Info, label: string): Finding[] {
  return [...memory(info, label), ...eviction(info), ...clients(info), ...persistence(info)]
}

/** Whether this is the master, and whether its replicas keep up. null: the role is not known. */
export function roleFindings(role: Role | null, info: Info | null, label: string): Finding[] {
  if (role === null) return [ok('role', 'the role is not known: the user may not call ROLE or INFO')]
  switch (role.kind) {
    case 'sentinel':
      return [error('role', sentinelPortCause(label))]
    case 'replica':
      return [error('role', replicaCause(label, role.master)), ...masterLink(role.master, info)]
    case 'master':
      return [ok('role', 'is a master'), ...replicas(info)]
    default:
      return unreachable(role)
  }
}

function masterLink(master: string | null, info: Info | null): Finding[] {
  const link = info?.get('master_link_status')
  if (link === undefined || link === 'up') return []
  const remedy = `Use the address of the master${master === null ? '' : `, ${master}`}.`
  return [warning('replication', `has lost the link to its master (master_link_status: ${link})`, remedy)]
}

/** `slave0:ip=127.0.0.1,port=6380,state=online,offset=98,lag=1` */
function replicas(info: Info | null): Finding[] {
  const count = number(info, 'connected_slaves')
  if (count === null) return []
  if (count === 0) return [ok('replication', 'has no replica')]
  const behind = [...(info ?? [])].flatMap(([key, line]) => {
    if (!/^slave\d+$/.test(key)) return []
    const fields = new Map(line.split(',').map((field) => field.split('=') as [string, string]))
    const lag = Number(fields.get('lag') ?? 0)
    const state = fields.get('state') ?? 'online'
    if (state === 'online' && lag <= LAG_S) return []
    return [`${fields.get('ip')}:${fields.get('port')} (${state}, ${lag} s behind)`]
  })
  if (behind.length === 0) return [ok('replication', `has ${plural(count, 'replica')}, none of them behind`)]
  return [
    warning(
      'replication',
      `has replicas that do not keep up: ${behind.join(', ')}`,
      'A failover now loses writes, leases among them. Look at the replicas, or wait until they have caught up.',
    ),
  ]
}

function memory(info: Info, label: string): Finding[] {
  const used = number(info, 'used_memory')
  const max = number(info, 'maxmemory')
  const total = number(info, 'total_system_memory')
  if (used === null) return []
  const limit = max || total
  if (!limit) return [ok('memory', `uses ${bytes(used)}, without a limit`)]
  const share = used / limit
  const evidence =
    `uses ${bytes(used)} of ${max ? 'its maxmemory of' : 'the'} ${bytes(limit)}` +
    `${max ? '' : ' of its machine (maxmemory is not set)'}, ${Math.floor(share * 100)}%`
  if (share < MEMORY.warning) return [ok('memory', evidence)]
  if (share < MEMORY.error) return [warning('memory', evidence, MEMORY_REMEDY)]
  const message = `The Redis at ${label} ${evidence}.`
  return [error('memory', { code: 'redis-out-of-memory', message, remedy: MEMORY_REMEDY })]
}

/** A server that evicts throws away test data and leases: with a TTL, a lease is among the first to go. */
function eviction(info: Info): Finding[] {
  const policy = info.get('maxmemory_policy')
  if (policy === undefined) return []
  const evicted = number(info, 'evicted_keys') ?? 0
  const evidence = `maxmemory-policy ${policy}, ${plural(evicted, 'key')} evicted since its start`
  // Without a limit nothing is ever evicted, whatever the policy says.
  const harmless = policy === 'noeviction' || !number(info, 'maxmemory')
  if (harmless && evicted === 0) return [ok('eviction', evidence)]
  const remedy =
    'Set maxmemory-policy noeviction: evicted keys fail tests, and evicted leases end files. BullMQ needs it too.'
  return [warning('eviction', evidence, remedy)]
}

function clients(info: Info): Finding[] {
  const connected = number(info, 'connected_clients')
  if (connected === null) return []
  const max = number(info, 'maxclients')
  const blocked = number(info, 'blocked_clients') ?? 0
  const rejected = number(info, 'rejected_connections') ?? 0
  const evidence =
    `${connected}${max === null ? '' : ` of ${max}`} connections, ${blocked} blocked, ` +
    `${rejected} rejected since its start`
  const crowded = max !== null && connected > max * CLIENTS
  if (!crowded && rejected === 0) return [ok('clients', evidence)]
  return [warning('clients', evidence, CLIENTS_REMEDY)]
}

function persistence(info: Info): Finding[] {
  const bad: string[] = []
  for (const key of ['rdb_last_bgsave_status', 'aof_last_write_status', 'aof_last_bgrewrite_status']) {
    const status = info.get(key)
    if (status !== undefined && status !== 'ok') bad.push(`${key} is ${status}`)
  }
  const fork = (number(info, 'latest_fork_usec') ?? 0) / 1000
  if (fork > SLOW_FORK_MS) bad.push(`the last fork stopped it for ${Math.round(fork)} ms`)
  if (bad.length === 0) {
    return info.has('rdb_last_bgsave_status') ? [ok('persistence', 'no errors while saving to disk')] : []
  }
  return [
    warning('persistence', bad.join(', '), 'Look at its disk and its log; a server for tests needs no persistence.'),
  ]
}

/**
 * @param pings round trips, ms
 * @param near on this machine: slow answers then tell of a busy machine, which makes a run slow and not impossible
 */
export function latencyFindings(pings: readonly number[], label: string, near = false): Finding[] {
  const p50 = median(pings)
  if (p50 === null) return []
  const evidence = `a PING takes ${p50.toFixed(p50 < 10 ? 2 : 0)} ms (median of ${pings.length})`
  if (p50 <= LATENCY_MS.warning) return [ok('latency', evidence)]
  const remedy = 'Use a server that is nearer, or look for what keeps it busy (SLOWLOG GET).'
  if (near || p50 <= LATENCY_MS.error) return [warning('latency', evidence, remedy)]
  const message = `The Redis at ${label} is too slow: ${evidence}, and a test makes hundreds of round trips.`
  return [error('latency', { code: 'redis-slow', message, remedy })]
}

export function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null
}

export function ok(check: CheckCode, evidence: string): Finding {
  return { check, severity: 'ok', evidence }
}

export function warning(check: CheckCode, evidence: string, remedy: string): Finding {
  return { check, severity: 'warning', evidence, remedy }
}

export function error(check: CheckCode, cause: Cause): Finding {
  return { check, severity: 'error', cause }
}

export function number(info: Info | null, key: string): number | null {
  const text = info?.get(key)
  return text === undefined || text === '' || !Number.isFinite(Number(text)) ? null : Number(text)
}

function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = count
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
