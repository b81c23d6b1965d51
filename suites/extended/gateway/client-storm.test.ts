import type { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { skipNative, startNative } from '../../support/redis/servers.ts'
import { connect } from '../../support/gateway/redis.ts'
import { createRig, postAlert, type Rig } from '../../support/gateway/rig.ts'

/** How many connections of that name the server holds. */
async function connectionsNamed(rig: Rig, name: string): Promise<number> {
  const list = String(await rig.redis.call('CLIENT', 'LIST'))
  return list.split('\n').filter((line) => line.includes(` name=${name} `)).length
}

test('wave after wave of clients comes and goes, politely or not, and the gateway answers all the time', async () => {
  await using rig = await createRig()
  const gateway = await rig.gateway()
  const name = `${rig.prefix}-crowd`
  let alerts = 0

  // The incident's crowd: 33 tests with 10 to 50 connections each, here in waves of 300.
  for (let wave = 0; wave < 5; wave++) {
    const crowd = await Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        const redis = await connect(rig.url, name)
        await redis.set(`${rig.prefix}:client:${n}`, wave)
        return redis
      }),
    )
    expect(await connectionsNamed(rig, name)).toBe(300)
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => postAlert(gateway, { name: `alert-${alerts++}` })),
    )
    expect(replies.map((reply) => reply.status)).toEqual(Array.from({ length: 20 }, () => 202))

    await Promise.all(
      crowd.map((redis, n) => (n % 2 === 0 ? redis.quit() : Promise.resolve(redis.stream.resetAndDestroy()))),
    )
    // The ones that were cut would come back: they are told not to.
    for (const redis of crowd) redis.disconnect()
    await expect.poll(() => connectionsNamed(rig, name)).toBe(0)
  }
}, 240_000)

test('a connection that is cut comes back by itself, on its own database', async () => {
  await using rig = await createRig()
  const guest = await rig.connect(`${rig.prefix}-guest`)
  await guest.set(`${rig.prefix}:home`, 'here')
  for (let cut = 0; cut < 20; cut++) {
    guest.stream.resetAndDestroy()
    expect(await guest.get(`${rig.prefix}:home`)).toBe('here')
  }
})

test.skipIf(skipNative)(
  'a server without room for more clients turns them away, and goes on serving those it has',
  async () => {
    await using stack = new AsyncDisposableStack()
    const server = await startNative(['--maxclients', '40'])
    stack.defer(() => server.stop())
    const rig = stack.use(await createRig(server.url))
    const gateway = await rig.gateway()

    const attempts = await Promise.allSettled(Array.from({ length: 60 }, () => connect(rig.url, 'crowd')))
    const admitted = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
    stack.defer(() => admitted.forEach((redis: Redis) => redis.disconnect()))
    const reasons = attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [String(attempt.reason)] : []))
    expect(admitted.length).toBeLessThan(40)
    expect(reasons).toHaveLength(60 - admitted.length)
    // The server says why and hangs up; a client that is still writing its greeting hears only the second.
    for (const reason of reasons) expect(reason).toMatch(/max number of clients|EPIPE|ECONNRESET|closed/)
    const rejected = Number(/rejected_connections:(\d+)/.exec(await rig.redis.info('stats'))?.[1])
    expect(rejected).toBeGreaterThanOrEqual(reasons.length)

    expect((await postAlert(gateway)).status).toBe(202)
    for (const redis of admitted) expect(await redis.ping()).toBe('PONG')
  },
)
