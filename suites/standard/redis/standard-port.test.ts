import { once } from 'node:events'
import net from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { startEmbedded } from '../../../src/redis/embedded/start.ts'
import { startLocal } from '../../../src/redis/local.ts'
import type { Place } from '../../../src/redis/own.ts'
import { StandardPort } from '../../../src/redis/standard-port.ts'
import { freePort, nativeServer, skipNative } from '../../support/redis/servers.ts'

const { signal } = new AbortController()
const stack: (() => unknown)[] = []
afterEach(async () => {
  for (const undo of stack.splice(0).toReversed()) await undo()
})

/** Somebody else's server; how often it was connected to. */
async function stranger(port: number, host: string): Promise<{ readonly port: number; visits(): number }> {
  let visits = 0
  const server = net.createServer((socket) => {
    visits++
    socket.destroy()
  })
  server.listen(port, host)
  await once(server, 'listening')
  stack.push(() => new Promise((resolve) => server.close(resolve)))
  return { port: (server.address() as net.AddressInfo).port, visits: () => visits }
}

async function opened(start: ReturnType<StandardPort['forShard']>) {
  const started = await start(signal)
  if (!started.ok) throw new Error(started.cause.message)
  stack.push(() => started.server.stop())
  return started.server
}

async function said({ host, port }: Place, command: string): Promise<string> {
  const socket = net.connect(port, host)
  stack.push(() => socket.destroy())
  socket.write(`${command}\r\n`)
  const [data] = (await once(socket, 'data')) as [Buffer]
  return String(data).trim()
}

// Other systems have 127.0.0.1 alone.
describe.skipIf(process.platform !== 'linux').each([
  {
    kind: 'native',
    skip: skipNative,
    startAt: (place: Place, until: AbortSignal) => startLocal(nativeServer!, until, place),
  },
  { kind: 'embedded', skip: false, startAt: (place: Place, until: AbortSignal) => startEmbedded(until, place) },
])('$kind', { timeout: 60_000 }, ({ skip, startAt }) => {
  test.skipIf(skip)('each shard has one port on an address of its own, and keeps it from file to file', async () => {
    const port = await freePort()
    const servers = new StandardPort(startAt, { port })
    const [one, two] = [servers.forShard(), servers.forShard()]
    const [first, second] = await Promise.all([opened(one), opened(two)])
    expect([first, second].map((server) => server.port)).toEqual([port, port])
    expect(new Set([first.host, second.host])).toEqual(new Set(['127.0.0.2', '127.0.0.3']))
    expect(await said(first, 'SET k 1')).toBe('+OK')
    expect(await said(second, 'DBSIZE')).toBe(':0')

    await first.stop()
    const next = await opened(one)
    expect(next).toMatchObject({ host: first.host, port })
    expect(await said(next, 'DBSIZE')).toBe(':0')
  })

  test.skipIf(skip)('an address at which somebody listens is passed over, also if that was ours', async () => {
    const port = await freePort()
    const before = await stranger(port, '127.0.0.2')
    const start = new StandardPort(startAt, { port }).forShard()
    const first = await opened(start)
    expect(first.host).toBe('127.0.0.3')
    await first.stop()
    const between = await stranger(port, '127.0.0.3')
    expect((await opened(start)).host).toBe('127.0.0.4')
    expect([before.visits(), between.visits()]).toEqual([0, 0])
  })

  test.skipIf(skip)('an address that is taken at the last moment ends the start, and harms nobody', async () => {
    const port = await freePort()
    const other = await stranger(port, '127.0.0.2')
    const started = await startAt({ host: '127.0.0.2', port }, signal)
    expect(started).toMatchObject({ ok: false, cause: { code: 'port-taken' } })
    expect(JSON.stringify(started)).toContain(`port ${port} of 127.0.0.2 was taken`)
    expect(other.visits()).toBe(0)
  })
})

test('a port that is taken on all addresses, and an address that this machine does not have', async () => {
  const port = await freePort()
  const startAt = () => Promise.reject(new Error('nothing is started there'))
  // Of documentation (RFC 5737): nobody has it.
  const nowhere = new StandardPort(startAt, { port, addresses: ['192.0.2.1'] })
  expect(await nowhere.forShard()(signal)).toMatchObject({
    ok: false,
    cause: {
      code: 'redis-start-failed',
      message: expect.stringContaining(`192.0.2.1:${port} (EADDRNOTAVAIL)`),
      remedy: expect.stringContaining('ifconfig lo0 alias 192.0.2.1'),
    },
  })
  const everywhere = await stranger(0, '0.0.0.0')
  const addresses = process.platform === 'linux' ? {} : { addresses: ['127.0.0.1'] }
  expect(await new StandardPort(startAt, { port: everywhere.port, ...addresses }).forShard()(signal)).toMatchObject({
    ok: false,
    cause: { code: 'port-taken', remedy: expect.stringContaining('bind it to 127.0.0.1') },
  })
})
