import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Cause } from '../../../src/core/ending.ts'
import type { Lease, RedisServer } from '../../../src/core/ports.ts'
import { consult, openAdmin, resolveRedis } from '../../../src/redis/index.ts'
import { client, freePort, leaseOf, settingsFor, type TestServer } from '../../support/redis/servers.ts'
import { startReplicated, type Replicated } from '../../support/redis/sentinels.ts'

const { signal } = new AbortController()
const cleanups: (() => unknown)[] = []
let group: Replicated

beforeEach(async () => {
  group = await startReplicated()
  cleanups.push(() => group.stop())
}, 90_000)
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function resolve(url: string): Promise<RedisServer | Cause> {
  const resolved = await resolveRedis(settingsFor(url), {}, signal)
  if (!resolved.ok) return resolved.cause
  cleanups.push(() => resolved.server.close())
  return resolved.server
}

/** Sends a command to a server of the test. */
async function tell(server: TestServer, ...command: [string, ...string[]]): Promise<unknown> {
  const redis = client(server)
  try {
    return await redis.call(...command)
  } finally {
    redis.disconnect()
  }
}

/** Opens the lease again and again, as a run does between files, until the server takes it. */
async function reopened(
  lease: Lease,
  limitMs: number,
): Promise<{ outcome: Awaited<ReturnType<Lease['open']>>; ms: number }> {
  const startedAt = performance.now()
  for (;;) {
    const outcome = await lease.open()
    const ms = performance.now() - startedAt
    if (outcome.kind !== 'trouble' || ms > limitMs) return { outcome, ms }
    await sleep(100)
  }
}

test.each(['SIGKILL', 'SIGSTOP'] as const)(
  'a master that ends by %s: the lease goes on on its successor, and the next file gets its address',
  async (how) => {
    const [master] = group.servers as [TestServer]
    const lease = await leaseOf(await resolve(`${group.url}/0`))
    const hosts = group.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')
    expect(lease.connection).toMatchObject({ port: master.port, sentinel: { nodes: hosts, master: 'mymaster' } })
    expect(await lease.open()).toEqual({ kind: 'ok' })

    process.kill(master.pid!, how)
    // In the middle of the file: the user of the lease is there again as soon as the run has found the new master.
    const { username, password } = lease.connection
    await vi.waitFor(async () => {
      const { port } = lease.connection
      expect(port).not.toBe(master.port)
      const inside = new Redis({
        port,
        username: username!,
        password: password!,
        db: lease.database,
        lazyConnect: true,
      })
      inside.on('error', () => {})
      try {
        await inside.connect()
        expect(await inside.call('ACL', 'WHOAMI')).toBe(username)
      } finally {
        inside.disconnect()
      }
    }, 60_000)
    const { outcome } = await reopened(lease, 60_000)
    expect(outcome).toEqual({ kind: 'ok' })
    expect(group.servers.slice(1).map(({ port }) => port)).toContain(lease.connection.port)
    const redis = new Redis(lease.connection.url)
    cleanups.push(() => redis.disconnect())
    await redis.set('k', 'v')
    expect(await lease.clean()).toMatchObject({ kind: 'ok', leftovers: { keys: 1 } })
  },
  120_000,
)

test('the doctor and `redis status` look at the master that the Sentinels name', async () => {
  const [master] = group.servers as [TestServer]
  const { address, facts, findings } = await consult(settingsFor(group.url), {}, signal)
  expect(address).toBe(master.url)
  expect(facts).toMatchObject({ source: 'sentinel' })
  expect(findings).toContainEqual({ check: 'role', severity: 'ok', evidence: 'is a master' })
  const opened = await openAdmin(settingsFor(group.url), {})
  if (!opened.ok) throw new Error(opened.cause.message)
  expect(await opened.admin.status()).toMatchObject({ ok: true })
  await opened.admin.close()
}, 60_000)

test('what cannot work is refused with its cause', async () => {
  const [master, replica, other] = group.servers as [TestServer, TestServer, TestServer]
  const elsewhere = await freePort()
  expect(await resolve(group.url.replace('mymaster', 'hermaster'))).toMatchObject({
    code: 'sentinel-unknown-master',
    message: expect.stringContaining('they watch mymaster'),
  })
  expect(await resolve(`redis+sentinel://127.0.0.1:${elsewhere}/mymaster`)).toMatchObject({
    code: 'sentinel-unreachable',
    message: expect.stringContaining('ECONNREFUSED'),
  })
  expect(await resolve(`redis+sentinel://127.0.0.1:${master.port}/mymaster`)).toMatchObject({
    code: 'sentinel-unreachable',
    message: expect.stringContaining('not a Sentinel'),
  })
  expect(await resolve(replica.url)).toMatchObject({
    code: 'redis-read-only',
    message: expect.stringContaining(`follows the master at 127.0.0.1:${master.port}`),
  })

  // A replica that is listed and does not answer: grants cannot be confirmed.
  process.kill(replica.pid!, 'SIGSTOP')
  process.kill(other.pid!, 'SIGSTOP')
  const server = await resolve(group.url)
  if (!('lease' in server)) throw new Error(server.message)
  const grant = await server.lease({ count: 1, run: 'r', waitMs: 0, onWait: () => {}, signal })
  expect(grant).toMatchObject({ kind: 'refused', cause: { code: 'redis-replica-lag' } })
  process.kill(replica.pid!, 'SIGCONT')
  process.kill(other.pid!, 'SIGCONT')

  // Two of three Sentinels gone.
  await Promise.all(group.sentinels.slice(1).map((sentinel) => sentinel.stop()))
  expect(await resolve(group.url)).toMatchObject({
    code: 'sentinel-no-quorum',
    message: expect.stringMatching(/1 of 3 Sentinels answer|NOQUORUM/),
  })
}, 120_000)

test('Sentinels that are cut off from each other and name two masters', async () => {
  const [, replica] = group.servers as [TestServer, TestServer, TestServer]
  const [first, second, third] = group.sentinels as [TestServer, TestServer, TestServer]
  // One forgets what it knew, and is told of another master that says so itself.
  await tell(third, 'SENTINEL', 'REMOVE', 'mymaster')
  await Promise.all([first, second].map((sentinel) => tell(sentinel, 'SENTINEL', 'REMOVE', 'mymaster')))
  await tell(replica, 'REPLICAOF', 'NO', 'ONE')
  await Promise.all(
    [first, second].map((sentinel) =>
      tell(sentinel, 'SENTINEL', 'MONITOR', 'mymaster', '127.0.0.1', String(group.servers[0]!.port), '1'),
    ),
  )
  await tell(third, 'SENTINEL', 'MONITOR', 'mymaster', '127.0.0.1', String(replica.port), '1')
  expect(await resolve(group.url)).toMatchObject({
    code: 'redis-two-masters',
    message: expect.stringContaining(`127.0.0.1:${replica.port}`),
  })
}, 60_000)
