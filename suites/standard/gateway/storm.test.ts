import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { createRig, postAlert, startReceiver } from '../../support/gateway/rig.ts'
import { createStormDetector, type StormRule } from '../../support/gateway/storm.ts'

const RULE: StormRule = { threshold: 5, windowMs: 1_000, quietMs: 3_000 }
/** Any time will do: the tests bring their own clock. */
const T0 = 1_000_000

test('the alert that reaches the threshold within the window starts the storm, later ones are grouped', async () => {
  await using rig = await createRig()
  const observe = createStormDetector(rig.redis, rig.prefix, RULE)
  const states = []
  for (let n = 0; n < 8; n++) states.push(await observe('checkout', `a${n}`, T0 + n))
  expect(states.map((state) => state.kind)).toEqual([
    'calm',
    'calm',
    'calm',
    'calm',
    'started',
    'ongoing',
    'ongoing',
    'ongoing',
  ])
  expect(states[4]).toEqual({ kind: 'started', alerts: 5, storm: 'a4' })
  expect(states[7]).toEqual({ kind: 'ongoing', grouped: 3, storm: 'a4' })
})

test('the window slides: alerts that are spread out never make a storm', async () => {
  await using rig = await createRig()
  const observe = createStormDetector(rig.redis, rig.prefix, RULE)
  for (let n = 0; n < 40; n++) {
    // Five within 1,001 ms, but only four within any 1,000.
    expect(await observe('checkout', `a${n}`, T0 + n * 251)).toMatchObject({ kind: 'calm' })
  }
})

test.each([
  ['at its edge', 1_000, 'started'],
  ['1 ms past it', 1_001, 'calm'],
])('an alert of the window still counts %s', async (_, age, expected) => {
  await using rig = await createRig()
  const observe = createStormDetector(rig.redis, rig.prefix, RULE)
  await observe('checkout', 'old', T0)
  for (let n = 0; n < 3; n++) await observe('checkout', `a${n}`, T0 + 500)
  expect(await observe('checkout', 'last', T0 + age)).toMatchObject({ kind: expected })
})

test('a storm lasts while alerts come, and ends after the quiet time', async () => {
  await using rig = await createRig()
  const observe = createStormDetector(rig.redis, rig.prefix, RULE)
  let now = T0
  for (let n = 0; n < RULE.threshold; n++) await observe('checkout', `a${n}`, now)
  for (let n = 0; n < 10; n++) {
    now += RULE.quietMs
    expect(await observe('checkout', `b${n}`, now)).toMatchObject({ kind: 'ongoing', grouped: n + 1 })
  }
  now += RULE.quietMs + 1
  expect(await observe('checkout', 'c', now)).toEqual({ kind: 'calm', alerts: 1 })
})

test('services have storms of their own', async () => {
  await using rig = await createRig()
  const observe = createStormDetector(rig.redis, rig.prefix, RULE)
  for (let n = 0; n < 10; n++) await observe('checkout', `a${n}`, T0)
  expect(await observe('search', 'b', T0)).toEqual({ kind: 'calm', alerts: 1 })
})

test('memory stays bounded, however many alerts a storm has, and everything expires', async () => {
  await using rig = await createRig()
  const observe = createStormDetector(rig.redis, rig.prefix, RULE)
  for (let n = 0; n < 300; n++) {
    await observe('checkout', `a${n}`, T0 + n)
    const keys = await rig.redis.keys(`${rig.prefix}:*`)
    expect(keys).toHaveLength(1)
    expect(await rig.redis.pttl(keys[0]!)).toBeGreaterThan(0)
    expect(await rig.redis.zcard(`${rig.prefix}:window:checkout`)).toBeLessThan(RULE.threshold)
  }
})

test('agrees with a plain model for any sequence of alerts', async () => {
  await using rig = await createRig()
  let scenario = 0
  const gaps = fc.array(fc.oneof(fc.nat(300), fc.nat(4_000)), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(gaps, fc.integer({ min: 2, max: 6 }), async (sequence, threshold) => {
      const rule = { ...RULE, threshold }
      const observe = createStormDetector(rig.redis, rig.prefix, rule)
      const service = `s${scenario++}`
      let calm: number[] = []
      let lastOfStorm: number | null = null
      let now = T0
      for (const [n, gap] of sequence.entries()) {
        now += gap
        if (lastOfStorm !== null && now - lastOfStorm > rule.quietMs) lastOfStorm = null
        calm = calm.filter((at) => now - at <= rule.windowMs).concat(lastOfStorm === null ? [now] : [])
        const expected = lastOfStorm !== null ? 'ongoing' : calm.length >= threshold ? 'started' : 'calm'
        if (expected !== 'calm') {
          lastOfStorm = now
          calm = []
        }
        expect((await observe(service, `a${n}`, now)).kind).toBe(expected)
      }
    }),
    { numRuns: 60 },
  )
})

test('fifty alerts at once by the server clock: one start, and every alert counted once', async () => {
  await using rig = await createRig()
  const rule = { threshold: 10, windowMs: 60_000, quietMs: 60_000 }
  const connections = await Promise.all(Array.from({ length: 10 }, () => rig.connect()))
  const detectors = connections.map((redis) => createStormDetector(redis, rig.prefix, rule))
  const states = await Promise.all(
    Array.from({ length: 50 }, (_, n) => detectors[n % detectors.length]!('checkout', `a${n}`)),
  )
  const count = (kind: string): number => states.filter((state) => state.kind === kind).length
  expect({ calm: count('calm'), started: count('started'), ongoing: count('ongoing') }).toEqual({
    calm: 9,
    started: 1,
    ongoing: 40,
  })
  const grouped = states.flatMap((state) => (state.kind === 'ongoing' ? [state.grouped] : []))
  expect(grouped.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1))
})

test('the gateway notifies a storm once, and groups the rest', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig)
  const gateway = await rig.gateway({
    webhookUrl: receiver.url,
    storm: { threshold: 3, windowMs: 60_000, quietMs: 60_000 },
  })
  const replies = []
  for (let n = 0; n < 6; n++) replies.push(await postAlert(gateway, { name: `alert-${n}` }))
  expect(replies.map((reply) => reply.body['status'])).toEqual([
    'accepted',
    'accepted',
    'accepted',
    'grouped',
    'grouped',
    'grouped',
  ])
  const storm = replies[2]!.body['id']
  expect(replies.slice(3).map((reply) => reply.body['storm'])).toEqual([storm, storm, storm])

  await receiver.count(3)
  expect(receiver.received.map((notification) => notification.kind).toSorted()).toEqual(['alert', 'alert', 'storm'])
})
