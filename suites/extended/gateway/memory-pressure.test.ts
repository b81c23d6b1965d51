import { expect, test } from 'vitest'
import { fillMemory } from '../../support/redis/memory.ts'
import { skipNative, startNative } from '../../support/redis/servers.ts'
import { call, createRig, postAlert, startReceiver } from '../../support/gateway/rig.ts'

test.skipIf(skipNative)(
  'memory runs out again and again under load: an alert is taken and delivered, or refused with the cause',
  async () => {
    await using stack = new AsyncDisposableStack()
    const server = await startNative(['--maxmemory', '24mb', '--maxmemory-policy', 'noeviction'])
    stack.defer(() => server.stop())
    const rig = stack.use(await createRig(server.url))
    const receiver = await startReceiver(rig)
    const gateway = await rig.gateway({
      webhookUrl: receiver.url,
      // A job that meets a full server is tried again until there is room.
      delivery: { attempts: 50, backoffMs: 20, timeoutMs: 5_000 },
    })

    const accepted = new Set<string>()
    const refused: string[] = []
    let sent = 0
    const post = async (name: string): Promise<number> => {
      const { status, body } = await postAlert(gateway, { name })
      if (status === 202) accepted.add(String(body['id']))
      else {
        expect([status, body]).toEqual([503, { status: 'unavailable', cause: 'redis-out-of-memory' }])
        refused.push(name)
      }
      return status
    }
    const burst = () => Promise.all(Array.from({ length: 25 }, () => post(`alert-${sent++}`)))

    for (let cycle = 0; cycle < 5; cycle++) {
      expect(await burst()).toEqual(Array.from({ length: 25 }, () => 202))
      // Filling and posting go on at the same time: some of these alerts meet the wall in the middle of their way.
      const [free] = await Promise.all([fillMemory(rig.redis, `${rig.prefix}:ballast`), burst(), burst()])
      expect(await burst()).toEqual(Array.from({ length: 25 }, () => 503))
      await free()
    }

    // No refused alert left a claim behind: each is new when it is sent again.
    for (const name of refused.splice(0)) expect(await post(name)).toBe(202)
    await receiver.count(accepted.size)
    await expect.poll(() => new Set(receiver.received.map((notification) => notification.id))).toEqual(accepted)
    const evicted = /evicted_keys:(\d+)/.exec(await rig.redis.info('stats'))?.[1]
    expect(evicted).toBe('0')
    expect((await call(gateway, 'GET', '/health')).status).toBe(200)
  },
  240_000,
)
