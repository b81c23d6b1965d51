import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import type { Cause } from '../core/ending.ts'
import type { Address } from './address.ts'
import { connectCause, goneCause, isExplained, replyCause } from './causes.ts'
import type { Info } from './checks.ts'
import { wrongScheme } from './diagnose.ts'
import { following } from './follow.ts'
import { roleInInfo, roleOf, type Role } from './role.ts'
import { tlsOptions } from './tls.ts'

/** From the dial to the answer of the server. */
const CONNECT_LIMIT_MS = 5_000
/** No command of ours takes this long on a server that works; the largest flush on the embedded server took 0.8 s. */
const COMMAND_LIMIT_MS = 10_000
/** How long a server may be away before the run gives it up. Leases live for 20 s without a heartbeat. */
export const AWAY_LIMIT_MS = 10_000

/** The longest script of ours takes less than a second. */
const SILENCE_LIMIT_MS = 3_000
const REPLICATION_LIMIT_MS = 5_000
/** WAIT holds up everything behind it, heartbeats too, and counts as silence; so it is asked again and again. */
const REPLICATION_WAIT_MS = 200
/** After this, a server that has not answered to TLS is asked whether it speaks plain Redis. */
const SCHEME_PATIENCE_MS = 1_000

const SCRIPTS = [
  'probe',
  'pulse',
  'acquire',
  'open',
  'leftovers',
  'clean',
  'renew',
  'release',
  'status',
  'adopt',
  'revoke',
] as const
export type ScriptName = (typeof SCRIPTS)[number]

export type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly cause: Cause }

/** One of our scripts, or a command as it is. */
export type Call = (
  | { readonly script: ScriptName; readonly keys: readonly string[] }
  | { readonly command: 'ACL' | 'CLIENT' }
) &
  CallOptions

interface CallOptions {
  readonly args: readonly (string | number)[]
  /** How long a connection that is down is waited for, ms; at most {@link AWAY_LIMIT_MS}. */
  readonly patienceMs: number
  /** Whether it may run twice for one call: then it is sent again when its answer was lost. */
  readonly repeatable: boolean
}

/**
 * The one connection over which leases are taken, renewed and flushed. It never selects a database: every script does so
 * itself, because a client whose SELECT failed goes on with database 0 (redis.md: `new Redis({ db: 99 }).flushdb()`
 * wiped database 0). Nothing is sent twice unless {@link Call.repeatable} says that it may.
 */
export class AdminConnection {
  #address: Address
  readonly #redis: Redis
  #established = false
  #closed = false
  /** The first error since the connection last worked. */
  #error: Error | null = null
  #connected = false
  #gone: Cause | null = null
  /** How long the server may be away, ms. */
  readonly #awayLimitMs: number
  #awayTimer: NodeJS.Timeout | undefined
  readonly #listeners: ((cause: Cause) => void)[] = []
  #times = 0
  readonly #upListeners: (() => void)[] = []
  /** Whoever waits for the connection; ioredis tells nobody that it stopped trying. */
  readonly #waiting = new Set<() => void>()

