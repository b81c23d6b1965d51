import { once } from 'node:events'
import { connect } from 'node:net'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { RedisServer } from '../../../src/core/ports.ts'
import { resolveRedis } from '../../../src/redis/index.ts'
import { client, leaseOf, serverAt, settingsFor, skipNative, startEmbeddedServer } from '../../support/redis/servers.ts'

/** The checks that a look at the server warns of. */
async function warnedOf(server: RedisServer): Promise<string[]> {
  const pulse = await server.pulse()
  if (!pulse.ok) throw new Error(pulse.cause.message)
  return pulse.warnings.flatMap((found) => (found.severity === 'warning' ? [`${found.check}: ${found.evidence}`] : []))
}

describe.each([
  { kind: 'embedded' as const, skip: false },
  { kind: 'local' as const, skip: skipNative },
])('a server that the run started ($kind)', ({ kind, skip }) => {
  test.skipIf(skip)('tells of tests that work past their leases, once', async () => {
    const settings = { ...settingsFor(''), source: { kind } } as const
    const resolved = await resolveRedis(settings, process.env, new AbortController().signal)
    if (!resolved.ok) throw new Error(resolved.cause.message)
    const { server } = resolved
    onTestFinished(() => server.close())
    const lease = await leaseOf(server)
    await lease.open()
    const inside = new Redis(lease.connection.url)
    onTestFinished(() => inside.disconnect())
    await inside.set('k', 'v')
    expect(await warnedOf(server)).toEqual([])

    // One that has not said yet who it is may be a shard's.
    const silent = connect(lease.connection)
    onTestFinished(() => void silent.destroy())
    await once(silent, 'connect')
    expect(await warnedOf(server)).toEqual([])

    const outside = client(lease.connection)
    onTestFinished(() => outside.disconnect())
    await outside.set('k', 'v')
    expect(await warnedOf(server)).toEqual([
      expect.stringMatching(
        /^outsiders: a connection works past every lease, logged in as the default user: .*last command set$/,
      ),
    ])
    expect(await warnedOf(server)).toEqual([])
  })
})

test('on a server of somebody else nobody is told of', async () => {
  const server = await startEmbeddedServer()
  onTestFinished(() => server.stop())
  const run = await serverAt(server.url)
  onTestFinished(() => run.close())
  const other = client(server)
  onTestFinished(() => other.disconnect())
  await other.set('k', 'v')
  expect(await warnedOf(run)).toEqual([])
})
