import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import type { Cause } from '../../../src/core/ending.ts'
import type { Lease, RedisServer } from '../../../src/core/ports.ts'
import type { TlsSettings } from '../../../src/core/settings.ts'
import { resolveRedis } from '../../../src/redis/index.ts'
import { certificate, startTls } from '../../support/redis/secure.ts'
import { leaseOf, settingsFor, skipNative, startNative } from '../../support/redis/servers.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

const ca = certificate('ca.pem')
const mine = { cert: certificate('client.pem'), key: certificate('client.key') }
const { signal } = new AbortController()

async function resolve(url: string, tls?: TlsSettings): Promise<RedisServer | Cause> {
  const settings = settingsFor(url, tls === undefined ? {} : { tls })
  const resolved = await resolveRedis(settings, {}, signal)
  if (!resolved.ok) return resolved.cause
  cleanups.push(() => resolved.server.close())
  return resolved.server
}

async function leased(server: RedisServer | Cause): Promise<Lease> {
  const lease = await leaseOf(server)
  await lease.open()
  return lease
}

describe.skipIf(skipNative)('TLS', () => {
  test('an authority of the config: leases work, and tests get what they need', async () => {
    const { url, stop } = await startTls('server')
    cleanups.push(stop)
    const lease = await leased(await resolve(url, { ca, ...mine }))
    const { username, password, tls } = lease.connection
    expect(tls).toEqual({ ca, ...mine })
    expect(username).toBe(`tiershard-${lease.database}-${lease.fence}`)
    const login = `rediss://${username}:${password}@`
    expect(lease.connection.url).toBe(`${url.replace('rediss://', login)}/${lease.database}`)
    expect(await lease.clean()).toEqual({ kind: 'ok', leftovers: { keys: 0 } })
  })

  test('a name that is not the host of the URL', async () => {
    const { port, stop } = await startTls('server')
    cleanups.push(stop)
    const url = `rediss://localhost:${port}`
    expect(await resolve(url, { ca, ...mine, servername: 'redis.example.test' })).toMatchObject({ facts: {} })
    expect(await resolve(url, { ca, ...mine, servername: 'other.example.test' })).toMatchObject({
      code: 'redis-certificate',
      message: expect.stringContaining('is for another name'),
      remedy: expect.stringContaining('redis.tls.servername'),
    })
  })

  test('certificates: unknown authority, expired, a client without one', async () => {
    const server = await startTls('server')
    const expired = await startTls('expired')
    cleanups.push(server.stop, expired.stop)
    expect(await resolve(server.url)).toMatchObject({
      code: 'redis-certificate',
      message: expect.stringContaining('not known here'),
      remedy: expect.stringContaining('redis.tls.ca'),
    })
    expect(await resolve(expired.url, { ca, ...mine })).toMatchObject({
      code: 'redis-certificate',
      message: expect.stringContaining('has expired'),
    })
    expect(await resolve(server.url, { ca })).toMatchObject({
      code: 'redis-certificate',
      remedy: expect.stringContaining('redis.tls.cert'),
    })
  })

  test('a client certificate that has expired', async () => {
    const server = await startTls('server')
    cleanups.push(server.stop)
    const old = { cert: certificate('expired.pem'), key: certificate('expired.key') }
    expect(await resolve(server.url, { ca, ...old })).toMatchObject({
      code: 'redis-certificate',
      message: expect.stringContaining('refuses our certificate'),
      remedy: expect.stringContaining('redis.tls.cert'),
    })
  })

  test('the wrong scheme, both ways', async () => {
    const secure = await startTls('server')
    const plain = await startNative()
    cleanups.push(secure.stop, () => plain.stop())
    expect(await resolve(`redis://localhost:${secure.port}`)).toMatchObject({
      code: 'redis-tls',
      message: expect.stringContaining('speaks TLS'),
      remedy: expect.stringContaining('rediss://'),
    })
    expect(await resolve(`rediss://127.0.0.1:${plain.port}`, { ca })).toMatchObject({
      code: 'redis-tls',
      message: expect.stringContaining('speaks plain Redis'),
    })
    expect(await resolve(plain.url, { ca })).toMatchObject({
      code: 'redis-tls',
      message: expect.stringContaining('without TLS'),
    })
  })

  test('files that cannot be used are named before anything is dialled', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tiershard-test-tls-'))
    cleanups.push(() => rm(folder, { recursive: true }))
    const text = path.join(folder, 'text.pem')
    await writeFile(text, 'hello')
    const url = 'rediss://127.0.0.1:1'
    expect(await resolve(url, { ca: path.join(folder, 'none.pem') })).toMatchObject({
      code: 'redis-certificate',
      message: expect.stringMatching(/redis\.tls\.ca .*there is no such file/),
    })
    expect(await resolve(url, { ca, cert: text, key: mine.key })).toMatchObject({
      message: expect.stringContaining('redis.tls.cert'),
    })
    expect(await resolve(url, { ca, cert: mine.cert, key: certificate('server.key') })).toMatchObject({
      message: expect.stringContaining('redis.tls.key'),
    })
  })
})

test('a server that sends its certificate without that of the authority, which is not known here', async () => {
  const key = await readFile(certificate('server.key'))
  const server = tls.createServer({ cert: await readFile(certificate('server.pem')), key }, () => {})
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
  cleanups.push(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  expect(await resolve(`rediss://localhost:${port}`)).toMatchObject({
    code: 'redis-certificate',
    message: expect.stringContaining('not known here'),
  })
})

describe.skipIf(skipNative)('a unix socket', () => {
  test('leases and the URL that tests get', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tiershard-test-socket-'))
    const socket = path.join(folder, 'redis.sock')
    const server = await startNative(['--unixsocket', socket, '--requirepass', 'open sesame'])
    cleanups.push(
      () => rm(folder, { recursive: true, force: true }),
      () => server.stop(),
    )
    const lease = await leased(await resolve(`unix://${socket}?password=open%20sesame`))
    const { url, username, password } = lease.connection
    expect(lease.connection).toMatchObject({ socket, username: `tiershard-${lease.database}-${lease.fence}` })
    expect(url).toBe(`${socket}?db=${lease.database}&username=${username}&password=${password}`)
    const redis = new Redis(url)
    cleanups.push(() => redis.disconnect())
    await redis.set('k', 'v')
    expect(await lease.clean()).toMatchObject({ kind: 'ok', leftovers: { keys: 1 } })
  })

  test('one that is not there', async () => {
    expect(await resolve('unix:///nonexistent/redis.sock')).toMatchObject({
      code: 'redis-unreachable',
      message: expect.stringContaining('unix:///nonexistent/redis.sock'),
    })
  })
})

test.skipIf(skipNative)('the port of a Sentinel', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tiershard-test-sentinel-'))
  const config = path.join(folder, 'sentinel.conf')
  await writeFile(config, '')
  const sentinel = await startNative([], { config, until: 'Sentinel ID' })
  cleanups.push(
    () => rm(folder, { recursive: true, force: true }),
    () => sentinel.stop(),
  )
  expect(await resolve(sentinel.url)).toMatchObject({
    code: 'redis-sentinel-port',
    remedy: expect.stringContaining('6379'),
  })
})
