import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { addressOf, connectionTo } from '../../../src/redis/address.ts'
import { AdminConnection } from '../../../src/redis/connection.ts'
import { LeaseHandle } from '../../../src/redis/lease.ts'
import { client, startEmbeddedServer, type TestServer } from '../../support/redis/servers.ts'

const RECORD = 'tiershard:lease:3'
let server: TestServer
let connection: AdminConnection
let redis: Redis

beforeAll(async () => {
  server = await startEmbeddedServer()
  redis = client(server)
  const opened = await AdminConnection.open(addressOf(server), new AbortController().signal)
  if (!opened.ok) throw new Error(opened.cause.message)
  connection = opened.connection
})
beforeEach(() => redis.flushall())
afterAll(async () => {
  connection.close()
  redis.disconnect()
  await server.stop()
})

/** What is left to a lease before a heartbeat: less than one adds, more than a busy machine needs to send it. */
const LEFT_MS = 15_000

/** A lease as acquire.lua grants it, proven some time ago. */
async function granted(provenAgoMs = 0) {
  await redis.hset(RECORD, { owner: 'me', fence: 7, run: 'r', host: 'h', open: 0, expires: Date.now() + LEFT_MS })
  await redis.pexpire(RECORD, LEFT_MS)
  let ended = 0
  const lost: string[] = []
  const address = addressOf(server)
  const lease = new LeaseHandle({
    connection,
    control: 0,
    database: 3,
    fence: 7,
    owner: 'me',
    run: 'r',
    access: connectionTo(address, 3),
    user: null,
    backgroundFlushKeys: 0,
    provenAt: performance.now() - provenAgoMs,
    onEnd: () => ended++,
  })
  lease.onLost((message) => lost.push(message))
  return { lease, lost, ended: () => ended }
}

test('a heartbeat prolongs the lease by 30 s, and an open record by a day', async () => {
  const { lease, lost } = await granted()
  await lease.renew()
  expect(await redis.pttl(RECORD)).toBeGreaterThan(20_000)
  expect(Number(await redis.hget(RECORD, 'expires'))).toBeGreaterThan(Date.now() + 20_000)
  await lease.open()
  await redis.pexpire(RECORD, LEFT_MS)
  await lease.renew()
  expect(await redis.pttl(RECORD)).toBeGreaterThan(23 * 3_600_000)
  expect(lost).toEqual([])
})

test.each([
  ['another fence', { fence: 8 }],
  ['another owner', { owner: 'you', run: 'theirs', host: 'there' }],
])('a heartbeat that finds %s ends the lease, once', async (_, change) => {
  const { lease, lost, ended } = await granted()
  await redis.hset(RECORD, change)
  const before = await redis.hgetall(RECORD)
  await lease.renew()
  await lease.renew()
  expect(lost).toHaveLength(1)
  expect(ended()).toBe(1)
  expect(await redis.hgetall(RECORD)).toEqual(before)
  expect(await lease.clean()).toEqual({ kind: 'lost', message: lost[0] })
})

test('a heartbeat that finds no record ends the lease', async () => {
  const { lease, lost } = await granted()
  await redis.flushall()
  await lease.renew()
  expect(lost).toEqual([expect.stringContaining('FLUSHALL')])
})

test('a holder that could not renew for 20 s gives itself up, although the server would still have it', async () => {
  const { lease, lost } = await granted(20_500)
  await lease.renew()
  expect(lost).toEqual([expect.stringContaining('20 s')])
  expect(await lease.open()).toMatchObject({ kind: 'lost' })
  expect(await redis.hget(RECORD, 'open')).toBe('0')
})

test('every success counts: heartbeats 15 s apart keep the lease for as long as they come', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  try {
    const { lease, lost } = await granted()
    for (const prove of [() => lease.renew(), () => lease.open(), () => lease.clean(), () => lease.renew()]) {
      vi.advanceTimersByTime(15_000)
      await prove()
    }
    expect(lost).toEqual([])
    vi.advanceTimersByTime(21_000)
    await lease.renew()
    expect(lost).toHaveLength(1)
  } finally {
    vi.useRealTimers()
  }
})

test('heartbeats work when memory is full', async () => {
  const { lease } = await granted()
  await redis.config('SET', 'maxmemory', '1')
  try {
    await lease.renew()
    expect(await redis.pttl(RECORD)).toBeGreaterThan(20_000)
  } finally {
    await redis.config('SET', 'maxmemory', '0')
  }
})
