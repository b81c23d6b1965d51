import { Queue, QueueEvents, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Lease, RedisServer } from '../../../src/core/ports.ts'
import { rules } from '../../../src/redis/acl.ts'
import { ALLOWED, OTHER_DATABASE, SERVER_WIDE, type CommandCase } from '../../support/redis/commands.ts'
import {
  client,
  leaseOf,
  serverAt,
  skipNative,
  startEmbeddedServer,
  startNative,
  type TestServer,
} from '../../support/redis/servers.ts'

const stack: (() => unknown)[] = []
afterEach(async () => {
  for (const undo of stack.splice(0).toReversed()) await undo()
})

describe.for([
  { kind: 'a native server', skip: skipNative, start: () => startNative() },
  { kind: 'the embedded server', skip: false, start: startEmbeddedServer },
])('the user of a lease on $kind', ({ skip, start }) => {
  let server: TestServer
  let admin: Redis
  let run: RedisServer
  let lease: Lease
  beforeEach(async () => {
    if (skip) return
    server = await start()
    stack.push(() => server.stop())
    admin = client(server)
    stack.push(() => admin.disconnect())
    run = await serverAt(server.url, { databases: [3] })
    stack.push(() => run.close())
    lease = await leaseOf(run)
    await lease.open()
  })

  test.skipIf(skip)('is denied what would hurt others, and allowed what test code needs', async () => {
    const bystander = client(server, 5)
    stack.push(() => bystander.disconnect())
    await bystander.set('theirs', '1')
    const redis = visitor(lease)

    expect(await refused(redis, ALLOWED)).toEqual([])
    expect(await denials(admin)).toEqual([])
    expect(await allowed(redis, OTHER_DATABASE)).toEqual([])
    expect(await allowed(redis, SERVER_WIDE)).toEqual([])

    expect(await bystander.get('theirs')).toBe('1')
    expect(await admin.call('ACL', 'WHOAMI')).toBe('default')
    // The connection never left its database.
    await redis.set('mine', '1')
    const inside = client(server, 3)
    stack.push(() => inside.disconnect())
    expect(await inside.get('mine')).toBe('1')
  })

  test.skipIf(skip)('in a connection that selected no database, cannot push keys anywhere', async () => {
    await admin.set('lease', '1')
    const { username, password } = lease.connection
    const redis = new Redis({ port: server.port, username: username!, password: password!, retryStrategy: () => null })
    redis.on('error', () => {})
    stack.push(() => redis.disconnect())
    await expect(redis.call('MOVE', 'lease', '3')).rejects.toThrow('NOPERM')
    await expect(redis.call('COPY', 'lease', 'lease', 'DB', '3')).rejects.toThrow('NOPERM')
    // Redis 7 has nothing that would keep it from database 0 itself; the run says so. Valkey 9.1 has.
    const open = run.facts.enforcement!.reason.includes('sits in database 0')
    expect(await redis.get('lease').catch((error: Error) => error.message)).toMatch(open ? /^1$/ : /^NOPERM/)
    expect(open).toBe(run.facts.product === 'redis')
  })

  test.skipIf(skip)('is kept in its database by scripts and transactions too', async () => {
    const redis = visitor(lease)
    await expect(redis.eval("return redis.call('SELECT', 5)", 0)).rejects.toThrow(/permission|can't run/)
    await expect(redis.eval("return redis.call('FLUSHALL')", 0)).rejects.toThrow(/permission|can't run/)
    await expect(redis.multi().set('k', 1).select(5).exec()).rejects.toThrow(/EXECABORT|NOPERM/)
    const { departures } = (await lease.clean()) as { departures: readonly string[] }
    expect(departures).toHaveLength(3)
    expect(departures.join()).toContain('FLUSHALL in a script')
    expect(departures.join()).toContain('in a transaction')
  })

  test.skipIf(skip)('runs BullMQ, Lua, transactions, streams and pub/sub with nothing denied', async () => {
    const { url } = lease.connection
    const connection = { url, maxRetriesPerRequest: null }
    const queue = new Queue('paint', { connection })
    // From the beginning: what happens before it listens is heard as well.
    const events = new QueueEvents('paint', { connection, lastEventId: '0' })
    let tries = 0
    const worker = new Worker<{ colour: string }>(
      'paint',
      async ({ data }) => {
        if (data.colour === 'red' && tries++ === 0) throw new Error('again')
        return data.colour
      },
      { connection },
    )
    stack.push(
      () => queue.close(),
      () => events.close(),
      () => worker.close(),
    )
    await events.waitUntilReady()
    const red = await queue.add('wall', { colour: 'red' }, { attempts: 2 })
    const blue = await queue.add('wall', { colour: 'blue' }, { delay: 5, priority: 2 })
    expect(await red.waitUntilFinished(events, 60_000)).toBe('red')
    expect(await blue.waitUntilFinished(events, 60_000)).toBe('blue')

    const redis = visitor(lease)
    const listener = visitor(lease)
    const heard = new Promise((resolve) => listener.once('message', (_, message) => resolve(message)))
    await listener.subscribe('news')
    await redis.publish('news', 'hello')
    expect(await heard).toBe('hello')
    expect(await redis.eval("redis.call('SET', KEYS[1], 1) return redis.call('INCR', KEYS[1])", 1, 'n')).toBe(2)
    expect(await redis.multi().incr('n').get('n').exec()).toEqual([
      [null, 3],
      [null, '3'],
    ])
    await redis.xgroup('CREATE', 'stream', 'group', '$', 'MKSTREAM')
    await redis.xadd('stream', '*', 'field', 'value')
    expect(await redis.xreadgroup('GROUP', 'group', 'one', 'COUNT', 1, 'STREAMS', 'stream', '>')).toHaveLength(1)

    expect(await denials(admin)).toEqual([])
  })

  test.skipIf(skip)('is told from one file to the next, and leaves the log as it is', async () => {
    const stranger = 'somebody-else'
    await admin.call('ACL', 'SETUSER', stranger, 'on', '>secret', '~*', '+@all', '-flushall')
    const other = new Redis({ port: server.port, username: stranger, password: 'secret', retryStrategy: () => null })
    stack.push(() => other.disconnect())
    await expect(other.flushall()).rejects.toThrow('NOPERM')

    const first = visitor(lease)
    await expect(first.flushall()).rejects.toThrow('NOPERM')
    await expect(first.flushall()).rejects.toThrow('NOPERM')
    await expect(first.call('CONFIG', 'SET', 'maxmemory', '1gb')).rejects.toThrow('NOPERM')
    first.disconnect()
    expect(await lease.clean()).toMatchObject({ departures: ['CONFIG SET', 'FLUSHALL (2 times)'] })

    await lease.open()
    expect(await lease.clean()).not.toHaveProperty('departures')
    await lease.open()
    const third = visitor(lease)
    await expect(third.flushall()).rejects.toThrow('NOPERM')
    third.disconnect()
    expect(await lease.clean()).toMatchObject({ departures: ['FLUSHALL'] })

    const log = await denials(admin)
    expect(log.filter((entry) => entry.includes(stranger))).toHaveLength(1)
    expect(log.length).toBeGreaterThanOrEqual(3)
  })

  test.skipIf(skip)('goes when the lease is given back, and so do its connections', async () => {
    const { username } = lease.connection
    const redis = visitor(lease)
    await redis.ping()
    const closed = new Promise((resolve) => redis.once('close', resolve))
    expect(await admin.call('ACL', 'USERS')).toEqual(['default', username])
    await lease.release()
    await closed
    expect(await admin.call('ACL', 'USERS')).toEqual(['default'])
  })

  test.skipIf(skip)('of a holder that died goes when the next one takes the database', async () => {
    const { username } = lease.connection
    const zombie = visitor(lease)
    await zombie.set('k', 'v')
    const closed = new Promise((resolve) => zombie.once('close', resolve))
    // As if the holder had been killed 30 s ago: its lease has expired, its user is still there.
    await admin.hset('tiershard:lease:3', 'expires', 1)
    const next = await serverAt(server.url, { databases: [3] })
    stack.push(() => next.close())
    const taken = await leaseOf(next)
    await closed
    expect(await taken.open()).toEqual({ kind: 'ok' })
    expect(await admin.call('ACL', 'USERS')).not.toContain(username)
    expect(await admin.call('ACL', 'USERS')).toContain(taken.connection.username)
    // The old holder cannot bring its user back.
    expect(await lease.open()).toMatchObject({ kind: 'lost' })
    await expect.poll(() => admin.call('ACL', 'USERS')).not.toContain(username)
  })

  test.skipIf(skip)('comes back with the next file when the server has forgotten it', async () => {
    await admin.call('ACL', 'DELUSER', lease.connection.username!)
    await lease.clean()
    await lease.open()
    expect(await visitor(lease).set('k', 'v')).toBe('OK')
  })

  test.skipIf(skip)('is announced with what it cannot keep out', () => {
    expect(run.facts.enforcement?.by).toBe('acl')
    expect(run.facts.enforcement?.reason).toContain('the default user, which has no password')
  })
})

test.skipIf(skipNative)('the rules for Redis 6, which cannot take a subcommand away, do the same', async () => {
  const server = await startNative()
  stack.push(() => server.stop())
  const admin = client(server)
  stack.push(() => admin.disconnect())
  await admin.call('ACL', 'SETUSER', 'old', 'reset', 'on', '>pw', ...rules('redis-6.2', 3))
  const redis = new Redis({ port: server.port, username: 'old', password: 'pw', db: 3, retryStrategy: () => null })
  redis.on('error', () => {})
  stack.push(() => redis.disconnect())
  // What Redis 6 does not have.
  const known = (one: CommandCase): boolean => !['FUNCTION', 'SORT_RO'].includes(one.command[0]!)
  expect(await refused(redis, ALLOWED.filter(known))).toEqual([])
  expect(await denials(admin)).toEqual([])
  expect(await allowed(redis, [...OTHER_DATABASE, ...SERVER_WIDE].filter(known))).toEqual([])
})

test.skipIf(skipNative)('a default user with a password leaves no way around the rules', async () => {
  const server = await startNative(['--requirepass', 'secret'])
  stack.push(() => server.stop())
  const run = await serverAt(`redis://:secret@127.0.0.1:${server.port}`)
  stack.push(() => run.close())
  expect(run.facts.enforcement?.reason).not.toContain('no password')
  const lease = await leaseOf(run)
  await lease.open()
  expect(lease.connection.password).not.toBe('secret')
  const redis = visitor(lease)
  await redis.call('RESET')
  await expect(redis.get('k')).rejects.toThrow('NOAUTH')
})

test.skipIf(skipNative)('where users cannot be made, or are not wanted, isolation is by convention', async () => {
  const server = await startNative()
  stack.push(() => server.stop())
  const admin = client(server)
  stack.push(() => admin.disconnect())
  await admin.call('ACL', 'SETUSER', 'limited', 'on', '>pw', '~*', '&*', '+@all', '-acl')
  const limited = await serverAt(`redis://limited:pw@127.0.0.1:${server.port}`)
  stack.push(() => limited.close())
  expect(limited.facts.enforcement).toEqual({
    by: 'convention',
    reason: 'its user may not make users (ACL SETUSER)',
  })
  const lease = await leaseOf(limited)
  await lease.open()
  expect(lease.connection.username).toBe('limited')
  expect(await visitor(lease).set('k', 'v')).toBe('OK')

  const off = await serverAt(server.url, { acl: 'off' })
  stack.push(() => off.close())
  expect(off.facts.enforcement?.by).toBe('convention')
  expect((await leaseOf(off)).connection.username).toBeNull()
})

/** What test code does with the connection it is given: HELLO, AUTH, SELECT, CLIENT SETINFO, INFO. */
function visitor(lease: Lease): Redis {
  const redis = new Redis(lease.connection.url, { retryStrategy: () => null })
  redis.on('error', () => {})
  stack.push(() => redis.disconnect())
  return redis
}

/** Those of the commands that the server denied, or did not know. */
async function refused(redis: Redis, cases: readonly CommandCase[]): Promise<string[]> {
  const found: string[] = []
  for (const one of cases) {
    const answer = await attempt(redis, one)
    if (answer !== null) found.push(`${one.command.join(' ')}: ${answer}`)
  }
  return found
}

/** Those of the commands that the server did not deny. */
async function allowed(redis: Redis, cases: readonly CommandCase[]): Promise<string[]> {
  const found: string[] = []
  for (const one of cases) {
    const answer = await attempt(redis, one)
    if (answer === null || !answer.startsWith('NOPERM')) found.push(`${one.command.join(' ')}: ${answer ?? 'done'}`)
  }
  return found
}

/** The error of a command; null when it was carried out. */
async function attempt(redis: Redis, { command, after }: CommandCase): Promise<string | null> {
  for (const [name, ...args] of after ?? []) await redis.call(name!, ...args)
  const [name, ...args] = command
  return redis.call(name!, ...args).then(
    () => null,
    (error: Error) => error.message,
  )
}

/** The server's log of denied commands, one line an entry. */
async function denials(admin: Redis): Promise<string[]> {
  return ((await admin.call('ACL', 'LOG', '1000')) as unknown[]).map((entry) => JSON.stringify(entry))
}
