import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Lease, RedisServer } from '../../../src/core/ports.ts'
import { openAdmin, type DatabaseStatus, type RedisAdmin } from '../../../src/redis/index.ts'
import {
  client,
  freePort,
  leaseOf,
  serverAt,
  settingsFor,
  startEmbeddedServer,
  type TestServer,
} from '../../support/redis/servers.ts'

let server: TestServer
let redis: Redis
let admin: RedisAdmin
const runs: RedisServer[] = []

beforeAll(async () => {
  server = await startEmbeddedServer()
  redis = client(server)
  const opened = await openAdmin(settingsFor(server.url), {})
  if (!opened.ok) throw new Error(opened.cause.message)
  admin = opened.admin
})
afterEach(async () => {
  await Promise.all(runs.splice(0).map((run) => run.close()))
  await redis.flushall()
})
afterAll(async () => {
  await admin.close()
  redis.disconnect()
  await server.stop()
})

async function lease(databases: readonly number[]): Promise<Lease> {
  const run = await serverAt(server.url, { databases })
  runs.push(run)
  return leaseOf(run, { run: '4f2a' })
}

async function status(): Promise<DatabaseStatus[]> {
  const result = await admin.status()
  if (!result.ok) throw new Error(result.cause.message)
  return result.databases
}

async function fill(database: number): Promise<void> {
  await redis.multi().select(database).set('k', 'v').select(0).exec()
}

test('status tells the state of every database and the holder of each lease', async () => {
  await fill(1)
  const clean = await lease([2])
  await clean.open()
  await clean.clean()
  await redis.del('tiershard:lease:2')
  const open = await lease([3])
  await open.open()
  await fill(3)
  await lease([4])
  await redis.hset('tiershard:lease:4', 'expires', 1)

  const databases = await status()
  expect(databases).toHaveLength(16)
  expect(databases.slice(0, 6).map(({ state, keys }) => [state, keys])).toEqual([
    ['control', 3],
    ['foreign', 1],
    ['ours', 1],
    ['leased', 1],
    ['expired', 0],
    ['free', 0],
  ])
  expect(databases[3]!.lease).toEqual({
    id: `3-${open.fence}`,
    run: '4f2a',
    host: expect.any(String),
    pid: process.pid,
    shard: 0,
    since: expect.any(Number),
    expires: expect.any(Number),
    open: true,
  })
  expect(databases[3]!.lease!.expires - databases[3]!.lease!.since).toBeGreaterThanOrEqual(30_000)
})

describe('adopt', () => {
  test('hands foreign data over, and the next lease flushes it', async () => {
    await fill(5)
    await expect(lease([5])).rejects.toThrow('5: holds 1 key')
    expect(await admin.adopt(5)).toMatchObject({ kind: 'done', message: expect.stringContaining('1 keys') })
    expect((await status())[5]).toMatchObject({ state: 'ours', keys: 2 })
    const adopted = await lease([5])
    expect(await adopted.open()).toEqual({ kind: 'ok' })
    expect((await status())[5]).toMatchObject({ state: 'leased', keys: 0 })
  })

  test('does not touch a leased, an empty, the control or a missing database', async () => {
    const held = await lease([6])
    await held.open()
    await fill(6)
    expect(await admin.adopt(6)).toMatchObject({ kind: 'refused', message: expect.stringContaining('run 4f2a') })
    expect((await status())[6]).toMatchObject({ keys: 1 })
    expect(await admin.adopt(7)).toMatchObject({ kind: 'done', message: expect.stringContaining('empty') })
    expect((await status())[7]).toMatchObject({ state: 'free' })
    for (const database of [0, 16, -1, 1.5, Number.NaN])
      expect(await admin.adopt(database)).toMatchObject({ kind: 'usage' })
  })
})

describe('release', () => {
  test('takes a lease away; its holder finds out, and the next one flushes what it left', async () => {
    const held = await lease([8])
    await held.open()
    await fill(8)
    expect(await admin.release(`8-${held.fence}`)).toMatchObject({
      kind: 'done',
      message: expect.stringContaining('4f2a'),
    })
    expect(await held.clean()).toMatchObject({ kind: 'lost' })
    const next = await lease([8])
    expect(await next.open()).toEqual({ kind: 'ok' })
    expect((await status())[8]).toMatchObject({ state: 'leased', keys: 0 })
  })

  test('knows which lease is meant', async () => {
    const held = await lease([9])
    expect(await admin.release(`9-${held.fence - 1}`)).toMatchObject({ kind: 'refused' })
    expect(await admin.release('9')).toMatchObject({ kind: 'usage' })
    expect(await admin.release('nine-1')).toMatchObject({ kind: 'usage' })
    expect(await held.open()).toEqual({ kind: 'ok' })
  })
})

test('there is nothing to look at without a URL, and a server that does not answer is named', async () => {
  const auto = { source: { kind: 'auto' }, control: null, databases: null, waitMs: 0, patienceMs: 0 } as const
  expect(await openAdmin(auto, {})).toMatchObject({
    ok: false,
    cause: { message: expect.stringContaining('REDIS_URL') },
  })
  const url = `redis://:sesame@127.0.0.1:${await freePort()}`
  const opened = await openAdmin(auto, { REDIS_URL: url })
  expect(opened).toMatchObject({ ok: false, cause: { code: 'redis-unreachable' } })
  expect(JSON.stringify(opened)).not.toContain('sesame')
})
