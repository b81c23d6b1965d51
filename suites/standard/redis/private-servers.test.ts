import { expect, test } from 'vitest'
import type { SourceRequest } from '../../../src/core/settings.ts'
import { openOwnServers } from '../../../src/redis/index.ts'
import { settingsFor } from '../../support/redis/servers.ts'

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
