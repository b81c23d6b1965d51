import { expect, test } from 'vitest'
import { fillMemory } from '../../support/redis/memory.ts'
import { skipNative, startLasting, startNative, type TestServer } from '../../support/redis/servers.ts'
import { call, createRig, postAlert, type Rig } from '../../support/gateway/rig.ts'

/** A server that is removed with the rig: these tests break it, so they never use the shard's own. */
async function native(stack: AsyncDisposableStack, args: string[] = []): Promise<TestServer> {
  const server = await startNative(args)
  stack.defer(() => server.stop())
  return server
}

async function rigOn(stack: AsyncDisposableStack, server: TestServer): Promise<Rig> {
  return stack.use(await createRig(server.url))
}

test.skipIf(skipNative)('behind a read-only replica every alert is answered 503 with its cause, at once', async () => {
  await using stack = new AsyncDisposableStack()
  const master = await native(stack)
  const replica = await native(stack, ['--replicaof', '127.0.0.1', String(master.port)])
  const rig = await rigOn(stack, replica)
  const gateway = await rig.gateway()

  // The first command finds a read-only server; the ones after it meet the new connection. All get the same answer.
  for (let n = 0; n < 5; n++) {
    const reply = await postAlert(gateway, { name: `alert-${n}` })
    expect(reply.status).toBe(503)
    expect(reply.body).toEqual({ status: 'unavailable', cause: 'redis-read-only' })
    expect(reply.headers.get('retry-after')).toBe('1')
  }
  expect((await call(gateway, 'GET', '/health')).body).toEqual({ status: 'unavailable', cause: 'redis-read-only' })

  // The failover that makes the replica a master ends the outage, without a restart of the gateway.
  await rig.redis.replicaof('NO', 'ONE')
  expect((await postAlert(gateway)).status).toBe(202)
})

test.skipIf(skipNative)('on a full server alerts are answered 503, and work again when there is room', async () => {
  await using stack = new AsyncDisposableStack()
  const server = await native(stack, ['--maxmemory', '8mb', '--maxmemory-policy', 'noeviction'])
  const rig = await rigOn(stack, server)
  const gateway = await rig.gateway()
  expect((await postAlert(gateway, { name: 'before' })).status).toBe(202)

  const free = await fillMemory(rig.redis, `${rig.prefix}:ballast`)
  const refused = await Promise.all([1, 2, 3].map((n) => postAlert(gateway, { name: `during-${n}` })))
  expect(refused.map((reply) => [reply.status, reply.body['cause']])).toEqual([
    [503, 'redis-out-of-memory'],
    [503, 'redis-out-of-memory'],
    [503, 'redis-out-of-memory'],
  ])

  await free()
  expect((await postAlert(gateway, { name: 'during-1' })).status).toBe(202)
})

test.skipIf(skipNative)('a server that refuses writes without replicas is named as that', async () => {
  await using stack = new AsyncDisposableStack()
  const server = await native(stack, ['--min-replicas-to-write', '1'])
  const rig = await rigOn(stack, server)
  const gateway = await rig.gateway()
  expect((await postAlert(gateway)).body).toEqual({ status: 'unavailable', cause: 'redis-no-replicas' })
})

test.skipIf(skipNative)(
  'when the server goes away alerts are answered 503, and work again when it is back',
  async () => {
    await using stack = new AsyncDisposableStack()
    const server = await startLasting()
    stack.defer(() => server.stop())
    const rig = await rigOn(stack, server)
    const gateway = await rig.gateway()
    expect((await postAlert(gateway, { name: 'before' })).status).toBe(202)

    await server.end('SIGKILL')
    const during = await postAlert(gateway, { name: 'during' })
    expect(during.status).toBe(503)
    expect(during.body['cause']).toBe('redis-unreachable')

    await server.restart()
    await expect.poll(async () => (await postAlert(gateway, { name: 'after' })).status).toBe(202)
  },
)

test.skipIf(skipNative)('a gateway ends while its connections wait for their next try', async () => {
  await using stack = new AsyncDisposableStack()
  const server = await startLasting()
  stack.defer(() => server.stop())
  const rig = await rigOn(stack, server)
  // It must not need its grace time.
  const gateway = await rig.gateway({ graceMs: 600_000 })
  expect((await postAlert(gateway)).status).toBe(202)

  const lastTry = new Promise<void>((resolve) => {
    rig.redis.on('reconnecting', (delayMs: number) => delayMs >= 1_000 && resolve())
  })
  await server.end('SIGKILL')
  await lastTry
  await server.restart()
  expect(await gateway.close()).toBe(undefined)
})

test.skipIf(skipNative)('a gateway whose server is not there does not start', async () => {
  await using stack = new AsyncDisposableStack()
  const server = await native(stack)
  const rig = await rigOn(stack, server)
  await server.stop()
  await expect(rig.gateway()).rejects.toThrow('ECONNREFUSED')
})
