import { afterEach, describe, expect, test } from 'vitest'
import { findGuard, LeaseUser } from '../../../src/redis/acl.ts'
import { parseAddress } from '../../../src/redis/address.ts'
import { goneCause } from '../../../src/redis/causes.ts'
import { AdminConnection } from '../../../src/redis/connection.ts'
import { client, freePort, skipNative, startNative, type TestServer } from '../../support/redis/servers.ts'

const stack: (() => unknown)[] = []
afterEach(async () => {
  for (const undo of stack.splice(0).toReversed()) await undo()
})

async function native(port?: number): Promise<TestServer> {
  const server = await startNative([], port === undefined ? {} : { port })
  stack.push(() => server.stop())
  return server
}

async function connect(url: string): Promise<AdminConnection> {
  const parsed = parseAddress(url, {})
  if (!parsed.ok) throw new Error(parsed.problem)
  const opened = await AdminConnection.open(parsed.address, new AbortController().signal, 60_000)
  if (!opened.ok) throw new Error(opened.cause.message)
  stack.push(() => opened.connection.close())
  return opened.connection
}

async function users(server: TestServer): Promise<string[]> {
  const redis = client(server)
  try {
    return (await redis.call('ACL', 'USERS')) as string[]
  } finally {
    redis.disconnect()
  }
}

describe.skipIf(skipNative)('the user of a lease', { timeout: 60_000 }, () => {
  test('that could not be made again is made with the next heartbeat', async () => {
    const server = await native()
    const admin = client(server)
    stack.push(() => admin.disconnect())
    await admin.call('ACL', 'SETUSER', 'ours', 'on', '>pw', '~*', '&*', '+@all')
    const connection = await connect(`redis://ours:pw@127.0.0.1:${server.port}`)
    const user = new LeaseUser(connection, 'redis-7', 3, 17)
    expect(await user.admit()).toMatchObject({ ok: true })

    // The server forgets it, the connection is up anew, and the first try fails.
    await admin.call('ACL', 'DELUSER', user.name)
    await admin.call('ACL', 'SETUSER', 'ours', '-acl|setuser')
    const again = new Promise<void>((resolve) => connection.onUp(resolve))
    await admin.call('CLIENT', 'KILL', 'USER', 'ours')
    await again
    await user.keep()
    expect(await users(server)).not.toContain(user.name)
    await admin.call('ACL', 'SETUSER', 'ours', '+acl|setuser')
    await user.keep()
    expect(await users(server)).toContain(user.name)
  })

  test('that is expelled while it waits for the server does not come to stay', async () => {
    const port = await freePort()
    const before = await native(port)
    const connection = await connect(before.url)
    const user = new LeaseUser(connection, 'redis-7', 3, 17)
    await before.stop()
    const making = user.admit()
    await user.expel()
    const after = await native(port)
    await making
    expect(await users(after)).toEqual(['default'])
    await user.keep()
    expect(await users(after)).toEqual(['default'])
  })
})

test.skipIf(skipNative)('a server that is gone cannot be asked what it enforces: that is no convention', async () => {
  const server = await native()
  const connection = await connect(server.url)
  expect(await findGuard(connection, 'redis', 'auto')).toMatchObject({ enforcement: { by: 'acl' } })
  const cause = goneCause(server.url, 'its process ended')
  connection.giveUp(cause)
  expect(await findGuard(connection, 'redis', 'auto')).toEqual({ ok: false, cause })
})
