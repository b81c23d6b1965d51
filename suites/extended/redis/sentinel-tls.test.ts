import { Redis } from 'ioredis'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Cause } from '../../../src/core/ending.ts'
import type { Lease, RedisServer } from '../../../src/core/ports.ts'
import type { TlsSettings } from '../../../src/core/settings.ts'
import { resolveRedis } from '../../../src/redis/index.ts'
import { certificate } from '../../support/redis/secure.ts'
import { startReplicated, type Replicated } from '../../support/redis/sentinels.ts'
import { leaseOf, settingsFor, type TestServer } from '../../support/redis/servers.ts'

const { signal } = new AbortController()
const ca = certificate('ca.pem')
const mine = { ca, cert: certificate('client.pem'), key: certificate('client.key') }
const cleanups: (() => unknown)[] = []
let group: Replicated

beforeAll(async () => {
  group = await startReplicated({ tls: true })
  cleanups.push(() => group.stop())
}, 90_000)
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function resolve(url: string, tls?: TlsSettings): Promise<RedisServer | Cause> {
  const settings = settingsFor(url, { patienceMs: 60_000, ...(tls === undefined ? {} : { tls }) })
  const resolved = await resolveRedis(settings, {}, signal)
  if (!resolved.ok) return resolved.cause
  cleanups.push(() => resolved.server.close())
  return resolved.server
}

/** What test code does with the connection that it is given. */
async function worksFor({ connection }: Lease): Promise<void> {
  const files = { ca: readFileSync(ca), cert: readFileSync(mine.cert), key: readFileSync(mine.key) }
  const redis = new Redis(connection.url, { tls: files, retryStrategy: () => null })
  redis.on('error', () => {})
  try {
    expect(await redis.set('k', 'v')).toBe('OK')
  } finally {
    redis.disconnect()
  }
}

test('what does not fit is named: certificates, and TLS where there is none or the reverse', async () => {
  const [master] = group.servers as [TestServer]
  // The server's certificate, the client's, and both kinds of a wrong scheme, for the servers and for the Sentinels.
  expect(await resolve(group.url, {})).toMatchObject({
    code: 'redis-certificate',
    message: expect.stringContaining(`rediss://127.0.0.1:${master.port}`),
    remedy: expect.stringContaining('redis.tls.ca'),
  })
  expect(await resolve(group.url, { ca })).toMatchObject({
    code: 'redis-certificate',
    remedy: expect.stringContaining('redis.tls.cert'),
  })
  expect(await resolve(group.tlsUrl)).toMatchObject({
    code: 'redis-certificate',
    message: expect.stringContaining('rediss+sentinel://127.0.0.1:'),
  })
  expect(await resolve(group.url)).toMatchObject({
    code: 'redis-tls',
    message: expect.stringContaining(`redis://127.0.0.1:${master.port} speaks TLS`),
    remedy: expect.stringContaining('Add redis.tls'),
  })
  expect(await resolve(group.tlsUrl.replace('rediss', 'redis'), mine)).toMatchObject({
    code: 'redis-tls',
    message: expect.stringMatching(/redis\+sentinel:\/\/127\.0\.0\.1:\d+ speaks TLS/),
    remedy: expect.stringContaining('Use rediss+sentinel://'),
  })
  expect(await resolve(group.url.replace('redis', 'rediss'), mine)).toMatchObject({
    code: 'redis-tls',
    message: expect.stringContaining('speaks plain Redis'),
    remedy: expect.stringContaining('Use redis+sentinel://'),
  })
}, 90_000)

test('leases over TLS, with plain Sentinels and with theirs, and they follow the master', async () => {
  const [master] = group.servers as [TestServer]
  const plain = await leaseOf(await resolve(group.url, mine))
  const secure = await leaseOf(await resolve(group.tlsUrl, { ...mine, servername: 'localhost' }))
  for (const lease of [plain, secure]) {
    expect(await lease.open()).toEqual({ kind: 'ok' })
    expect(lease.connection).toMatchObject({ port: master.port, tls: mine, sentinel: { master: 'mymaster' } })
    expect(lease.connection.url).toMatch(/^rediss:/)
    await worksFor(lease)
  }

  process.kill(master.pid!, 'SIGKILL')
  for (const lease of [plain, secure]) {
    await vi.waitFor(
      async () => {
        expect(await lease.open()).toEqual({ kind: 'ok' })
        expect(lease.connection.port).not.toBe(master.port)
      },
      { timeout: 60_000, interval: 100 },
    )
    await worksFor(lease)
    expect(await lease.clean()).toMatchObject({ kind: 'ok', leftovers: { keys: 1 } })
  }
}, 180_000)
