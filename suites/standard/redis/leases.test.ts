import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Grant, Lease, RedisServer } from '../../../src/core/ports.ts'
import {
  client,
  serverAt,
  skipNative,
  startEmbeddedServer,
  startNative,
  type TestServer,
} from '../../support/redis/servers.ts'

const RECORD = 'tiershard:lease:'
const MARKER = 'tiershard:owner'

/** One contract, two servers. */
describe.each([
  { name: 'embedded', start: startEmbeddedServer, skip: false },
  { name: 'native', start: () => startNative(), skip: skipNative },
])('leases on a $name server', ({ start, skip }) => {
  if (skip) {
    test.skip('there is no redis-server or valkey-server on PATH', () => {})
    return
  }
  let server: TestServer
  let admin: Redis
  const runs: RedisServer[] = []
  const clients: Redis[] = []

  beforeAll(async () => {
    server = await start()
    admin = client(server)
  })
  beforeEach(() => admin.flushall())
  afterEach(async () => {
    await Promise.all(runs.splice(0).map((run) => run.close()))
    for (const redis of clients.splice(0)) redis.disconnect()
  })
  afterAll(async () => {
    admin.disconnect()
    await server.stop()
  })

  async function startRun(databases?: readonly number[], control = 0): Promise<RedisServer> {
    const run = await serverAt(server.url, { databases: databases ?? null, control })
    runs.push(run)
    return run
  }

  function at(database: number): Redis {
    const redis = client(server, database)
    clients.push(redis)
    return redis
  }

  test('a look at the server says what it holds, who is there, and how many commands it has done', async () => {
    const run = await startRun()
    const sample = async () => {
      const pulse = await run.pulse()
      if (!pulse.ok) throw new Error(pulse.cause.message)
      return pulse.sample
    }
    const before = await sample()
    const redis = at(5)
    for (let n = 0; n < 20; n++) await redis.ping()
    const after = await sample()
    expect(after.usedBytes).toBeGreaterThan(0)
    // This one, the one that looks, and the admin of the tests.
    expect(after.clients).toBeGreaterThanOrEqual(3)
    expect(after.commands! - before.commands!).toBeGreaterThanOrEqual(20)
  })

  test('a file finds an empty database, whatever the file before left', async () => {
    const [lease] = await granted(await startRun())
    const redis = new Redis(lease.connection.url)
    clients.push(redis)
    for (const keys of [0, 3, 6_000]) {
      expect(await lease.open()).toEqual({ kind: 'ok' })
      expect(await redis.dbsize()).toBe(0)
      expect(await redis.randomkey()).toBeNull()
      const pipeline = redis.pipeline()
      for (let key = 0; key < keys; key++) pipeline.set(`key:${key}`, key)
      await pipeline.exec()
      expect(await lease.clean()).toMatchObject({ kind: 'ok', leftovers: { keys } })
      expect(await redis.keys('*')).toEqual([MARKER])
    }
  })

  test('a lease that was given back leaves nothing but the fence', async () => {
    const [lease] = await granted(await startRun())
    const redis = at(lease.database)
    await lease.open()
    await redis.set('k', 'v')
    await lease.clean()
    await redis.set('written by a straggler', 'v')
    await lease.release()
    await lease.release()
    expect(await redis.dbsize()).toBe(0)
    expect(await admin.keys('*')).toEqual(['tiershard:fences'])
    expect(await lease.open()).toMatchObject({ kind: 'lost' })
  })

  test('a lease given back in the middle of a file takes the data of the file with it', async () => {
    const [lease] = await granted(await startRun())
    const redis = at(lease.database)
    await lease.open()
    await redis.set('k', 'v')
    await lease.release()
    expect(await redis.dbsize()).toBe(0)
    expect(await admin.exists(RECORD + lease.database)).toBe(0)
  })

  test('foreign data is never flushed: not by a lease, a file, a release or a close', async () => {
    await at(1).mset('a', 1, 'b', 2)
    await at(3).set(MARKER, 'not the marker of anybody')
    const run = await startRun([1, 2, 3])
    const grant = await lease(run, 3)
    expect(grant).toMatchObject({
      kind: 'granted',
      skipped: ['1: holds 2 keys that are not ours', '3: holds 1 key that are not ours'],
    })
    expect(leases(grant).map((each) => each.database)).toEqual([2])

    // Somebody writes into the leased database before the first file.
    await at(2).set('precious', 'data')
    expect(await leases(grant)[0]!.open()).toMatchObject({ kind: 'trouble', cause: { code: 'redis-foreign-data' } })
    expect(await leases(grant)[0]!.clean()).toMatchObject({ kind: 'trouble', cause: { code: 'redis-foreign-data' } })
    await run.close()
    expect(await at(1).dbsize()).toBe(2)
    expect(await at(2).get('precious')).toBe('data')
    expect(await at(3).dbsize()).toBe(1)
  })

  test('with nothing but foreign data the answer is a refusal, at once, that names it', async () => {
    await at(1).set('a', 1)
    const grant = await lease(await startRun([1]), 1, { waitMs: 60_000 })
    expect(grant).toMatchObject({ kind: 'refused', cause: { code: 'redis-foreign-data' } })
    expect(JSON.stringify(grant)).toContain('1: holds 1 key')
  })

  test("in an open database everything is the file's, also after a FLUSHDB of the test", async () => {
    const [lease] = await granted(await startRun())
    const redis = at(lease.database)
    await lease.open()
    await redis.flushdb()
    await redis.mset('a', 1, 'b', 2)
    expect(await lease.clean()).toMatchObject({ kind: 'ok', leftovers: { keys: 2 } })
    await redis.flushdb()
    expect(await lease.open()).toEqual({ kind: 'ok' })
    await redis.set('c', 3)
    // The answer to the first one may have been lost on its way.
    expect(await lease.open()).toEqual({ kind: 'ok' })
    expect(await redis.dbsize()).toBe(0)
    expect(await lease.clean()).toMatchObject({ kind: 'ok', leftovers: { keys: 0 } })
    expect(await lease.clean()).toMatchObject({ kind: 'ok', leftovers: { keys: 0 } })
  })

  test('FLUSHALL loses every lease, and what is written afterwards stays', async () => {
    const run = await startRun()
    const [one, two] = await granted(run, 2)
    await one.open()
    await two.open()
    const lost: string[] = []
    one.onLost((message) => lost.push(message))
    await at(one.database).flushall()
    await at(one.database).set('after', 'v')
    expect(await one.clean()).toMatchObject({ kind: 'lost', message: expect.stringContaining('FLUSHALL') })
    expect(lost).toHaveLength(1)
    expect(await one.open()).toMatchObject({ kind: 'lost' })
    expect(await two.open()).toMatchObject({ kind: 'lost' })
    one.onLost((message) => lost.push(message))
    expect(lost).toHaveLength(2)
    await run.close()
    expect(await at(one.database).get('after')).toBe('v')
  })

  test('an expired lease goes to the next run, and its old holder can touch nothing any more', async () => {
    const old = await startRun([5])
    const [first] = await granted(old)
    await first.open()
    const redis = at(5)
    await redis.set('of the first', 1)
    await admin.hset(`${RECORD}5`, 'expires', 1)

    const [second] = await granted(await startRun([5]))
    expect(second.fence).toBeGreaterThan(first.fence)
    expect(await second.open()).toEqual({ kind: 'ok' })
    expect(await redis.dbsize()).toBe(0)
    await redis.set('of the second', 2)
    expect(await first.clean()).toMatchObject({ kind: 'lost', message: expect.stringContaining('run-') })
    await first.release()
    await old.close()
    expect(await redis.keys('*')).toEqual(['of the second'])
    expect(await second.clean()).toMatchObject({ kind: 'ok', leftovers: { keys: 1 } })
  })

  test('an old holder that does not know yet takes nothing away when it gives back', async () => {
    const old = await startRun([5])
    const [first] = await granted(old)
    await first.open()
    await admin.hset(`${RECORD}5`, 'expires', 1)
    const [second] = await granted(await startRun([5]))
    await second.open()
    await at(5).set('of the second', 2)
    await first.release()
    await old.close()
    expect(await at(5).keys('*')).toEqual(['of the second'])
    expect(await second.clean()).toMatchObject({ kind: 'ok', leftovers: { keys: 1 } })
  })

  test('a holder that died in the middle of a file leaves a record that the next one takes over, twice if need be', async () => {
    const [dead] = await granted(await startRun([4]))
    await dead.open()
    await at(4).set('half a test', 1)
    expect(await admin.pttl(`${RECORD}4`)).toBeGreaterThan(23 * 3_600_000)
    await admin.hset(`${RECORD}4`, 'expires', 1)
    // This one dies as well, before it has opened the database.
    await granted(await startRun([4]))
    expect(await admin.pttl(`${RECORD}4`)).toBeGreaterThan(23 * 3_600_000)
    await admin.hset(`${RECORD}4`, 'expires', 1)
    const [heir] = await granted(await startRun([4]))
    expect(await heir.open()).toEqual({ kind: 'ok' })
    expect(await at(4).dbsize()).toBe(0)
  })

  test('a record that is forgotten after its day makes the data foreign', async () => {
    const [dead] = await granted(await startRun([4]))
    await dead.open()
    await at(4).set('half a test', 1)
    await admin.del(`${RECORD}4`)
    expect(await lease(await startRun([4]), 1)).toMatchObject({
      kind: 'refused',
      cause: { code: 'redis-foreign-data' },
    })
    expect(await at(4).dbsize()).toBe(1)
  })

  test('a clean lease that expired leaves its marker, and the next run goes on from there', async () => {
    const [dead] = await granted(await startRun([4]))
    await dead.open()
    await dead.clean()
    expect(await admin.pttl(`${RECORD}4`)).toBeLessThanOrEqual(30_000)
    await admin.del(`${RECORD}4`)
    await at(4).set('a straggler', 1)
    const [heir] = await granted(await startRun([4]))
    expect(heir.fence).toBeGreaterThan(dead.fence)
    expect(await heir.open()).toEqual({ kind: 'ok' })
    expect(await at(4).dbsize()).toBe(0)
  })

  test('fences grow although the fences and the record were lost, and never repeat when the clock does', async () => {
    const run = await startRun([4])
    const [first] = await granted(run)
    const future = Date.now() + 3_600_000
    await first.open()
    await first.clean()
    await admin.hset('tiershard:fences', 4, future)
    await admin.del(`${RECORD}4`)
    const [second] = await granted(await startRun([4]))
    expect(second.fence).toBe(future + 1)
    await second.open()
    await second.clean()
    await admin.flushdb()
    const [third] = await granted(await startRun([4]))
    expect(third.fence).toBe(future + 2)
  })

  test('a marker of a newer holder ends the lease', async () => {
    const [lease] = await granted(await startRun([4]))
    await at(4).hset(MARKER, 'control', 0, 'fence', lease.fence + 1)
    expect(await lease.open()).toMatchObject({ kind: 'lost', message: expect.stringContaining('newer holder') })
    expect(await at(4).dbsize()).toBe(1)
  })

  test('the control database is never leased, also when it is not 0 and the settings name it', async () => {
    const grant = await lease(await startRun([6, 7], 7), 8)
    expect(leases(grant).map((each) => each.database)).toEqual([6])
    expect(await at(7).exists(`${RECORD}6`)).toBe(1)
    expect(await admin.dbsize()).toBe(0)
  })

  test('runs with different control databases do not see each other, so the second one is refused', async () => {
    await granted(await startRun([6], 7))
    const grant = await lease(await startRun([6], 0), 1)
    expect(grant).toMatchObject({ kind: 'refused', cause: { message: expect.stringContaining('in database 7') } })
  })

  test('grants what is free when there is less than was asked for, and says who holds the rest', async () => {
    await granted(await startRun([1, 2, 3]), 2)
    const grant = await lease(await startRun([1, 2, 3]), 4)
    expect(leases(grant).map((each) => each.database)).toEqual([3])
    expect(grant).toMatchObject({
      holders: [
        expect.stringMatching(/^1: run run-\d+ on .+, since \d\d:\d\d:\d\d$/),
        expect.stringMatching(/^2: run /),
      ],
    })
  })

  test('waits for a database, says so once, and takes it when it comes free', async () => {
    const [taken] = await granted(await startRun([1]))
    const calls: (readonly string[])[] = []
    let waiting!: () => void
    const waits = new Promise<void>((resolve) => (waiting = resolve))
    const second = lease(await startRun([1]), 1, {
      waitMs: 30_000,
      onWait: (holders) => {
        calls.push(holders)
        waiting()
      },
    })
    await waits
    await taken.release()
    expect(leases(await second)).toHaveLength(1)
    expect(calls).toEqual([[expect.stringMatching(/^1: run run-/)]])
  })

  test('refuses after the wait, naming the holders, and when the wait is cancelled', async () => {
    await granted(await startRun([1]))
    const run = await startRun([1])
    expect(await lease(run, 1, { waitMs: 300 })).toMatchObject({
      kind: 'refused',
      cause: { code: 'redis-no-free-database', message: expect.stringMatching(/waited 0\.3 s.*1: run run-/) },
    })
    const stop = new AbortController()
    const cancelled = lease(run, 1, { waitMs: 60_000, signal: stop.signal, onWait: () => stop.abort() })
    expect(await cancelled).toMatchObject({ kind: 'refused', cause: { message: expect.stringContaining('cancelled') } })
  })

  test('knows its scripts again after SCRIPT FLUSH, and leaves the database of the connection alone', async () => {
    const [lease] = await granted(await startRun())
    await lease.open()
    await admin.script('FLUSH')
    expect(await lease.clean()).toMatchObject({ kind: 'ok', leftovers: { keys: 0 } })
    await admin.script('FLUSH')
    expect(await lease.open()).toEqual({ kind: 'ok' })
    const connections = String(await admin.client('LIST')).split('\n')
    const ours = connections.filter((line) => line.includes(' name=tiershard '))
    expect(ours.length).toBeGreaterThan(0)
    for (const line of ours) expect(line).toContain(' db=0 ')
  })

  test('a full server stops a file before it starts, and does not keep a file from being cleaned or a lease alive', async () => {
    const [full, other] = await granted(await startRun(), 2)
    await full.open()
    const redis = at(full.database)
    await redis.set('big', 'x'.repeat(1_000_000))
    await admin.config('SET', 'maxmemory', '1')
    try {
      await expect(redis.set('more', 1)).rejects.toThrow('OOM')
      expect(await other.open()).toMatchObject({ kind: 'trouble', cause: { code: 'redis-out-of-memory' } })
      expect(await full.clean()).toMatchObject({ kind: 'ok', leftovers: { keys: 1 } })
      expect(await full.open()).toMatchObject({ kind: 'trouble', cause: { code: 'redis-out-of-memory' } })
    } finally {
      await admin.config('SET', 'maxmemory', '0')
    }
    expect(await full.open()).toEqual({ kind: 'ok' })
  })
})

let runNumber = 0

function lease(
  run: RedisServer,
  count: number,
  more: Partial<Parameters<RedisServer['lease']>[0]> = {},
): Promise<Grant> {
  runNumber++
  const { signal } = new AbortController()
  return run.lease({ count, run: `run-${runNumber}`, waitMs: 0, onWait: () => {}, signal, ...more })
}

function leases(grant: Grant): readonly Lease[] {
  if (grant.kind === 'refused') throw new Error(grant.cause.message)
  return grant.leases
}

/** As many leases as asked for, not fewer. */
async function granted(run: RedisServer, count = 1): Promise<[Lease, Lease]> {
  const all = leases(await lease(run, count))
  expect(all).toHaveLength(count)
  return all as unknown as [Lease, Lease]
}
