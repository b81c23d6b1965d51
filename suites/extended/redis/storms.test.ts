import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import type { Lease } from '../../../src/core/ports.ts'
import { client, leaseOf, serverAt, skipNative, startEmbeddedServer, startNative } from '../../support/redis/servers.ts'

describe.each([
  { name: 'embedded', start: startEmbeddedServer, skip: false },
  { name: 'native', start: () => startNative(), skip: skipNative },
])('$name', ({ start, skip }) => {
  test.skipIf(skip)(
    '60 clients x 5 rounds over 14 databases: no database has two holders',
    { timeout: 300_000 },
    async () => {
      const server = await start()
      const databases = Array.from({ length: 14 }, (_, index) => index + 1)
      const runs = await Promise.all(Array.from({ length: 60 }, () => serverAt(server.url, { databases })))
      const holders = new Map<number, number>()
      const fences = new Map<number, number[]>()
      let strangers = 0
      let grants = 0
      await Promise.all(
        runs.map(async (run, id) => {
          for (let round = 0; round < 5; round++) {
            const lease = await leaseOf(run, { run: `run-${id}`, waitMs: 250_000 })
            expect(holders.get(lease.database)).toBeUndefined()
            holders.set(lease.database, id)
            fences.set(lease.database, [...(fences.get(lease.database) ?? []), lease.fence])
            strangers += await useDatabase(lease, id)
            holders.delete(lease.database)
            await lease.release()
            grants++
          }
        }),
      )
      expect(grants).toBe(300)
      expect(strangers).toBe(0)
      for (const list of fences.values()) {
        expect(list).toEqual([...new Set(list)].toSorted((a, b) => a - b))
      }
      await Promise.all(runs.map((run) => run.close()))
      const redis = client(server)
      expect(await redis.keys('*')).toEqual(['tiershard:fences'])
      expect(await redis.info('keyspace')).not.toContain('db1:')
      redis.disconnect()
      await server.stop()
    },
  )

  test.skipIf(skip)(
    'a million keys are flushed, and a neighbour keeps its heartbeat',
    { timeout: 300_000 },
    async () => {
      const server = await start()
      const run = await serverAt(server.url)
      const { signal } = new AbortController()
      const grant = await run.lease({ count: 2, run: 'r', waitMs: 0, onWait: () => {}, signal })
      if (grant.kind === 'refused') throw new Error(grant.cause.message)
      const [big, neighbour] = grant.leases as unknown as [Lease, Lease]
      await big.open()
      await neighbour.open()
      const redis = new Redis(big.connection.url)
      // In pieces: one script of 10 s, as a busy machine makes of it, would keep the heartbeat from its answer.
      for (let from = 1; from < 1_000_000; from += 100_000) {
        await redis.eval("for i = ARGV[1], ARGV[1] + 99999 do redis.call('SET', i, i) end", 0, from)
      }
      const [cleaned, other] = await Promise.all([big.clean(), neighbour.clean()])
      expect(cleaned).toMatchObject({ kind: 'ok', leftovers: { keys: 1_000_000 } })
      expect(other).toMatchObject({ kind: 'ok' })
      expect(await big.open()).toEqual({ kind: 'ok' })
      expect(await redis.dbsize()).toBe(0)
      redis.disconnect()
      await run.close()
      await server.stop()
    },
  )
})

/** Keys of others that were found in the database. */
async function useDatabase(lease: Lease, id: number): Promise<number> {
  expect(await lease.open()).toEqual({ kind: 'ok' })
  const redis = new Redis(lease.connection.url, { retryStrategy: () => null })
  const before = await redis.dbsize()
  await redis.mset(Object.fromEntries(Array.from({ length: 20 }, (_, key) => [`${id}:${key}`, id])))
  const keys = await redis.keys('*')
  await redis.quit()
  expect(await lease.clean()).toMatchObject({ kind: 'ok', leftovers: { keys: 20 } })
  return before + keys.filter((key) => !key.startsWith(`${id}:`)).length
}
