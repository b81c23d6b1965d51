import { describe, expect, onTestFinished, test } from 'vitest'
import { fillMemory } from '../../support/redis/memory.ts'
import { client, skipNative, startNative, type TestServer } from '../../support/redis/servers.ts'
import { runUnderway, story, summaryOf } from '../../support/run/outage.ts'

async function native(...options: string[]): Promise<TestServer> {
  const server = await startNative(options)
  onTestFinished(() => server.stop())
  return server
}

function operator(server: TestServer, database = 0) {
  const redis = client(server, database)
  onTestFinished(() => redis.disconnect())
  return redis
}

describe.skipIf(skipNative)('a server that stops being fit in the middle of a run', { timeout: 240_000 }, () => {
  test('read-only for a while: nothing starts meanwhile, what it spoiled runs again, and the run passes', async () => {
    const server = await native()
    const redis = operator(server)
    const { cwd, run } = await runUnderway(server.url, '60s')
    await redis.call('REPLICAOF', '127.0.0.1', '1')
    await run.saw('no file starts until Redis is fit again')
    await redis.call('REPLICAOF', 'NO', 'ONE')
    const { exitCode, stdout } = await run.finished
    expect(stdout.match(/redis-read-only/g)?.length).toBeGreaterThan(0)
    expect(stdout.match(/what to do: Use the address of the master/g)).toHaveLength(1)
    expect(
      story(cwd)
        .filter((step) => step.startsWith('paused') || step === 'resumed')
        .slice(0, 2),
    ).toEqual(['paused: redis-read-only', 'resumed'])
    expect(story(cwd).filter((step) => /^(first|second)/.test(step))).toEqual([
      'first starts',
      'first infrastructure',
      'second starts',
      'second passed',
      'first starts',
      'first passed',
    ])
    expect(story(cwd).indexOf('second starts')).toBeGreaterThan(story(cwd).indexOf('resumed'))
    expect(exitCode).toBe(0)
    expect(summaryOf(cwd)).toMatchObject({ counts: { passed: 2, failed: 0, flaky: 0, notRun: 0 } })
  })

  test('read-only for longer than the patience: exit 3 with the cause, and no test is blamed', async () => {
    const server = await native()
    const { cwd, run } = await runUnderway(server.url, '1s')
    await operator(server).call('REPLICAOF', '127.0.0.1', '1')
    const { exitCode } = await run.finished
    expect(exitCode).toBe(3)
    expect(story(cwd)).toEqual(['first starts', 'paused: redis-read-only', 'first infrastructure', 'second not-run'])
    const { counts, causes, verdict, notRun } = summaryOf(cwd)
    expect(counts).toMatchObject({ failed: 0, flaky: 0, notRun: 2 })
    expect(causes).toMatchObject([{ code: 'redis-read-only' }])
    expect(verdict).toBe('infrastructure')
    expect(notRun.map(({ ending }) => ending.kind)).toEqual(['infrastructure', 'not-run'])
  })

  test('full, and room again: the run passes', async () => {
    const server = await native('--maxmemory', '24mb')
    const redis = operator(server, 15)
    const { cwd, run } = await runUnderway(server.url, '60s')
    const makeRoom = await fillMemory(redis, 'ballast')
    await run.saw('no file starts until Redis is fit again')
    await makeRoom()
    expect((await run.finished).exitCode).toBe(0)
    expect(story(cwd)).toContain('paused: redis-out-of-memory')
    expect(story(cwd)).toEqual(expect.arrayContaining(['first infrastructure', 'first passed', 'second passed']))
  })

  test('full for longer than the patience: exit 3, and no test is blamed', async () => {
    const server = await native('--maxmemory', '24mb')
    const { cwd, run } = await runUnderway(server.url, '1s')
    await fillMemory(operator(server, 15), 'ballast')
    expect((await run.finished).exitCode).toBe(3)
    expect(summaryOf(cwd)).toMatchObject({
      counts: { failed: 0 },
      causes: [{ code: 'redis-out-of-memory' }],
      verdict: 'infrastructure',
    })
  })

  test('restarted without its data: the leases are gone with it, and the run takes new ones and passes', async () => {
    const server = await startNative()
    const { cwd, run } = await runUnderway(server.url, '60s')
    await server.stop()
    await run.saw('no file starts until Redis is fit again')
    const again = await startNative([], { port: server.port })
    onTestFinished(() => again.stop())
    expect((await run.finished).exitCode).toBe(0)
    expect(story(cwd)).toContain('first infrastructure')
    expect(story(cwd)).toEqual(expect.arrayContaining(['first passed', 'second passed']))
    expect(summaryOf(cwd)).toMatchObject({ counts: { passed: 2, failed: 0, flaky: 0 } })
  })

  test('away for good: exit 3 after the patience, with a complete report', async () => {
    const server = await startNative()
    const { cwd, run } = await runUnderway(server.url, '1s')
    await server.stop()
    expect((await run.finished).exitCode).toBe(3)
    expect(story(cwd).at(-1)).toBe('second not-run')
    expect(summaryOf(cwd)).toMatchObject({ counts: { failed: 0, notRun: 2 }, causes: [{ code: 'redis-went-away' }] })
  })
})
