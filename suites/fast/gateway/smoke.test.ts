import { expect, test } from 'vitest'
import { call, createRig, postAlert } from '../../support/gateway/rig.ts'

test('a new alert is accepted, the same alert again is a duplicate', async () => {
  await using rig = await createRig()
  const gateway = await rig.gateway()

  const first = await postAlert(gateway, { labels: { host: 'a', zone: '1' } })
  expect(first.status).toBe(202)
  const again = await postAlert(gateway, { labels: { zone: '1', host: 'a' }, severity: 'info' })
  expect(again.status).toBe(200)
  expect(again.body).toEqual({ status: 'duplicate', id: first.body['id'] })
  expect((await postAlert(gateway, { labels: { host: 'b', zone: '1' } })).status).toBe(202)
})

test('a source over its limit is told when to come back, others go on', async () => {
  await using rig = await createRig()
  const gateway = await rig.gateway({ rateLimit: { limit: 2, windowMs: 60_000 } })

  const statuses: number[] = []
  for (const name of ['one', 'two', 'three']) statuses.push((await postAlert(gateway, { name })).status)
  expect(statuses).toEqual([202, 202, 429])

  const refused = await postAlert(gateway, { name: 'four' })
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await postAlert(gateway, { name: 'four', source: 'another' })).status).toBe(202)
})

test('health is a write', async () => {
  await using rig = await createRig()
  const gateway = await rig.gateway()
  expect((await call(gateway, 'GET', '/health')).status).toBe(200)
  expect(await rig.redis.pttl(`${rig.prefix}:health`)).toBeGreaterThan(0)
})

test.each([
  ['POST', '/alerts', '{"source":', 400],
  ['POST', '/alerts', 'x'.repeat(65 * 1024), 413],
  ['GET', '/alerts', undefined, 405],
  ['GET', '/alerts/unknown', undefined, 404],
  ['GET', '/elsewhere', undefined, 404],
])('%s %s with bad input is %s', async (method, path, body, status) => {
  await using rig = await createRig()
  const gateway = await rig.gateway()
  expect((await call(gateway, method, path, body)).status).toBe(status)
})
