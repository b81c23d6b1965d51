import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Leftovers, ServerFacts } from '../core/events.ts'
import type { Cleaned, Connection, Lease, OwnServersResult, Trouble } from '../core/ports.ts'
import type { RedisSettings, ServerPort } from '../core/settings.ts'
import { addressOf, connectionTo } from './address.ts'
import { ClientWatch } from './clients.ts'
import { AdminConnection } from './connection.ts'
import { startEmbedded, type Started } from './embedded/start.ts'
import { leftBehind, readSample, SAMPLED_KEYS } from './leaks.ts'
import { DATABASES as NATIVE_DATABASES, findNative, noNativeServer, startLocal } from './local.ts'
import type { OwnServer, Place } from './own.ts'
import { StandardPort, type Start } from './standard-port.ts'

/**
 * For all of the look at what a file left. It takes a few milliseconds; only a server that the file has stopped or hung
 * needs longer, and has nothing to say.
 */
const LOOK_LIMIT_MS = 2_000

const EMBEDDED = { version: '9.1', databases: 16 }

/**
 * Servers for suites with `isolation: 'server'`. Whatever source the other suites have, these are started here: test code
 * that calls FLUSHALL or CONFIG SET has no business on a server that somebody else runs.
 *
 * A file gets a server that has just started. Nothing else is really clean: of what a file can change, FLUSHALL and
 * CONFIG SET undo only a part (DEBUG switches, loaded modules, paused clients, a SHUTDOWN), and a native server starts in
 * 20 ms, the embedded one in 0.3 s.
 */
export async function openOwnServers(settings: RedisSettings, env: NodeJS.ProcessEnv): Promise<OwnServersResult> {
  const { kind } = settings.source
  const program = kind === 'embedded' ? null : await findNative(env)
  if (kind === 'local' && program === null) return { ok: false, cause: noNativeServer() }
  const servers = new Map<string, OwnServerLease>()
  const startAt = (place: Place | undefined, signal: AbortSignal): Promise<Started> =>
    program === null ? startEmbedded(signal, place) : startLocal(program, signal, place)
  const standard = new StandardPort(startAt)
  const starts = (port: ServerPort): Start =>
    port === 'standard' ? standard.forShard() : (signal) => startAt(undefined, signal)
  const databases = program === null ? EMBEDDED.databases : NATIVE_DATABASES
  return {
    ok: true,
    servers: {
      facts: await factsOf(program, kind),
      at(shard, port) {
        const key = `${shard} ${port}`
        const known = servers.get(key) ?? new OwnServerLease(starts(port), databases)
        servers.set(key, known)
        return known
      },
      async close() {
        await Promise.all([...servers.values()].map((server) => server.release()))
      },
    },
  }
}

async function factsOf(program: string | null, kind: RedisSettings['source']['kind']): Promise<ServerFacts> {
  const asked = kind === 'local' || kind === 'embedded' ? `${kind} was asked for` : 'a suite wants servers of its own'
  return {
    source: program === null ? 'embedded' : 'local',
    reason: `${asked}: ${program ?? 'the embedded Valkey'}`,
    address: 'redis://127.0.0.0/8 (one for each file)',
    product: program !== null && path.basename(program).startsWith('redis') ? 'redis' : 'valkey',
    version: program === null ? EMBEDDED.version : await versionOf(program),
    databases: program === null ? EMBEDDED.databases : NATIVE_DATABASES,
    control: 0,
    enforcement: { by: 'server', reason: 'each shard has a server of its own, which starts anew for each file' },
  }
}

/** '' when it does not say. */
async function versionOf(program: string): Promise<string> {
  const said = await promisify(execFile)(program, ['--version'], { timeout: 5_000 }).catch(() => null)
  return /\bv=(\S+)/.exec(said?.stdout ?? '')?.[1] ?? ''
}

/** A server in the place of a leased database. It is no lease: nobody else knows of it. */
class OwnServerLease implements Lease {
  readonly database = 0
  readonly fence = 0
  readonly #start: Start
  readonly #databases: readonly number[]
  readonly #closing = new AbortController()
  #server: OwnServer | null = null

  constructor(start: Start, databases: number) {
    this.#start = start
    this.#databases = Array.from({ length: databases }, (_, database) => database)
  }

  get connection(): Connection {
    if (this.#server === null) throw new Error('the server of a shard was asked for before it was opened')
    return connectionTo(addressOf(this.#server), 0)
  }

  async open(): Promise<{ readonly kind: 'ok' } | Trouble> {
    await this.#stop()
    const started = await this.#start(this.#closing.signal)
    if (!started.ok) return { kind: 'trouble', cause: started.cause }
    this.#server = started.server
    return { kind: 'ok' }
  }

  async clean(options?: { readonly processLives: boolean }): Promise<Cleaned> {
    const leftovers = await this.#leftovers(options?.processLives ?? false)
    await this.#stop()
    return { kind: 'ok', leftovers }
  }

  onLost(): void {}

  async release(): Promise<void> {
    this.#closing.abort()
    await this.#stop()
  }

  async #stop(): Promise<void> {
    await this.#server?.stop()
    this.#server = null
  }

  /** What the file left. A server that it shut down, or set a password on, has nothing to say any more. */
  async #leftovers(processLives: boolean): Promise<Leftovers> {
    if (this.#server === null) return { keys: 0 }
    const limit = AbortSignal.any([AbortSignal.timeout(LOOK_LIMIT_MS), this.#closing.signal])
    const opened = await AdminConnection.open(addressOf(this.#server), limit)
    if (!opened.ok) return { keys: 0 }
    const { connection } = opened
    // What waits for an answer then waits no more.
    limit.addEventListener('abort', () => connection.close())
    const [clients, left] = await Promise.all([
      processLives ? [] : new ClientWatch(connection, 'all').staying(),
      connection.run({
        script: 'leftovers',
        keys: [],
        args: [SAMPLED_KEYS, ...this.#databases],
        patienceMs: 0,
        repeatable: false,
      }),
    ])
    connection.close()
    const { keys, sample } = left.ok ? readSample(left.value) : { keys: 0, sample: [] }
    if (keys === 0 && (clients === null || clients.length === 0)) return { keys }
    return { keys, detail: leftBehind(sample, clients) }
  }
}
