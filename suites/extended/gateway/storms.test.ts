import { expect, test } from 'vitest'
import { claim } from '../../support/gateway/deduplication.ts'
import { countRequest } from '../../support/gateway/rate-limit.ts'
import { call, createRig, postAlert, startReceiver } from '../../support/gateway/rig.ts'
import { createStormDetector } from '../../support/gateway/storm.ts'

const MINUTE = 60_000

test.each([
  { alerts: 50, gateways: 1, services: 1 },
  { alerts: 200, gateways: 2, services: 4 },
  { alerts: 1_000, gateways: 4, services: 10 },
])(
  '$alerts alerts at once, each sent twice, to $gateways gateways for $services services',
  async ({ alerts, gateways: count, services }) => {
    await using rig = await createRig()
    const receiver = await startReceiver(rig)
    const threshold = 5
    const gateways = await Promise.all(
      Array.from({ length: count }, () =>
        rig.gateway({ webhookUrl: receiver.url, storm: { threshold, windowMs: MINUTE, quietMs: MINUTE } }),
      ),
    )
    const send = (n: number, copy: number) =>
      postAlert(gateways[(n + copy) % count]!, { name: `alert-${n}`, service: `service-${n % services}` })
    const replies = await Promise.all(
      Array.from({ length: 2 * alerts }, (_, n) => send(n % alerts, Math.floor(n / alerts))),
    )

    const tally: Record<string, number> = {}
    for (const { status, body } of replies) {
      const key = `${status} ${String(body['status'])}`
      tally[key] = (tally[key] ?? 0) + 1
    }
    // Per service: threshold - 1 calm alerts and the one that starts the storm are notified, all others are grouped.
    const notified = services * threshold
    expect(tally).toEqual({
      '202 accepted': notified,
      '202 grouped': alerts - notified,
      '200 duplicate': alerts,
    })

    await receiver.count(notified)
    const storms = receiver.received.filter((notification) => notification.kind === 'storm')
    expect(storms.map((notification) => notification.alert.service).toSorted()).toEqual(
      Array.from({ length: services }, (_, n) => `service-${n}`).toSorted(),
    )
    expect(new Set(receiver.received.map((notification) => notification.id)).size).toBe(notified)
    expect(receiver.received).toHaveLength(notified)

    const totals = await rig.redis.hgetall(`${rig.prefix}:totals`)
    expect(Object.values(totals).reduce((sum, total) => sum + Number(total), 0)).toBe(alerts)
    for (const gateway of gateways) expect((await call(gateway, 'GET', '/health')).status).toBe(200)
  },
)

test.each([10, 25, 50])('%s connections each do everything at once, and every count is exact', async (connections) => {
  await using rig = await createRig()
  const clients = await Promise.all(Array.from({ length: connections }, () => rig.connect()))
  const rule = { threshold: 20, windowMs: MINUTE, quietMs: MINUTE }
  const rounds = 40
  const limit = 100

  const perClient = await Promise.all(
    clients.map(async (redis, n) => {
      const observe = createStormDetector(redis, rig.prefix, rule)
      const results = []
      for (let round = 0; round < rounds; round++) {
        results.push(
          await Promise.all([
            claim(redis, `${rig.prefix}:claim:${round}`, `${n}`, MINUTE),
            countRequest(redis, `${rig.prefix}:rate:all`, limit, MINUTE),
            observe('checkout', `${n}-${round}`),
          ]),
        )
      }
      return results
    }),
  )

  const results = perClient.flat()
  expect(results).toHaveLength(connections * rounds)
  expect(results.filter(([holder]) => holder === null)).toHaveLength(rounds)
  expect(results.filter(([, rate]) => rate.allowed)).toHaveLength(limit)
  expect(results.filter(([, , storm]) => storm.kind === 'calm')).toHaveLength(rule.threshold - 1)
  expect(results.filter(([, , storm]) => storm.kind === 'started')).toHaveLength(1)
})
