import { expect, test } from 'vitest'
import { causeOf, replies } from '../../support/gateway/redis.ts'
import { call, createRig, postAlert, startReceiver } from '../../support/gateway/rig.ts'

test('an alert is recorded, enriched with its owner, delivered, and marked as notified', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig)
  await rig.redis.hset(`${rig.prefix}:owners`, 'checkout', 'team-payments')
  const gateway = await rig.gateway({ webhookUrl: receiver.url })

  const reply = await postAlert(gateway, { severity: 'info', labels: { host: 'a' } })
  const id = String(reply.body['id'])
  await receiver.count(1)
  expect(receiver.received[0]).toEqual({
    id,
    kind: 'alert',
    team: 'team-payments',
    storm: null,
    alert: { source: 'probe', service: 'checkout', name: 'latency', severity: 'info', labels: { host: 'a' } },
  })
  await expect.poll(async () => (await call(gateway, 'GET', `/alerts/${id}`)).body['state']).toBe('notified')
  expect(await rig.redis.hget(`${rig.prefix}:totals`, 'checkout')).toBe('1')
})

test('a service without an owner goes to whoever is on call', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig)
  const gateway = await rig.gateway({ webhookUrl: receiver.url })
  await postAlert(gateway)
  await receiver.count(1)
  expect(receiver.received[0]?.team).toBe('on-call')
})

test('a pipeline that fails in the middle is a failure, and the alert is no duplicate afterwards', async () => {
  await using rig = await createRig()
  const gateway = await rig.gateway()
  // The totals are spoiled: the third command of the recording pipeline fails, the first two succeed.
  await rig.redis.set(`${rig.prefix}:totals`, 'not a hash')

  const failed = await postAlert(gateway)
  expect(failed.status).toBe(500)
  expect(failed.body['message']).toContain('WRONGTYPE')
  expect(await rig.redis.keys(`${rig.prefix}:claim:*`)).toEqual([])

  await rig.redis.del(`${rig.prefix}:totals`)
  expect((await postAlert(gateway)).status).toBe(202)
  expect((await postAlert(gateway)).status).toBe(200)
})

test('a pipeline resolves even when its commands fail: the replies have to be read', async () => {
  await using rig = await createRig()
  const [text, list] = [`${rig.prefix}:text`, `${rig.prefix}:list`]
  const results = await rig.redis.pipeline().set(text, 'a').lpush(text, 'b').rpush(list, 'c').exec()
  expect(results?.map(([error]) => error?.message.split(' ')[0] ?? 'OK')).toEqual(['OK', 'WRONGTYPE', 'OK'])
  expect(() => replies(results)).toThrow('WRONGTYPE')
  // No rollback: what came before and after the failed command was done.
  expect(await rig.redis.get(text)).toBe('a')
  expect(await rig.redis.lrange(list, 0, -1)).toEqual(['c'])
})

test('a transaction with a command that cannot be queued does nothing at all', async () => {
  await using rig = await createRig()
  const key = `${rig.prefix}:text`
  const error: unknown = await rig.redis
    .multi()
    .set(key, 'a')
    .call('SET', key)
    .exec()
    .catch((reason: unknown) => reason)
  expect(String(error)).toContain('EXECABORT')
  expect(causeOf(error)).toBeNull()
  expect(await rig.redis.exists(key)).toBe(0)
})

test('a transaction that lost its race is discarded, and says so', async () => {
  await using rig = await createRig()
  const rival = await rig.connect()
  const key = `${rig.prefix}:counter`
  await rig.redis.watch(key)
  await rival.incr(key)
  const results = await rig.redis.multi().incr(key).exec()
  expect(() => replies(results)).toThrow('discarded')
  expect(await rig.redis.get(key)).toBe('1')
})

test('ten thousand commands in one pipeline come back complete and in order', async () => {
  await using rig = await createRig()
  const key = `${rig.prefix}:counter`
  const pipeline = rig.redis.pipeline()
  for (let n = 0; n < 10_000; n++) pipeline.incr(key)
  expect(replies(await pipeline.exec())).toEqual(Array.from({ length: 10_000 }, (_, n) => n + 1))
})
