import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { startEmbedded } from '../../../src/redis/embedded/start.ts'
import { tiershard } from '../../support/cli/binary.ts'
import { tempProject } from '../../support/config/project.ts'

test('status, adopt and release on a running server', async ({ onTestFinished }) => {
  const started = await startEmbedded(AbortSignal.timeout(30_000))
  if (!started.ok) throw new Error(started.cause.message)
  const { host, port } = started.server
  onTestFinished(() => started.server.stop())
  const client = new Redis({ host, port, db: 3 })
  await client.set('precious', 'data')
  client.disconnect()
  const cwd = tempProject({})
  const server = ['--redis', `redis://${host}:${port}`]

  const before = await tiershard(cwd, ['redis', 'status', '--json', ...server])
  expect(before).toMatchObject({ exitCode: 0, stderr: '' })
  const { databases } = JSON.parse(before.stdout) as { databases: unknown[] }
  expect(databases.slice(0, 4)).toMatchObject([
    { database: 0, state: 'control' },
    { database: 1, state: 'free' },
    { database: 2, state: 'free' },
    { database: 3, state: 'foreign', keys: 1, bytes: expect.toSatisfy((bytes: number) => bytes > 0 && bytes < 500) },
  ])
  const page = await tiershard(cwd, ['redis', 'status'], { REDIS_URL: `redis://${host}:${port}` })
  expect(page.stdout).toMatch(/^ +3 +foreign data: never flushed +1 +~\d+ B$/m)

  expect(await tiershard(cwd, ['redis', 'adopt', '3', ...server])).toMatchObject({ exitCode: 0, stderr: '' })
  const after = await tiershard(cwd, ['redis', 'status', ...server])
  expect(after.stdout).toMatch(/^ +3 +left by a run/m)

  const refused = [
    await tiershard(cwd, ['redis', 'adopt', '0', ...server]),
    await tiershard(cwd, ['redis', 'release', 'nonsense', ...server]),
    await tiershard(cwd, ['redis', 'release', '3-12345', ...server]),
  ]
  for (const { exitCode, stdout, stderr } of refused) {
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).not.toBe('')
  }
})

test('no server to look at, and one that does not answer: exit 3 with the cause', async () => {
  const cwd = tempProject({})
  const none = await tiershard(cwd, ['redis', 'status'])
  expect(none).toMatchObject({ exitCode: 3, stdout: '', stderr: expect.stringContaining('redis-unreachable') })
  const silent = await tiershard(cwd, ['redis', 'status', '--redis', 'redis://user:hunter2@127.0.0.1:1'])
  expect(silent).toMatchObject({ exitCode: 3, stdout: '', stderr: expect.stringContaining('redis-unreachable') })
  expect(silent.stderr).not.toContain('hunter2')
})
