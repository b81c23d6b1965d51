import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cause } from '../../../src/core/ending.ts'
import type { RedisServer } from '../../../src/core/ports.ts'
import type { TlsSettings } from '../../../src/core/settings.ts'
import { addressOf } from '../../../src/redis/address.ts'
import { throughRouter } from '../../../src/redis/cluster.ts'
import { resolveRedis } from '../../../src/redis/index.ts'
import { serve } from '../../../src/redis/server.ts'
import { readTls } from '../../../src/redis/tls.ts'
import { skipRouter, startRouter } from '../../support/redis/router.ts'
import { certificate, startTls } from '../../support/redis/secure.ts'
import { leaseOf, settingsFor, skipNative, startNative } from '../../support/redis/servers.ts'

const { signal } = new AbortController()
const cleanups: (() => unknown)[] = []
let port = 0

const FILES = { ca: certificate('ca.pem'), cert: certificate('client.pem'), key: certificate('client.key') }

/** A TLS Redis and a plain one behind the same router. */
beforeAll(async () => {
  if (skipRouter || skipNative) return
  const secure = await startTls('server')
  const plain = await startNative()
  cleanups.push(secure.stop, () => plain.stop())
  const router = await startRouter({ 'redis.example.test': secure.port, localhost: plain.port })
  cleanups.push(() => router.stop())
  port = router.port
})
afterAll(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
})

/** A Route, on the port of this test's router instead of 443. */
async function route(servername?: string, files: TlsSettings = FILES, through = port): Promise<RedisServer | Cause> {
  const read = await readTls(servername === undefined ? files : { ...files, servername })
  if (!read.ok) throw new Error(read.cause.message)
  const address = {
    ...addressOf({ host: 'localhost', port: through, tls: true }),
    secure: read.tls,
    explain: throughRouter,
  }
  const origin = { source: 'route', reason: 'a test', control: null } as const
  const served = await serve(address, origin, settingsFor(''), signal, null)
  if (!served.ok) return served.cause
  cleanups.push(() => served.server.close())
  return served.server
}

const advice = expect.stringContaining('A plain Redis cannot pass')

test.skipIf(skipRouter || skipNative)('a passthrough Route to a Redis with TLS carries leases', async () => {
  const server = await route('redis.example.test')
  expect(await (await leaseOf(server)).open()).toEqual({ kind: 'ok' })
  expect(server).toMatchObject({ facts: { source: 'route' } })
})

test.skipIf(skipRouter || skipNative)('a plain Redis behind the router, and a router that opens the TLS', async () => {
  expect(await route()).toMatchObject({ code: 'route-without-tls', remedy: advice })
  const edge = await startRouter({})
  cleanups.push(() => edge.stop())
  expect(await route(undefined, FILES, edge.port)).toMatchObject({ code: 'route-without-tls', remedy: advice })
})

test.skipIf(skipRouter || skipNative)('a certificate that is not trusted is named as such', async () => {
  expect(await route('redis.example.test', {})).toMatchObject({
    code: 'redis-certificate',
    message: expect.stringContaining('not known here'),
    remedy: expect.stringMatching(/redis\.tls\.ca .*termination: passthrough/),
  })
  // The router opens the TLS, with a certificate of its own.
  expect(await route('edge.example.test')).toMatchObject({
    code: 'redis-certificate',
    message: expect.stringContaining('is for another name'),
    remedy: expect.stringContaining('termination: passthrough'),
  })
})

test('the host of a Route from the environment', async () => {
  const settings = { ...settingsFor(''), source: { kind: 'auto' } } as const
  for (const host of ['', 'https://redis.example.test', 'redis.example.test:443']) {
    const resolved = await resolveRedis(settings, { REDIS_ROUTE_HOST: host }, signal)
    expect(resolved).toMatchObject({ ok: false, cause: { message: 'REDIS_ROUTE_HOST is not a host name.' } })
  }
  // Not there: the answer is that, and not another source.
  const host = 'redis.nowhere.invalid'
  expect(await resolveRedis(settings, { REDIS_ROUTE_HOST: host, PATH: process.env['PATH'] }, signal)).toMatchObject({
    ok: false,
    cause: { code: 'redis-unreachable', message: expect.stringContaining(`rediss://${host}:443`) },
  })
})
