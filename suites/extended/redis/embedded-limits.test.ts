import { readFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Summary } from '../../../src/reports/summary.ts'
import { tiershard, vitestProject } from '../../support/cli/binary.ts'
import { processes } from '../../support/redis/processes.ts'
import { client, startEmbeddedServer, type TestServer } from '../../support/redis/servers.ts'

const HEAD = `import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
const redis = new Redis(process.env.REDIS_URL, { retryStrategy: () => null })
redis.on('error', () => {})
`

/** What one embedded server is put through, one after the other. */
describe('one embedded server survives', { timeout: 180_000 }, () => {
  let server: TestServer
  let pid = 0
  const clients: Redis[] = []
  beforeAll(async () => {
    const before = new Set((await embedded()).map((it) => it.pid))
    server = await startEmbeddedServer()
    const started = (await embedded()).find((it) => it.parent === process.pid && !before.has(it.pid))
    pid = started!.pid
  })
  afterEach(async () => {
    for (const redis of clients.splice(0)) redis.disconnect()
    // Whatever a test did: the same server answers, and has forgotten its clients.
    const redis = connect()
    const connected = async () => /connected_clients:(\d+)/.exec(await redis.info('clients'))?.[1]
    await expect.poll(connected, { timeout: 60_000 }).toBe('1')
    expect((await embedded()).map((it) => it.pid)).toContain(pid)
    redis.disconnect()
  })
  afterAll(() => server.stop())

  function connect(): Redis {
    const redis = client(server)
    clients.push(redis)
    return redis
  }

  /** A connection that sends PING, and what it gets: an answer, or its end. */
  async function dialled(): Promise<{ readonly socket: net.Socket; readonly answer: string }> {
    const socket = net.connect(server.port, server.host)
    socket.on('error', () => {})
    const answer = await new Promise<string>((resolve) => {
      socket.once('data', (data) => resolve(String(data)))
      socket.once('close', () => resolve('closed'))
      socket.write('PING\r\n')
    })
    return { socket, answer }
  }

  /** How many of so many connections are answered; all stay open until the last one is there. */
  async function crowd(size: number): Promise<{ answered: number; closed: number }> {
    const held: net.Socket[] = []
    const counts = { answered: 0, closed: 0 }
    for (let from = 0; from < size; from += 250) {
      const dials = Array.from({ length: Math.min(250, size - from) }, dialled)
      for (const { socket, answer } of await Promise.all(dials)) {
        held.push(socket)
        if (answer === '+PONG\r\n') counts.answered++
        if (answer === 'closed') counts.closed++
      }
    }
    for (const socket of held) socket.destroy()
    return counts
  }

  async function received(): Promise<number> {
    const redis = client(server)
    const found = /total_connections_received:(\d+)/.exec(await redis.info('stats'))?.[1]
    redis.disconnect()
    return Number(found)
  }

  test('20,000 connections: one after the other, in crowds, and more at once than it takes', async () => {
    for (let round = 0; round < 2_000; round++) {
      const { socket, answer } = await dialled()
      expect(answer).toBe('+PONG\r\n')
      socket.destroy()
    }
    // Each side needs a descriptor for each connection, and this process a few of its own.
    const files = openFiles() - 500
    expect(files).toBeGreaterThan(0)
    const size = Math.min(7_000, files)
    const { answered, closed } = await crowd(size)
    // Those of before may not all have left yet.
    expect(answered).toBeGreaterThan(Math.min(size, 5_900) - 100)
    expect(answered).toBeLessThanOrEqual(5_900)
    expect(answered + closed).toBe(size)
    while ((await received()) < 20_000) {
      const some = Math.min(500, files)
      await expect.poll(() => crowd(some), { timeout: 60_000 }).toEqual({ answered: some, closed: 0 })
    }
  })

  test('values of 100 MB', async () => {
    const redis = connect()
    const value = Buffer.alloc(100_000_000, 'abc')
    for (const key of ['a', 'b', 'c']) {
      await redis.set(key, value)
      expect(value.equals((await redis.getBuffer(key))!)).toBe(true)
    }
  })

  test('a pipeline of 200,000 commands', async () => {
    const pipeline = connect().pipeline()
    for (let key = 0; key < 200_000; key++) pipeline.set(`key:${key}`, key)
    const replies = await pipeline.exec()
    expect(replies).toHaveLength(200_000)
    expect(new Set(replies!.map(([error, reply]) => error?.message ?? reply))).toEqual(new Set(['OK']))
    expect(await connect().get('key:199999')).toBe('199999')
  })

  test('scripts that run away: without a bottom, and one that holds up everybody', async () => {
    const redis = connect()
    const endless = 'local function deeper() return 1 + deeper() end return deeper()'
    await expect(redis.eval(endless, 0)).rejects.toThrow('stack overflow')
    const long = redis.eval('local n = 0 for i = 1, 1e8 do n = n + i end return tostring(n)', 0)
    const waiting = connect().ping()
    expect(await long).toBe('5.00000005e+15')
    expect(await waiting).toBe('PONG')
  })

  test('1,000 writes that are aborted in the middle', async () => {
    await connect().set('kept', 'whole')
    const sent = '*3\r\n$3\r\nSET\r\n$4\r\nkept\r\n$1000000\r\n' + 'x'.repeat(60_000)
    const aborted = async (): Promise<void> => {
      const { socket, answer } = await dialled()
      expect(answer).toBe('+PONG\r\n')
      await new Promise((resolve) => socket.write(sent, resolve))
      socket.resetAndDestroy()
    }
    for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 50 }, aborted))
    expect(await connect().get('kept')).toBe('whole')
  })
})

