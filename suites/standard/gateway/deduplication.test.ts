import { expect, test } from 'vitest'
import { claim, unclaim } from '../../support/gateway/deduplication.ts'
import { createRig, postAlert } from '../../support/gateway/rig.ts'

const RACERS = 50

test('of 50 equal alerts at once exactly one passes, and all others name it', async () => {
  await using rig = await createRig()
  const gateway = await rig.gateway()

  const replies = await Promise.all(Array.from({ length: RACERS }, () => postAlert(gateway)))
  const accepted = replies.filter((reply) => reply.status === 202)
  const duplicates = replies.filter((reply) => reply.status === 200)
  expect(accepted).toHaveLength(1)
  expect(duplicates).toHaveLength(RACERS - 1)
  expect(new Set(replies.map((reply) => reply.body['id']))).toEqual(new Set([accepted[0]?.body['id']]))
})

test('of 50 equal alerts at three gateways exactly one passes', async () => {
  await using rig = await createRig()
  const gateways = await Promise.all([rig.gateway(), rig.gateway(), rig.gateway()])

  const replies = await Promise.all(Array.from({ length: RACERS }, (_, n) => postAlert(gateways[n % 3]!)))
  expect(replies.filter((reply) => reply.status === 202)).toHaveLength(1)
  expect(replies.filter((reply) => reply.body['status'] === 'duplicate')).toHaveLength(RACERS - 1)
})

test('fifty connections claim twenty fingerprints: one winner for each, whom everybody knows', async () => {
  await using rig = await createRig()
  const connections = await Promise.all(Array.from({ length: RACERS }, () => rig.connect()))
  for (let round = 0; round < 20; round++) {
    const key = `${rig.prefix}:claim:${round}`
    const holders = await Promise.all(
      connections.map(async (redis, n) => (await claim(redis, key, `c${n}`, 60_000)) ?? `c${n}`),
    )
    expect(new Set(holders).size).toBe(1)
    expect(await rig.redis.get(key)).toBe(holders[0])
  }
})

test('different alerts never shadow each other', async () => {
  await using rig = await createRig()
  const gateway = await rig.gateway()
  const replies = await Promise.all(
    Array.from({ length: RACERS }, (_, n) => postAlert(gateway, { labels: { host: `host-${n}` } })),
  )
  expect(replies.map((reply) => reply.status)).toEqual(Array.from({ length: RACERS }, () => 202))
  expect(new Set(replies.map((reply) => reply.body['id'])).size).toBe(RACERS)
})

test('a claim lives as long as it was asked to, and then the alert is new again', async () => {
  await using rig = await createRig()
  const gateway = await rig.gateway({ dedupeMs: 60_000 })
  const first = await postAlert(gateway)
  expect((await postAlert(gateway)).body['id']).toBe(first.body['id'])

  const keys = await rig.redis.keys(`${rig.prefix}:claim:*`)
  expect(keys).toHaveLength(1)
  const left = await rig.redis.pttl(keys[0]!)
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(60_000)
  // Its time runs out now: the server ends it as it ends any other key.
  await rig.redis.pexpire(keys[0]!, 0)
  const second = await postAlert(gateway)
  expect(second.status).toBe(202)
  expect(second.body['id']).not.toBe(first.body['id'])
})

test('a claim is given back only by the alert that has it', async () => {
  await using rig = await createRig()
  const key = `${rig.prefix}:claim:x`
  expect(await claim(rig.redis, key, 'first', 60_000)).toBeNull()
  expect(await unclaim(rig.redis, key, 'second')).toBe(false)
  expect(await claim(rig.redis, key, 'second', 60_000)).toBe('first')
  expect(await unclaim(rig.redis, key, 'first')).toBe(true)
  expect(await claim(rig.redis, key, 'second', 60_000)).toBeNull()
})
