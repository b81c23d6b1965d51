import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import type { Cause } from '../../../src/core/ending.ts'
import type { Lease, RedisServer } from '../../../src/core/ports.ts'
import type { RedisSettings } from '../../../src/core/settings.ts'
import { startEmbedded } from '../../../src/redis/embedded/start.ts'
import { findNative } from '../../../src/redis/local.ts'
import { OwnProcess, ready } from '../../../src/redis/own.ts'
import { resolveRedis } from '../../../src/redis/resolve.ts'
import { inTime } from '../processes/limit.ts'

/** A server of a test: loopback, a free port, nothing on disk. It ends with `stop`, and with the test process. */
export interface TestServer {
  readonly host: string
  readonly port: number
  /** Without a database: clients use 0. */
  readonly url: string
  /** null: the embedded server. */
  readonly pid: number | null
  /** Ends it at once, and removes its folder. */
  stop(): Promise<void>
}

/** A server whose folder outlives it, so that it can be started again with what it had written there. */
export interface LastingServer extends TestServer {
  /** Ends the process and waits until it is gone. The folder stays. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** The same server again: same port, same folder, so same append-only file. */
  restart(): Promise<void>
}

/** Absolute path of redis-server or valkey-server; null when there is none. */
export const nativeServer = await findNative(process.env)

/** For `test.skipIf`: a test that needs a native server is skipped where there is none, but not in the project's own CI. */
export const skipNative = nativeServer === null && process.env['TIERSHARD_REQUIRE_NATIVE'] !== '1'

/**
 * @param options as on the command line: `['--databases', '2', '--requirepass', 'secret']`
 * @param more.port instead of any free one
 * @param more.config a Sentinel with this config file, which it rewrites
 * @param more.until what it prints when the test can go on
 */
export async function startNative(
  options: readonly string[] = [],
  more: { readonly port?: number; readonly until?: string; readonly config?: string } = {},
): Promise<TestServer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tiershard-test-redis-'))
  const { own, port } = await launch(options, { ...more, folder, removed: true })
  return testServer(port, own.child.pid ?? null, () => own.stop())
}

/** Nothing is saved unless the options say so. */
export async function startLasting(options: readonly string[] = []): Promise<LastingServer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tiershard-test-redis-'))
  let { own, port } = await launch(options, { folder, removed: false })
  const stop = async (): Promise<void> => {
    await own.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return {
    ...testServer(port, null, stop),
    get pid() {
      return own.child.pid ?? null
    },
    async end(signal) {
      const gone = new Promise((resolve) => own.onExit(resolve))
      own.child.kill(signal)
      await inTime(() => `the server's end by ${signal}: ${own.lastWords}`, gone)
    },
    async restart() {
      ;({ own } = await launch(options, { port, folder, removed: false }))
    },
  }
}

/** Somebody else may take a free port before the server does: then it tries another one, or the same one again. */
async function launch(
  options: readonly string[],
  more: {
    readonly port?: number
    readonly until?: string
    readonly config?: string
    readonly folder: string
    /** Whether the folder goes with the process. */
    readonly removed: boolean
  },
): Promise<{ own: OwnProcess; port: number }> {
  const { until = 'Ready to accept connections', folder } = more
  if (nativeServer === null) throw new Error('This test needs redis-server or valkey-server on PATH.')
  for (let attempt = 1; ; attempt++) {
    const port = more.port ?? (await freePort())
    const listen = ['--port', String(port), '--bind', '127.0.0.1']
    const basics = [...listen, '--dir', folder, '--save', '', '--appendonly', 'no']
    const first = more.config ? [more.config, '--sentinel', ...listen] : basics
    const child = spawn(nativeServer, [...first, ...options], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    const own = new OwnProcess(child, more.removed ? folder : null)
    const listening = new Promise<void>((resolve) => {
      child.stdout.on('data', () => own.printed(until) && resolve())
    })
    const problem = await ready(own, listening, 60_000, new AbortController().signal)
    if (problem === null) return { own, port }
    await own.stop()
    if (attempt === 5 || !own.printed('Address already in use')) throw new Error(`${problem}: ${own.lastWords}`)
    await mkdir(folder, { recursive: true })
  }
}

export async function startEmbeddedServer(): Promise<TestServer> {
  const started = await startEmbedded(new AbortController().signal)
  if (!started.ok) throw new Error(started.cause.message)
  return testServer(started.server.port, null, () => started.server.stop())
}

function testServer(port: number, pid: number | null, stop: () => Promise<void>): TestServer {
  return { host: '127.0.0.1', port, url: `redis://127.0.0.1:${port}`, pid, stop }
}

/**
 * A port that nobody listens on. Below those that systems give to outgoing connections: a server that is started again
 * would find its port taken by any client of anybody, or by a client of its own that has connected to itself.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(12_000, 30_000)
    const server = net.createServer().listen(port, '127.0.0.1')
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!free) continue
    const closed = once(server, 'close')
    server.close()
    await closed
    return port
  }
  throw new Error('none of 100 ports of 127.0.0.1 is free')
}

/** A client that fails at once instead of trying again, in the given database. */
export function client(server: { readonly port: number }, database = 0): Redis {
  const redis = new Redis({ host: '127.0.0.1', port: server.port, db: database, retryStrategy: () => null })
  redis.on('error', () => {})
  return redis
}

/** Settings for a server at a URL. */
export function settingsFor(url: string, more: Partial<RedisSettings> = {}): RedisSettings {
  return {
    source: { kind: 'url', url, from: '--redis' },
    control: null,
    databases: null,
    waitMs: 0,
    patienceMs: 0,
    ...more,
  }
}

/** What a run does to reach its server; throws the cause when it cannot. */
export async function serverAt(url: string, more: Partial<RedisSettings> = {}): Promise<RedisServer> {
  const resolved = await resolveRedis(settingsFor(url, more), {}, new AbortController().signal)
  if (!resolved.ok) throw new Error(resolved.cause.message)
  return resolved.server
}

/** A lease of a server, not opened yet; throws the cause when there is no server, or none of its databases is to be had. */
export async function leaseOf(
  server: RedisServer | Cause,
  more: Partial<Parameters<RedisServer['lease']>[0]> = {},
): Promise<Lease> {
  if (!('lease' in server)) throw new Error(server.message)
  const { signal } = new AbortController()
  const grant = await server.lease({ count: 1, run: 'r', waitMs: 0, onWait: () => {}, signal, ...more })
  if (grant.kind === 'refused') throw new Error(grant.cause.message)
  return grant.leases[0]!
}
