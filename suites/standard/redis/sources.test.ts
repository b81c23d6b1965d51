import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CauseCode } from '../../../src/core/ending.ts'
import type { Resolved } from '../../../src/core/ports.ts'
import type { RedisSettings } from '../../../src/core/settings.ts'
import { resolveRedis } from '../../../src/redis/index.ts'
import {
  client,
  leaseOf,
  settingsFor,
  skipNative,
  startEmbeddedServer,
  startNative,
} from '../../support/redis/servers.ts'

const AUTO: RedisSettings = { source: { kind: 'auto' }, control: null, databases: null, waitMs: 0, patienceMs: 0 }
const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function resolve(settings: RedisSettings, env: NodeJS.ProcessEnv = {}): Promise<Resolved> {
  const resolved = await resolveRedis(settings, env, new AbortController().signal)
  if (resolved.ok) cleanups.push(() => resolved.server.close())
  return resolved
}

async function native(...options: string[]) {
  const server = await startNative(options)
  cleanups.push(() => server.stop())
  return server
}

async function listening(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => server.close())
  return (server.address() as net.AddressInfo).port
}

function refusal(resolved: Resolved): { code: CauseCode; message: string; remedy: string } {
  if (resolved.ok) throw new Error('the server was accepted')
  expect(resolved.cause.remedy).not.toBe('')
  expect(JSON.stringify(resolved.cause)).not.toContain('sesame')
  return resolved.cause
}

