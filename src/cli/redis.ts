import { unreachable } from '../core/ending.ts'
import { EXIT } from '../core/verdict.ts'
import { openAdmin, type AdminResult, type DatabaseStatus, type RedisAdmin } from '../redis/index.ts'
import { createPaint } from '../reports/console/paint.ts'
import { table, type Column } from '../reports/console/table.ts'
import { elapsed, size } from '../reports/format.ts'
import { openCluster } from './cluster.ts'
import { printJson, tell, type Io } from './io.ts'
import { openProject } from './project.ts'
import type { RedisOptions } from './options.ts'

/** `tiershard redis status`: returns the exit code. */
export function redisStatus(options: RedisOptions, io: Io): Promise<number> {
  return withAdmin(options, io, async (admin) => {
    const status = await admin.status()
    if (!status.ok) return fail(status.cause, io)
    const { facts } = admin
    if (options.json) {
      printJson(io, { version: 1, server: facts, databases: status.databases })
      return EXIT.passed
    }
    io.stdout.write(`${facts.product} ${facts.version} at ${facts.address} (${facts.reason})\n`)
    const width = io.stdout.columns ?? 120
    const rows = status.databases.map((database) => statusRow(database, Date.now()))
    io.stdout.write(`${table(COLUMNS, rows, width, createPaint(io.stdout, io.env)).join('\n')}\n`)
    return EXIT.passed
  })
}

/** `tiershard redis adopt N`: returns the exit code. */
export function redisAdopt(database: number, options: RedisOptions, io: Io): Promise<number> {
  return withAdmin(options, io, async (admin) => finish(await admin.adopt(database), options, io))
}

/** `tiershard redis release ID`: returns the exit code. */
export function redisRelease(lease: string, options: RedisOptions, io: Io): Promise<number> {
  return withAdmin(options, io, async (admin) => finish(await admin.release(lease), options, io))
}

async function withAdmin(options: RedisOptions, io: Io, use: (admin: RedisAdmin) => Promise<number>): Promise<number> {
  const settings = await openProject(options, io)
  if (settings === null) return EXIT.usage
  const opened = await openAdmin(settings.redis, io.env, openCluster)
  if (!opened.ok) return fail(opened.cause, io)
  try {
    return await use(opened.admin)
  } finally {
    await opened.admin.close()
  }
}

function finish(result: AdminResult, options: RedisOptions, io: Io): number {
  switch (result.kind) {
    case 'done':
      if (options.json) printJson(io, { version: 1, ...result })
      else io.stdout.write(`${result.message}\n`)
      return EXIT.passed
    case 'usage':
    case 'refused':
      tell(io, result.message)
      return EXIT.usage
    case 'infrastructure':
      return fail(result.cause, io)
    default:
      return unreachable(result)
  }
}

function fail(cause: { readonly code: string; readonly message: string; readonly remedy: string }, io: Io): number {
  tell(io, `${cause.code}: ${cause.message}\n${cause.remedy}`)
  return EXIT.infrastructure
}

const COLUMNS: readonly Column[] = [
  { header: 'database', align: 'right' },
  { header: 'state' },
  { header: 'keys', align: 'right' },
  { header: 'memory', align: 'right' },
  { header: 'lease' },
  { header: 'held by', shrink: 'end' },
]

const STATES: Readonly<Record<DatabaseStatus['state'], string>> = {
  control: 'control: holds the leases',
  leased: 'leased',
  expired: 'expired: its run is gone',
  ours: 'left by a run',
  foreign: 'foreign data: never flushed',
  free: 'free',
}

function statusRow({ database, state, keys, bytes, lease }: DatabaseStatus, now: number): string[] {
  const holder = lease
    ? `run ${lease.run} on ${lease.host} (pid ${lease.pid}), shard ${lease.shard}, for ${elapsed(Math.max(0, now - lease.since))}${expiry(lease.expires - now)}`
    : ''
  const memory = bytes === null || keys === 0 ? '' : `~${size(bytes)}`
  return [String(database), STATES[state], String(keys), memory, lease?.id ?? '', holder]
}

/** A holder that lives prolongs its lease every few seconds. */
function expiry(leftMs: number): string {
  return leftMs > 0 ? `, expires in ${elapsed(leftMs)} unless renewed` : ''
}
