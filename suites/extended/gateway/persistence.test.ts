import type { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { skipNative, startLasting } from '../../support/redis/servers.ts'
import { createRig, postAlert, startReceiver } from '../../support/gateway/rig.ts'

const ALERTS = 100

test.skipIf(skipNative).each([
  { fsync: 'always', signal: 'SIGKILL' as const },
  { fsync: 'everysec', signal: 'SIGKILL' as const },
  { fsync: 'everysec', signal: 'SIGTERM' as const },
])(
  'with an append-only file ($fsync) a server ended by $signal forgets no claim, no record and no job',
  async ({ fsync, signal }) => {
    await using stack = new AsyncDisposableStack()
    const server = await startLasting(['--appendonly', 'yes', '--appendfsync', fsync])
    stack.defer(() => server.stop())
    const rig = stack.use(await createRig(server.url))
    // Nothing is delivered before the restart: the jobs have to survive it.
    let open = false
    const receiver = await startReceiver(rig, () => (open ? 204 : 500))
    const gateway = await rig.gateway({
      webhookUrl: receiver.url,
      delivery: { attempts: 20, backoffMs: 50, timeoutMs: 5_000 },
    })
    const before = await Promise.all(
      Array.from({ length: ALERTS }, (_, n) => postAlert(gateway, { name: `alert-${n}` })),
    )
    expect(before.map((reply) => reply.status)).toEqual(Array.from({ length: ALERTS }, () => 202))

    // While a slow disk is busy with the last fsync, everysec answers first and writes up to two seconds later: what a
    // SIGKILL then takes with it is its known price. `always` has no such gap, and SIGTERM closes it.
    if (fsync === 'everysec' && signal === 'SIGKILL') await expect.poll(() => unwritten(rig.redis)).toBe(0)
    await server.end(signal)
    open = true
    await server.restart()

    await expect.poll(async () => (await postAlert(gateway, { name: 'alert-0' })).status).toBe(200)
    const after = await Promise.all(
      Array.from({ length: ALERTS }, (_, n) => postAlert(gateway, { name: `alert-${n}` })),
    )
    expect(after.map((reply) => reply.body)).toEqual(
      before.map((reply) => ({ status: 'duplicate', id: reply.body['id'] })),
    )
    const states = async (): Promise<(string | null)[]> =>
      Promise.all(before.map((reply) => rig.redis.hget(`${rig.prefix}:alert:${String(reply.body['id'])}`, 'state')))
    await expect.poll(states).toEqual(Array.from({ length: ALERTS }, () => 'notified'))
  },
  240_000,
)

/** Bytes that were answered for and are not in the append-only file yet. */
async function unwritten(redis: Redis): Promise<number> {
  return Number(/^aof_buffer_length:(\d+)/m.exec(await redis.info('persistence'))?.[1])
}

test.skipIf(skipNative)('without persistence a restart forgets everything: the tests above can fail', async () => {
  await using stack = new AsyncDisposableStack()
  const server = await startLasting()
  stack.defer(() => server.stop())
  const rig = stack.use(await createRig(server.url))
  const gateway = await rig.gateway()
  expect((await postAlert(gateway)).status).toBe(202)
  expect((await postAlert(gateway)).status).toBe(200)
  await server.end('SIGKILL')
  await server.restart()
  await expect.poll(async () => (await postAlert(gateway)).status).toBe(202)
})