  private constructor(address: Address, patienceMs: number) {
    this.#address = address
    this.#awayLimitMs = AWAY_LIMIT_MS + patienceMs
    this.#redis = new Redis({
      ...(address.socket === undefined ? { host: address.host, port: address.port } : { path: address.socket }),
      ...(address.username === null ? {} : { username: address.username }),
      ...(address.password === null ? {} : { password: address.password }),
      ...(address.tls ? { tls: tlsOptions(address.host, address.secure) } : {}),
      ...(address.follow === undefined
        ? {}
        : {
            Connector: following(address.follow, (moved) => (this.#address = moved)),
            // A master that hangs keeps its connections; its successor is found by dialling again.
            socketTimeout: SILENCE_LIMIT_MS,
          }),
      lazyConnect: true,
      connectionName: 'tiershard',
      disableClientInfo: true,
      enableReadyCheck: false,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_LIMIT_MS,
      commandTimeout: COMMAND_LIMIT_MS,
      keepAlive: 10_000,
      retryStrategy: (times) => (this.#established ? Math.min(50 * times, 1_000) : null),
    })
    for (const name of SCRIPTS) this.#redis.defineCommand(commandName(name), { lua: source(name) })
    this.#redis.on('error', (error: Error) => (this.#error ??= error))
    this.#redis.on('connect', () => (this.#connected = true))
    this.#redis.on('ready', () => this.#up())
    this.#redis.on('close', () => this.#down())
  }

  /**
   * Dials, and waits for the server's first answer: at most 5 s.
   *
   * @param patienceMs how much longer than {@link AWAY_LIMIT_MS} a server that went away is waited for
   */
  static async open(
    address: Address,
    signal: AbortSignal,
    patienceMs = 0,
  ): Promise<{ ok: true; connection: AdminConnection } | { ok: false; cause: Cause }> {
    const connection = new AdminConnection(address, patienceMs)
    const limit = AbortSignal.timeout(CONNECT_LIMIT_MS)
    const connecting = settled(connection.#redis.connect(), AbortSignal.any([limit, signal]))
    // A plain server does not answer to TLS at all: there is no need to sit out the limit.
    const early = address.tls
      ? after(SCHEME_PATIENCE_MS, connecting).then((silent) => (silent ? wrongScheme(address) : null))
      : null
    const wrong = early?.then((cause) => cause ?? new Promise<never>(() => {}))
    const up = await Promise.race(wrong === undefined ? [connecting] : [connecting, wrong])
    if (up === true) {
      connection.#established = true
      return { ok: true, connection }
    }
    const certain =
      typeof up === 'object'
        ? up
        : signal.aborted || isExplained(connection.#error)
          ? null
          : await (early ?? wrongScheme(address))
    const cause =
      address.problem?.() ??
      certain ??
      connectCause({
        label: address.label,
        tls: address.tls,
        password: address.password !== null,
        error: connection.#error,
        connected: connection.#connected,
        limitMs: limit.aborted ? CONNECT_LIMIT_MS : null,
      })
    connection.close()
    return { ok: false, cause: address.explain?.(cause) ?? cause }
  }

  /** Where the server is; one that is followed may move. */
  get address(): Address {
    return this.#address
  }

  /** How often it has been up so far. */
  get times(): number {
    return this.#times
  }

  /** Calls back each time that the connection is up again. */
  onUp(callback: () => void): void {
    this.#upListeners.push(callback)
  }

  /**
   * Waits until a replica has what this connection wrote, at most 5 s; false: none has. After a failover, there may be no
   * replica any more that could.
   */
  async replicated(): Promise<boolean> {
    const role = await this.role(null)
    if (role?.kind === 'master' && role.replicas === 0) return true
    const over = this.#times
    for (const begun = performance.now(); performance.now() - begun < REPLICATION_LIMIT_MS;) {
      const replicas = await this.#redis.wait(1, REPLICATION_WAIT_MS).catch(() => -1)
      // A new connection has written nothing yet: its WAIT is true at once.
      if (replicas < 0 || this.#times !== over) return false
      if (replicas > 0) return true
    }
    return false
  }

  /** INFO as a table; null when the user may not call it. */
  async info(): Promise<Info | null> {
    const text = await this.#redis.info().catch(() => null)
    if (text === null) return null
    return new Map([...text.matchAll(/^([^#:\r\n]+):([^\r\n]*)/gm)].map(([, key, value]) => [key!, value!]))
  }

  /** ROLE, or what INFO says where the user may not call it; null when neither tells. */
  async role(info: Info | null): Promise<Role | null> {
    const reply = await this.#redis.role().catch(() => null)
    return roleOf(reply) ?? roleInInfo(info)
  }

  /** Round trips one after the other, ms; fewer than asked for when the time is over or the connection breaks. */
  async pings(count: number, limitMs: number): Promise<number[]> {
    const took: number[] = []
    for (const begun = performance.now(); took.length < count && performance.now() - begun < limitMs;) {
      const sentAt = performance.now()
      const answered = await this.#redis.ping().then(
        () => true,
        () => false,
      )
      if (!answered) break
      took.push(performance.now() - sentAt)
    }
    return took
  }

  /** Runs one of our scripts or a command. Answers within 10 s and the patience; errors come as a cause. */
  async run(call: Call): Promise<Answer> {
    const giveUp = performance.now() + call.patienceMs
    for (;;) {
      if (this.#gone) return { ok: false, cause: this.#gone }
      let sent = false
      try {
        if (this.#redis.status === 'ready') {
          sent = true
          return { ok: true, value: await this.#send(call) }
        }
      } catch (error) {
        const cause = this.#judge(error as Error)
        if (cause) return { ok: false, cause }
      }
      if (this.#closed || performance.now() >= giveUp || (sent && !call.repeatable)) {
        return { ok: false, cause: this.#gone ?? this.#away() }
      }
      await this.#nextChange(giveUp - performance.now())
    }
  }

  /** Calls back once when the server is given up; at once if it has been already. */
  onGone(callback: (cause: Cause) => void): void {
    if (this.#gone) callback(this.#gone)
    else this.#listeners.push(callback)
  }

  /** Declares the server gone: its process ended, or it stays silent. */
  giveUp(cause: Cause): void {
    if (this.#gone || this.#closed) return
    this.#gone = cause
    clearTimeout(this.#awayTimer)
    this.#redis.disconnect()
    for (const wake of this.#waiting) wake()
    for (const listener of this.#listeners) listener(cause)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#awayTimer)
    this.#redis.disconnect()
    for (const wake of this.#waiting) wake()
  }

  #send(call: Call): Promise<unknown> {
    if ('command' in call) return this.#redis.call(call.command, ...call.args)
    const commands = this.#redis as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
    return commands[commandName(call.script)]!(call.keys.length, ...call.keys, ...call.args)
  }

  /** The cause of an error that another try would not change; null when the connection broke. */
  #judge(error: Error): Cause | null {
    if (error.name === 'ReplyError') return replyCause(error, this.address.label, this.address.password !== null)
    if (error.message !== 'Command timed out') return null
    const cause = goneCause(this.address.label, `it did not answer within ${COMMAND_LIMIT_MS / 1000} s`)
    // It hung for as long as it may be away; with more patience, a new connection finds out when it answers again.
    if (this.#awayLimitMs <= COMMAND_LIMIT_MS) this.giveUp(cause)
    else this.#redis.disconnect(true)
    return cause
  }

  #up(): void {
    this.#error = null
    this.#times++
    clearTimeout(this.#awayTimer)
    this.#awayTimer = undefined
    for (const listener of this.#upListeners) listener()
  }

  #down(): void {
    if (!this.#established || this.#closed || this.#gone || this.#awayTimer) return
    this.#awayTimer = setTimeout(() => {
      this.giveUp(this.#away())
    }, this.#awayLimitMs)
  }

  /** Why the server cannot be reached: something on the way to it, if that is known, else what the client saw. */
  #away(): Cause {
    return this.address.problem?.() ?? goneCause(this.address.label, this.#why())
  }

  #why(): string {
    return this.#error?.message ?? 'it closed the connection'
  }

  /** Resolves when the connection is up again or given up, at the latest after `limitMs`. */
  async #nextChange(limitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        this.#redis.off('ready', done)
        this.#redis.off('end', done)
        resolve()
      }
      // A client that is up already has no change to wait for: the next try is due after a breath.
      const timer = setTimeout(done, this.#redis.status === 'ready' ? 10 : Math.max(0, limitMs))
      this.#waiting.add(done)
      this.#redis.once('ready', done)
      this.#redis.once('end', done)
    })
  }
}

function commandName(script: ScriptName): string {
  return `tiershard:${script}`
}

const sources = new Map<ScriptName, string>()

/** Read once: a connection is opened for every file of a suite with servers of its own. */
function source(script: ScriptName): string {
  // From dist/redis/ as well: the Lua files are not copied there.
  const lua = sources.get(script) ?? readFileSync(new URL(`../../src/redis/lua/${script}.lua`, import.meta.url), 'utf8')
  sources.set(script, lua)
  return lua
}

/** Whether the promise fulfilled before the signal. */
async function settled(promise: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  const aborted = new Promise<false>((resolve) => {
    if (signal.aborted) resolve(false)
    else signal.addEventListener('abort', () => resolve(false), { once: true })
  })
  const done = promise.then(
    () => true,
    () => false,
  )
  return Promise.race([done, aborted])
}

/** Whether the promise takes longer than this. */
async function after(ms: number, promise: Promise<boolean>): Promise<boolean> {
  const late = AbortSignal.timeout(ms)
  await settled(promise, late)
  return late.aborted || !(await promise)
}
