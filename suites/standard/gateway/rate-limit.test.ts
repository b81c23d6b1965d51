import { expect, test } from 'vitest'
import { countRequest } from '../../support/gateway/rate-limit.ts'
import { createRig, postAlert } from '../../support/gateway/rig.ts'

const WINDOW_MS = 60_000

test('of 50 requests at once over ten connections exactly the limit passes', async () => {
  await using rig = await createRig()
  const connections = await Promise.all(Array.from({ length: 10 }, () => rig.connect()))
  const key = `${rig.prefix}:rate:x`
  const rates = await Promise.all(
    Array.from({ length: 50 }, (_, n) => countRequest(connections[n % 10]!, key, 20, WINDOW_MS)),
  )
  const left = rates.flatMap((rate) => (rate.allowed ? [rate.left] : []))
  expect(left.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n))
  for (const rate of rates) {
    if (rate.allowed) continue
    expect(rate.retryAfterMs).toBeGreaterThan(0)
    expect(rate.retryAfterMs).toBeLessThanOrEqual(WINDOW_MS)
  }
})

test('the window belongs to its first request: later ones do not prolong it', async () => {
  await using rig = await createRig()
  const key = `${rig.prefix}:rate:x`
  await countRequest(rig.redis, key, 5, WINDOW_MS)
  await rig.redis.pexpire(key, 10_000)
  await countRequest(rig.redis, key, 5, WINDOW_MS)
  expect(await rig.redis.pttl(key)).toBeLessThanOrEqual(10_000)
})

test('a new window starts when the old one has run out', async () => {
  await using rig = await createRig()
  const key = `${rig.prefix}:rate:x`
  const count = () => countRequest(rig.redis, key, 1, 50)
  expect((await count()).allowed).toBe(true)
  // The server ends the window: this waits for that, not for a time.
  await expect.poll(() => rig.redis.exists(key), { interval: 5 }).toBe(0)
  expect((await count()).allowed).toBe(true)
})

test('a counter that lost its expiry gets one again, and locks nobody out for good', async () => {
  await using rig = await createRig()
  const key = `${rig.prefix}:rate:x`
  await rig.redis.set(key, 1_000)
  expect(await rig.redis.pttl(key)).toBe(-1)
  expect((await countRequest(rig.redis, key, 5, WINDOW_MS)).allowed).toBe(false)
  expect(await rig.redis.pttl(key)).toBeGreaterThan(0)
})

test('a key of another type is an error, not a free pass', async () => {
  await using rig = await createRig()
  const key = `${rig.prefix}:rate:x`
  await rig.redis.lpush(key, 'not a counter')
  await expect(countRequest(rig.redis, key, 5, WINDOW_MS)).rejects.toThrow('WRONGTYPE')
})

test('two gateways share the limit of a source', async () => {
  await using rig = await createRig()
  const rateLimit = { limit: 10, windowMs: WINDOW_MS }
  const gateways = await Promise.all([rig.gateway({ rateLimit }), rig.gateway({ rateLimit })])
  const replies = await Promise.all(
    Array.from({ length: 30 }, (_, n) => postAlert(gateways[n % 2]!, { name: `alert-${n}` })),
  )
  expect(replies.filter((reply) => reply.status === 202)).toHaveLength(10)
  const refused = replies.filter((reply) => reply.status === 429)
  expect(refused).toHaveLength(20)
  for (const reply of refused) expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
})

test('a refused alert leaves no trace: it is new when it comes back', async () => {
  await using rig = await createRig()
  const gateway = await rig.gateway({ rateLimit: { limit: 1, windowMs: WINDOW_MS } })
  expect((await postAlert(gateway, { name: 'first' })).status).toBe(202)
  expect((await postAlert(gateway, { name: 'second' })).status).toBe(429)
  await rig.redis.del(`${rig.prefix}:rate:probe`)
  expect((await postAlert(gateway, { name: 'second' })).status).toBe(202)
})
