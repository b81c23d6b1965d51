import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Stamped } from '../src/core/events.ts'
import type { Discovery, Engine, RedisServer } from '../src/core/ports.ts'
import { foldAll } from '../src/core/record.ts'
import type { Settings, SuiteSettings, TierSettings } from '../src/core/settings.ts'
import { openHistory, recordHistory } from '../src/history/index.ts'
import { resolveRedis } from '../src/redis/index.ts'
import { planRun } from '../src/run/plan.ts'
import { median } from './measure.ts'

const TIER: TierSettings = {
  name: 'standard',
  deadlineMs: 900_000,
  fileTimeoutMs: 300_000,
  testTimeoutMs: 30_000,
  testTimeoutGiven: false,
  shards: 16,
  retries: 0,
  slowMs: 5_000,
}

const SUITE: SuiteSettings = {
  name: 'main',
  tier: 'standard',
  files: ['suites/standard/**/*.test.ts'],
  exclude: [],
  engine: 'vitest',
  isolation: 'db',
  env: {},
}

/**
 * Planning as `tiershard plan` does it, once the engine has found the files: history from disk, suites, order,
 * forecast. The finding itself is vitest's and not counted. Median wall time of several plans, ms.
 */
export async function planning(count: number, rounds: number): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tiershard-bench-'))
  try {
    const ids = Array.from({ length: count }, (_, n) => `suites/standard/area-${n % 500}/case-${n}.test.ts`)
    const file = path.join(folder, 'history.json')
    const { notes } = await recordHistory(file, foldAll(pastRun(ids)))
    if (notes.length > 0) throw new Error(notes.join('\n'))
    const settings = settingsOf(folder)
    const walls: number[] = []
    for (let round = 0; round < rounds; round++) {
      const startedAt = performance.now()
      const { history } = await openHistory(file)
      const outcome = await planRun(
        settings,
        { tiers: ['standard'], filters: [], changed: null, testName: null },
        found(ids),
        history,
      )
      walls.push(performance.now() - startedAt)
      if (!outcome.ok) throw new Error(outcome.message)
      const [tier] = outcome.plan.tiers
      if (tier?.files.length !== count || tier.forecast.unknown !== 0) throw new Error('the plan is not complete')
    }
    return median(walls)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Leases and guarded flushes of empty databases, by shard, on a server at this address. Median, ms. */
export async function leaseAndFlush(url: string, shards: number, rounds: number): Promise<number> {
  const settings = { ...settingsOf(tmpdir()).redis, source: { kind: 'url', url, from: '--redis' } } as const
  const { signal } = new AbortController()
  const resolved = await resolveRedis(settings, {}, signal)
  if (!resolved.ok) throw new Error(resolved.cause.message)
  const { server } = resolved
  try {
    const walls: number[] = []
    // The first round loads the scripts; it is not counted.
    for (let round = 0; round <= rounds; round++) {
      const ms = await leaseOnce(server, shards, signal)
      if (round > 0) walls.push(ms / shards)
    }
    return median(walls)
  } finally {
    await server.close()
  }
}

/** From the request to the last database opened (proved, empty, marked), ms. Giving them back is not counted. */
async function leaseOnce(server: RedisServer, shards: number, signal: AbortSignal): Promise<number> {
  const startedAt = performance.now()
  const grant = await server.lease({ count: shards, run: 'bench', waitMs: 1_000, onWait: () => {}, signal })
  if (grant.kind !== 'granted' || grant.leases.length !== shards) throw new Error('the databases are not free')
  for (const lease of grant.leases) {
    const opened = await lease.open()
    if (opened.kind !== 'ok') throw new Error(`a database could not be opened: ${opened.kind}`)
  }
  const ms = performance.now() - startedAt
  for (const lease of grant.leases) {
    await lease.clean()
    await lease.release()
  }
  return ms
}

function settingsOf(root: string): Settings {
  return {
    root,
    configFile: null,
    tiers: [TIER],
    suites: [SUITE],
    redis: { source: { kind: 'auto' }, control: null, databases: null, waitMs: 1_000, patienceMs: 0 },
    reportsDir: path.join(root, 'reports'),
    vitestConfig: null,
  }
}

/** An engine that has found its files already. */
function found(ids: readonly string[]): Engine {
  const discovery: Discovery = {
    ok: true,
    engine: 'vitest',
    files: ids.map((id) => ({ id, path: id, project: '' })),
    warnings: [],
  }
  return {
    name: 'vitest',
    discover: () => Promise.resolve(discovery),
    execute: () => {
      throw new Error('nothing runs here')
    },
    close: () => Promise.resolve(),
  }
}

/** A run in which every file had a test and passed. */
function* pastRun(ids: readonly string[]): Generator<Stamped> {
  const at = Date.UTC(2026, 0, 1)
  const files = ids.map((id) => ({ id, path: id, project: '', suite: SUITE.name, expectedMs: null }))
  const forecast = { unknown: ids.length, makespanMs: null, floorMs: null, floorFile: null, shardsForDeadline: null }
  const meta = { run: 'past', tiershard: '0', node: '24', engine: 'vitest', platform: 'linux', cpus: 2 }
  yield { type: 'run-started', version: 1, ...meta, ci: null, commit: null, command: [], at }
  yield { type: 'tier-planned', tier: TIER.name, settings: TIER, suites: [SUITE], files, forecast, at }
  yield { type: 'tier-started', tier: TIER.name, shards: TIER.shards, attempt: 1, at }
  for (const [n, file] of ids.entries()) {
    const ref = { tier: TIER.name, file, attempt: 1, at: at + n }
    const durationMs = 100 + ((n * 7_919) % 5_000)
    const test = { name: 'works', outcome: 'passed' as const, durationMs, retries: 0, line: 1, errors: [], note: null }
    yield { type: 'file-started', ...ref, shard: n % TIER.shards, database: 1 }
    yield { type: 'test-ended', ...ref, test }
    yield { type: 'file-ended', ...ref, ending: { kind: 'passed' }, durationMs, running: [], errors: [] }
  }
  yield { type: 'tier-ended', tier: TIER.name, end: 'completed', at: at + ids.length }
  yield { type: 'run-ended', exitCode: 0, at: at + ids.length }
}
