import { fork } from 'node:child_process'
import { access } from 'node:fs/promises'
import net from 'node:net'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import type { Cause } from '../../../src/core/ending.ts'
import { resolveRedis } from '../../../src/redis/index.ts'
import { firstOf } from '../../support/processes/first.ts'
import { client, freePort, leaseOf, serverAt, skipNative, startNative } from '../../support/redis/servers.ts'

const HOLDER = new URL('../../support/redis/holder.ts', import.meta.url)
const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** Another run, in a process of its own. */
async function startHolder(kind: 'local' | 'embedded') {
  const child = fork(HOLDER, [kind], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  cleanups.push(() => child.kill('SIGKILL'))
  const [url] = (await firstOf(child, 'message')) as [string]
  const redis = new Redis(url, { retryStrategy: () => null })
  redis.on('error', () => {})
  cleanups.push(() => redis.disconnect())
  return { child, redis, port: Number(new URL(url).port) }
}

async function refused(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1')
  return new Promise((resolve) => {
    socket.on('error', () => resolve(true))
    socket.on('connect', () => {
      socket.destroy()
      resolve(false)
    })
  })
}

describe.each([
  { kind: 'embedded' as const, skip: false },
  { kind: 'local' as const, skip: skipNative },
])('$kind', ({ kind, skip }) => {
  test.skipIf(skip)('a run that is killed leaves no server and no folder behind', async () => {
    const { child, redis, port } = await startHolder(kind)
    const [, folder] = (await redis.config('GET', 'dir')) as [string, string]
    child.kill('SIGKILL')
    await expect.poll(() => refused(port)).toBe(true)
    if (kind === 'local') {
      expect(folder).toContain('tiershard-redis-')
      await expect
        .poll(() =>
          access(folder).then(
            () => true,
            () => false,
          ),
        )
        .toBe(false)
    }
  })

  test.skipIf(skip)('nor does one whose server is stuck in a script', async () => {
    const { child, redis, port } = await startHolder(kind)
    const stuck = redis.eval('while true do end', 0).catch((error: Error) => error)
    // The script is in the server when another client gets no answer any more.
    const other = client({ port })
    cleanups.push(() => other.disconnect())
    await expect
      .poll(() =>
        Promise.race([
          other.ping().then(
            () => 'free',
            () => 'stuck',
          ),
          pause(200),
        ]),
      )
      .toBe('stuck')
    child.kill('SIGKILL')
    await expect.poll(() => refused(port)).toBe(true)
    expect(await stuck).toBeInstanceOf(Error)
  })

  test.skipIf(skip)('a server that dies in the middle of a run is known at once', async () => {
    const { signal } = new AbortController()
    const settings = { source: { kind }, control: null, databases: null, waitMs: 0, patienceMs: 0 } as const
    const resolved = await resolveRedis(settings, process.env, signal)
    if (!resolved.ok) throw new Error(resolved.cause.message)
    const { server } = resolved
    cleanups.push(() => server.close())
    const lease = await leaseOf(server)
    await lease.open()
    const gone = new Promise<Cause>((resolve) => server.onGone(resolve))
    const redis = client(lease.connection)
    redis.shutdown('NOSAVE').catch(() => {})
    expect(await gone).toMatchObject({ code: 'redis-went-away', message: expect.stringContaining('process ended') })
    expect(await lease.clean()).toMatchObject({ kind: 'trouble', cause: { code: 'redis-went-away' } })
    expect(await lease.open()).toMatchObject({ kind: 'trouble', cause: { code: 'redis-went-away' } })
    redis.disconnect()
  })

  test.skipIf(skip)('is gone after close, twice', async () => {
    const { signal } = new AbortController()
    const settings = { source: { kind }, control: null, databases: null, waitMs: 0, patienceMs: 0 } as const
    const resolved = await resolveRedis(settings, process.env, signal)
    if (!resolved.ok) throw new Error(resolved.cause.message)
    const causes: Cause[] = []
    resolved.server.onGone((cause) => causes.push(cause))
    const { port } = (await leaseOf(resolved.server)).connection
    await resolved.server.close()
    await resolved.server.close()
    expect(await refused(port)).toBe(true)
    expect(causes).toEqual([])
  })
})

test.skipIf(skipNative)('a server that restarts without its data is waited for, and the lease is lost', async () => {
  const port = await freePort()
  const before = await startNative([], { port })
  cleanups.push(() => before.stop())
  const run = await serverAt(before.url)
  cleanups.push(() => run.close())
  const lease = await leaseOf(run)
  await lease.open()
  await before.stop()
  const cleaning = lease.clean()
  const after = await startNative([], { port })
  cleanups.push(() => after.stop())
  expect(await cleaning).toMatchObject({ kind: 'lost', message: expect.stringContaining('restart without its data') })
  const next = await leaseOf(run)
  expect(await next.open()).toEqual({ kind: 'ok' })
})

async function pause(ms: number): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return 'stuck'
}
