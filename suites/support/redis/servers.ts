import { spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import type { RedisServer } from '../../../src/core/ports.ts'
import type { RedisSettings } from '../../../src/core/settings.ts'
import { startEmbedded } from '../../../src/redis/embedded/start.ts'
import { findNative } from '../../../src/redis/local.ts'
import { OwnProcess, ready } from '../../../src/redis/own.ts'
import { resolveRedis } from '../../../src/redis/resolve.ts'

/** A server of a test: loopback, a free port, nothing on disk. It ends with `stop`, and with the test process. */
export interface TestServer {
  readonly host: string
  readonly port: number
  /** Without a database: clients use 0. */
  readonly url: string
  /** null: the embedded server. */
  readonly pid: number | null
  stop(): Promise<void>
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
  const { port, until = 'Ready to accept connections' } = more
  if (nativeServer === null) throw new Error('This test needs redis-server or valkey-server on PATH.')
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tiershard-test-redis-'))
  for (let attempt = 1; ; attempt++) {
    const chosen = port ?? (await freePort())
    const basics = [
      '--port',
      String(chosen),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'no',
    ]
    const sentinel = [more.config ?? '', '--sentinel', '--port', String(chosen), '--bind', '127.0.0.1']
    const child = spawn(nativeServer, more.config ? [...sentinel, ...options] : [...basics, ...options], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const own = new OwnProcess(child, folder)
    const listening = new Promise<void>((resolve) => {
      child.stdout.on('data', () => own.printed(until) && resolve())
    })
    const problem = await ready(own, listening, 30_000, new AbortController().signal)
    if (problem === null) return testServer(chosen, child.pid ?? null, () => own.stop())
    await own.stop()
    if (attempt === 5 || !own.printed('Address already in use')) throw new Error(`${problem}: ${own.lastWords}`)
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

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
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
