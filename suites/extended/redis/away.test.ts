import { afterEach, describe, expect, test } from 'vitest'
import type { Cause } from '../../../src/core/ending.ts'
import type { Lease, RedisServer } from '../../../src/core/ports.ts'
import { leaseOf, serverAt, skipNative, startNative, type TestServer } from '../../support/redis/servers.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function running(
  patienceMs = 0,
): Promise<{ server: TestServer; run: RedisServer; lease: Lease; gone: Promise<Cause> }> {
  const server = await startNative()
  cleanups.push(() => server.stop())
  const run = await serverAt(server.url, { patienceMs })
  cleanups.push(() => run.close())
  const lease = await leaseOf(run)
  await lease.open()
  return { server, run, lease, gone: new Promise((resolve) => run.onGone(resolve)) }
}

describe.skipIf(skipNative)(
  'a server of somebody else that goes away in the middle of a run',
  { timeout: 180_000 },
  () => {
    test('is given up after 10 s, and open and clean answer by then', async () => {
      const { server, lease, gone } = await running()
      const begun = performance.now()
      await server.stop()
      expect(await lease.clean()).toMatchObject({ kind: 'trouble', cause: { code: 'redis-went-away' } })
      expect(await gone).toMatchObject({ code: 'redis-went-away', message: expect.stringContaining('ECONNREFUSED') })
      expect(await lease.open()).toMatchObject({ kind: 'trouble', cause: { code: 'redis-went-away' } })
      expect(performance.now() - begun).toBeLessThan(100_000)
    })

    test('is given up when it hangs, although nobody asks it anything but the heartbeat', async () => {
      const { server, lease, gone } = await running()
      const pid = server.pid!
      process.kill(pid, 'SIGSTOP')
      cleanups.push(() => process.kill(pid, 'SIGCONT'))
      const begun = performance.now()
      expect(await gone).toMatchObject({
        code: 'redis-went-away',
        message: expect.stringContaining('did not answer within 10 s'),
      })
      expect(await lease.clean()).toMatchObject({ kind: 'trouble', cause: { code: 'redis-went-away' } })
      expect(performance.now() - begun).toBeLessThan(100_000)
    })

    test('with patience, a hang is only trouble: it is over when the server answers again', async () => {
      const { server, run, lease } = await running(60_000)
      const pid = server.pid!
      process.kill(pid, 'SIGSTOP')
      cleanups.push(() => process.kill(pid, 'SIGCONT'))
      const cleaning = lease.clean()
      expect(await run.pulse()).toMatchObject({ ok: false, cause: { code: 'redis-timeout' } })
      expect(await cleaning).toMatchObject({ kind: 'trouble', cause: { code: 'redis-went-away' } })
      process.kill(pid, 'SIGCONT')
      await expect.poll(async () => (await run.pulse()).ok).toBe(true)
      expect(await lease.clean()).toMatchObject({ kind: 'ok' })
    })
  },
)