describe('auto', () => {
  test('uses REDIS_URL when it is set, with the database of the URL for the leases', async () => {
    const server = await startEmbeddedServer()
    cleanups.push(() => server.stop())
    expect(await resolve(AUTO, { REDIS_URL: `${server.url}/3` })).toMatchObject({
      ok: true,
      server: {
        facts: {
          source: 'url',
          reason: 'REDIS_URL is set',
          address: server.url,
          product: 'valkey',
          databases: 16,
          control: 3,
        },
      },
    })
  })

  test('never goes on to another source when REDIS_URL does not answer', async () => {
    const cause = refusal(await resolve(AUTO, { REDIS_URL: 'redis://:sesame@127.0.0.1:1', PATH: process.env['PATH'] }))
    expect(cause).toMatchObject({
      code: 'redis-unreachable',
      message: expect.stringContaining('redis://127.0.0.1:1'),
    })
  })

  test.each(['', 'http://:sesame@127.0.0.1', 'localhost:6379'])('takes REDIS_URL=%j for an error', async (url) => {
    expect(refusal(await resolve(AUTO, { REDIS_URL: url }))).toMatchObject({
      message: expect.stringMatching(/^REDIS_URL (is|has) /),
    })
  })

  test('starts the embedded server when there is no URL and nothing on PATH', async () => {
    expect(await resolve(AUTO, { PATH: '/nonexistent' })).toMatchObject({
      ok: true,
      server: { facts: { source: 'embedded', product: 'valkey', reason: expect.stringContaining('no valkey-server') } },
    })
  })

  test.skipIf(skipNative)('starts a native server when there is no URL and one on PATH', async () => {
    expect(await resolve(AUTO, { PATH: process.env['PATH'] })).toMatchObject({
      ok: true,
      server: {
        facts: { source: 'local', databases: 64, reason: expect.stringMatching(/^REDIS_URL is not set: started \//) },
      },
    })
  })
})

describe('local', () => {
  const LOCAL: RedisSettings = { ...AUTO, source: { kind: 'local' } }
  let bin = ''

  beforeEach(async () => {
    bin = await mkdtemp(path.join(os.tmpdir(), 'tiershard-test-bin-'))
    cleanups.push(() => rm(bin, { recursive: true }))
  })

  test('fails where there is no native server, and starts no other', async () => {
    expect(refusal(await resolve(LOCAL, { PATH: bin }))).toMatchObject({
      code: 'redis-start-failed',
      message: expect.stringContaining('PATH'),
      remedy: expect.stringContaining('apt install redis-server'),
    })
  })

  test('says what the server said when it does not start, also for auto', async () => {
    const program = path.join(bin, 'redis-server')
    await writeFile(program, '#!/bin/sh\necho "no such option" >&2\nexit 3\n')
    await chmod(program, 0o755)
    for (const settings of [LOCAL, AUTO]) {
      expect(refusal(await resolve(settings, { PATH: bin }))).toMatchObject({
        code: 'redis-start-failed',
        message: expect.stringMatching(/exit code 3 \(no such option\)/),
      })
    }
  })

  test('tries another port when the first one was taken in the meantime, and gives up with the right cause', async () => {
    const program = path.join(bin, 'redis-server')
    const tries = path.join(bin, 'tries')
    await writeFile(program, `#!/bin/sh\necho "$2" >> "${tries}"\necho "bind: Address already in use"\nexit 1\n`)
    await chmod(program, 0o755)
    expect(refusal(await resolve(LOCAL, { PATH: bin }))).toMatchObject({ code: 'port-taken' })
    expect((await readFile(tries, 'utf8')).trim().split('\n')).toHaveLength(5)
  })
})

describe('a server that is not fit', () => {
  test('one that accepts and never answers: plain, and with TLS', async () => {
    const sockets = new Set<net.Socket>()
    const port = await listening(net.createServer((socket) => sockets.add(socket.on('error', () => {}))))
    cleanups.push(() => sockets.forEach((socket) => socket.destroy()))
    const urls = [`redis://127.0.0.1:${port}`, `rediss://127.0.0.1:${port}`]
    const [plain, secure] = await Promise.all(urls.map(async (url) => refusal(await resolve(settingsFor(url)))))
    expect(plain).toMatchObject({
      code: 'redis-timeout',
      message: expect.stringContaining('did not answer within 5 s'),
    })
    expect(secure).toMatchObject({ code: 'redis-timeout', remedy: expect.stringContaining('redis://') })
  })

  test('one that closes at once', async () => {
    const port = await listening(net.createServer((socket) => socket.destroy()))
    expect(refusal(await resolve(settingsFor(`redis://127.0.0.1:${port}`)))).toMatchObject({ code: 'redis-not-redis' })
  })

  test('an HTTP server', async () => {
    const port = await listening(http.createServer((_, response) => response.end('hello')))
    expect(refusal(await resolve(settingsFor(`redis://127.0.0.1:${port}`)))).toMatchObject({
      code: 'redis-not-redis',
      message: expect.stringContaining('speaks HTTP'),
    })
  })

  test('a port with TLS, and what TLS is told of the host', async () => {
    const names: string[] = []
    const server = tls.createServer({
      SNICallback: (name, callback) => {
        names.push(name)
        callback(null)
      },
    })
    server.on('tlsClientError', () => {})
    const port = await listening(server)
    expect(refusal(await resolve(settingsFor(`redis://127.0.0.1:${port}`)))).toMatchObject({
      code: 'redis-tls',
      remedy: expect.stringContaining('rediss://'),
    })
    expect(refusal(await resolve(settingsFor(`rediss://localhost:${port}`)))).toMatchObject({ code: 'redis-not-redis' })
    expect(new Set(names)).toEqual(new Set(['localhost']))
  })

  test.skipIf(skipNative)('one with a password: missing, wrong, right', async () => {
    const server = await native('--requirepass', 'open sesame')
    expect(refusal(await resolve(settingsFor(server.url)))).toMatchObject({
      code: 'redis-auth',
      message: expect.stringContaining('wants a password'),
    })
    const at = `127.0.0.1:${server.port}`
    expect(refusal(await resolve(settingsFor(`redis://:wrong-sesame@${at}`)))).toMatchObject({
      code: 'redis-auth',
      message: expect.stringContaining('does not accept'),
    })
    expect(refusal(await resolve(settingsFor(`redis://nobody:sesame@${at}`)))).toMatchObject({ code: 'redis-auth' })

    const resolved = await resolve(settingsFor(`redis://:open%20sesame@${at}/2`))
    if (!resolved.ok) throw new Error(resolved.cause.message)
    expect(JSON.stringify(resolved.server.facts)).not.toContain('sesame')
    const lease = await leaseOf(resolved.server)
    await lease.open()
    const redis = new Redis(lease.connection.url)
    cleanups.push(() => redis.disconnect())
    await redis.set('k', 'v')
    expect(await lease.clean()).toMatchObject({ kind: 'ok', leftovers: { keys: 1 } })
  })

  test.skipIf(skipNative)('a node of a cluster', async () => {
    const server = await native('--cluster-enabled', 'yes')
    expect(refusal(await resolve(settingsFor(server.url)))).toMatchObject({ code: 'redis-cluster' })
  })

  test.skipIf(skipNative)('one database, two databases, and databases that it does not have', async () => {
    const one = await native('--databases', '1')
    expect(refusal(await resolve(settingsFor(one.url)))).toMatchObject({ code: 'redis-too-few-databases' })
    const two = await native('--databases', '2')
    expect(await resolve(settingsFor(two.url))).toMatchObject({ ok: true, server: { facts: { databases: 2 } } })
    expect(await resolve(settingsFor(`${two.url}/1`))).toMatchObject({ ok: true, server: { facts: { control: 1 } } })
    for (const settings of [
      settingsFor(`${two.url}/2`),
      settingsFor(two.url, { control: 99 }),
      settingsFor(two.url, { databases: [1, 2] }),
      settingsFor(two.url, { databases: [0] }),
    ]) {
      expect(refusal(await resolve(settings))).toMatchObject({ code: 'redis-too-few-databases' })
    }
    const redis = client(two)
    cleanups.push(() => redis.disconnect())
    expect(await redis.dbsize()).toBe(0)
  })

  test.skipIf(skipNative)('a replica', async () => {
    const master = await native()
    const replica = await native('--replicaof', '127.0.0.1', String(master.port))
    const cause = refusal(await resolve(settingsFor(replica.url)))
    expect(cause).toMatchObject({ code: 'redis-read-only', message: expect.stringContaining(replica.url) })
    expect(cause.message).toContain(`follows the master at 127.0.0.1:${master.port}`)
  })

  test.skipIf(skipNative)('a full one', async () => {
    const server = await native('--maxmemory', '1', '--maxmemory-policy', 'noeviction')
    expect(refusal(await resolve(settingsFor(server.url)))).toMatchObject({ code: 'redis-out-of-memory' })
  })

  test.skipIf(skipNative)('a user that may not run scripts', async () => {
    const server = await native()
    const redis = client(server)
    cleanups.push(() => redis.disconnect())
    await redis.acl('SETUSER', 'weak', 'on', '>sesame', '~*', '&*', '+@all', '-@scripting')
    const cause = refusal(await resolve(settingsFor(`redis://weak:sesame@127.0.0.1:${server.port}`)))
    expect(cause).toMatchObject({ code: 'redis-denied' })
  })

  test.skipIf(skipNative)('one that is loading its data is waited for', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tiershard-test-load-'))
    cleanups.push(() => rm(folder, { recursive: true }))
    const before = await native('--dir', folder)
    const redis = client(before)
    await redis.mset(Object.fromEntries(Array.from({ length: 300 }, (_, key) => [`key:${key}`, 'v'])))
    await redis.save()
    redis.disconnect()
    await before.stop()
    const after = await startNative(['--dir', folder, '--key-load-delay', '5000'], { until: 'Loading RDB' })
    cleanups.push(() => after.stop())
    expect(await resolve(settingsFor(after.url, { control: 1 }))).toMatchObject({ ok: true })
  })
})
