import { describe, expect, onTestFinished, test } from 'vitest'
import { tiershard } from '../../support/cli/binary.ts'
import { fillMemory } from '../../support/redis/memory.ts'
import { client, skipNative, startNative, type TestServer } from '../../support/redis/servers.ts'
import { journalOf, outageProject, summaryOf } from '../../support/run/outage.ts'

async function native(...options: string[]): Promise<TestServer> {
  const server = await startNative(options)
  onTestFinished(() => server.stop())
  return server
}

/** Runs two files on a server that is not fit; none of them may start. */
async function refused(server: TestServer) {
  const cwd = outageProject('60s')
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--tier', 'standard', '--redis', server.url])
  expect(exitCode).toBe(3)
  expect(journalOf(cwd).filter(({ type }) => type === 'file-started')).toEqual([])
  const { counts, causes } = summaryOf(cwd)
  expect(counts).toMatchObject({ failed: 0, notRun: 2 })
  return { stdout, cause: causes[0] }
}

describe.skipIf(skipNative)('the incidents that this was built for, found before the first test', () => {
  test('the address leads to a read-only replica', async () => {
    const master = await native()
    const replica = await native('--replicaof', '127.0.0.1', String(master.port))
    const { stdout, cause } = await refused(replica)
    expect(cause).toMatchObject({ code: 'redis-read-only' })
    expect(stdout).toContain('what to do: Use the address of the master')
  })

  test('the shared server is full', async () => {
    const server = await native('--maxmemory', '24mb')
    const redis = client(server, 2)
    await fillMemory(redis, 'ballast')
    const { stdout, cause } = await refused(server)
    expect(cause).toMatchObject({ code: 'redis-out-of-memory' })
    expect(stdout).toContain('redis-out-of-memory')
    expect(await redis.exists('ballast')).toBe(1)
    redis.disconnect()
  })
})
