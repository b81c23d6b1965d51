import { expect, test } from 'vitest'
import type { SourceRequest } from '../../../src/core/settings.ts'
import { openOwnServers } from '../../../src/redis/index.ts'
import { addressOf } from '../../../src/redis/address.ts'
import { AdminConnection } from '../../../src/redis/connection.ts'
import { client, settingsFor } from '../../support/redis/servers.ts'

const SOURCES: readonly SourceRequest[] = [
  { kind: 'auto' },
  { kind: 'url', url: 'redis+sentinel://127.0.0.1:1/mymaster', from: 'config' },
  { kind: 'url', url: 'unix:///nonexistent/redis.sock', from: '--redis' },
  { kind: 'route' },
  { kind: 'loadbalancer' },
  { kind: 'nodeport' },
  { kind: 'port-forward' },
]

test('servers of its own are started here, wherever the Redis of the other suites is', async () => {
  for (const source of SOURCES) {
    const opened = await openOwnServers({ ...settingsFor(''), source }, { PATH: '/nonexistent' })
    if (!opened.ok) throw new Error(opened.cause.message)
    expect(opened.servers.facts).toMatchObject({
      source: 'embedded',
      reason: 'a suite wants servers of its own: the embedded Valkey',
    })
    await opened.servers.close()
  }
})

test('a server that was asked for by name says so', async () => {
  const settings = { ...settingsFor(''), source: { kind: 'embedded' } } as const
  const opened = await openOwnServers(settings, { PATH: '/nonexistent' })
  expect(opened).toMatchObject({
    ok: true,
    servers: { facts: { reason: 'embedded was asked for: the embedded Valkey' } },
  })
})

test('a server that a file has hung is not waited for', { timeout: 60_000 }, async ({ onTestFinished }) => {
  const settings = { ...settingsFor(''), source: { kind: 'embedded' } } as const
  const opened = await openOwnServers(settings, {})
  if (!opened.ok) throw new Error(opened.cause.message)
  onTestFinished(() => opened.servers.close())
  const lease = opened.servers.at(0, 'free')
  expect(await lease.open()).toEqual({ kind: 'ok' })
  const { port } = lease.connection
  const redis = client({ port })
  onTestFinished(() => redis.disconnect())
  await redis.set('k', 1)
  const hung = redis.eval('while true do end', 0).catch((error: Error) => error.message)
  // Who takes the usual time to connect sees the server end before that time is over.
  const rival = AdminConnection.open(addressOf({ host: '127.0.0.1', port }), new AbortController().signal)
  expect(await lease.clean()).toEqual({ kind: 'ok', leftovers: { keys: 0 } })
  expect(await rival).toMatchObject({ ok: false, cause: { code: 'redis-not-redis' } })
  expect(await hung).toContain('closed')
})
