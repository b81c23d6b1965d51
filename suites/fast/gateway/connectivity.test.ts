import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { causeOf, connect } from '../../support/gateway/redis.ts'
import { createRig, redisUrl } from '../../support/gateway/rig.ts'

test('writes, reads back and expires a key', async () => {
  await using rig = await createRig()
  const key = `${rig.prefix}:hello`
  expect(await rig.redis.set(key, 'world', 'PX', 60_000)).toBe('OK')
  expect(await rig.redis.get(key)).toBe('world')
  const left = await rig.redis.pttl(key)
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(60_000)
})

test('works on the database that REDIS_URL names', async () => {
  await using rig = await createRig()
  const wanted = Number(new URL(redisUrl()).pathname.slice(1))
  expect(await rig.redis.call('CLIENT', 'INFO')).toMatch(new RegExp(`\\bdb=${wanted}\\b`))
})

test('a database that does not exist is an error, not database 0', async () => {
  const url = new URL(redisUrl())
  url.pathname = '/999999'
  await expect(connect(url.href, 'nowhere')).rejects.toThrow(/out of range|permissions|database/i)
})

test('a server that is not there is reported as unreachable', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')

  const error: unknown = await connect(`redis://127.0.0.1:${port}/0`, 'nobody').catch((reason: unknown) => reason)
  expect(causeOf(error)).toBe('redis-unreachable')
  expect(String(error)).toContain('ECONNREFUSED')
})

test('closes what it opened', async () => {
  await using rig = await createRig()
  const name = `${rig.prefix}-guest`
  const guest = await connect(rig.url, name)
  const clients = async (): Promise<string> => String(await rig.redis.call('CLIENT', 'LIST'))
  expect(await clients()).toContain(`name=${name} `)
  await guest.quit()
  await expect.poll(clients).not.toContain(`name=${name} `)
})