test('its memory is given back when it ends', { timeout: 60_000 }, async () => {
  const before = new Set((await embedded()).map(({ pid }) => pid))
  const server = await startEmbeddedServer()
  const { pid } = (await embedded()).find((it) => it.parent === process.pid && !before.has(it.pid))!
  const residentKb = async () => (await embedded()).find((it) => it.pid === pid)?.residentKb
  const redis = client(server)
  for (const key of ['a', 'b', 'c']) await redis.set(key, Buffer.alloc(100_000_000, 'abc'))
  expect(await residentKb()).toBeGreaterThan(250_000)
  // Not before: WebAssembly has no way to shrink.
  await redis.flushall()
  expect(await residentKb()).toBeGreaterThan(250_000)
  redis.disconnect()
  await server.stop()
  expect(await residentKb()).toBeUndefined()
})

test(
  'a script without an end hangs the server of its file, and nothing else of the run',
  { timeout: 120_000 },
  async () => {
    const cwd = vitestProject({
      'tiershard.config.js': `export default {
  tiers: { fast: { shards: 1 } },
  suites: { own: { tier: 'fast', files: 'own/*.test.ts', isolation: 'server' } },
}
`,
      'own/a.test.ts': `${HEAD}test('never ends', { timeout: 1_000 }, () => redis.eval('while true do end', 0))\n`,
      'own/b.test.ts': `${HEAD}test('is fine', async () => expect(await redis.incr('n')).toBe(1))\n`,
    })
    const { exitCode, stdout } = await tiershard(cwd, ['run', '--redis', 'embedded'])
    const summary = JSON.parse(readFileSync(path.join(cwd, 'reports/latest/summary.json'), 'utf8')) as Summary
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 1 })
    expect(summary.counts).toMatchObject({ passed: 1, failed: 1 })
    expect(summary.failures.map(({ file }) => file)).toEqual(['own/a.test.ts'])
  },
)

async function embedded() {
  return (await processes()).filter(({ command }) => /embedded\/main\.[jt]s/.test(command))
}

/** How many files a process may have open: Node raises the soft limit to the hard one, for its children as well. */
function openFiles(): number {
  const { userLimits } = process.report.getReport() as { userLimits: { open_files: { soft: number | string } } }
  const { soft } = userLimits.open_files
  return typeof soft === 'number' ? soft : 100_000
}
