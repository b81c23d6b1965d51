import type { Redis } from 'ioredis'
import fc from '../property.ts'
import type { Lease, RedisServer } from '../../../src/core/ports.ts'
import { client, serverAt, startNative, type TestServer } from './servers.ts'

/**
 * Random schedules of what happens to one server: runs that lease, open, clean, give back and die, a stranger who writes
 * his own data, expiries, FLUSHALLs and restarts. A model says what must never happen.
 */
export type Step =
  | { readonly kind: 'lease' | 'open' | 'clean' | 'release' | 'kill'; readonly run: number }
  | { readonly kind: 'expire' | 'foreign'; readonly database: number }
  | { readonly kind: 'flushall' | 'reload' | 'restart' }

const RUNS = 4
/** Few databases, so that runs and strangers meet; database 0 holds the leases. */
const DATABASES = 4

const run = fc.nat(RUNS - 1)
const database = fc.integer({ min: 1, max: DATABASES - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('lease'), run }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('open'), run }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('clean'), run }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('release'), run }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill'), run }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('expire'), database }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('foreign'), database }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flushall') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reload') }) },
)

/** Rounds one after the other; the steps of a round at the same time. A restart is a round of its own. */
export const schedule: fc.Arbitrary<readonly (readonly Step[])[]> = fc.array(
  fc.oneof(
    { weight: 30, arbitrary: fc.array(step, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constant<Step[]>([{ kind: 'restart' }]) },
  ),
  { minLength: 3, maxLength: 14 },
)

interface Holder {
  readonly lease: Lease
  opened: boolean
  /** Its record expired, or went with all data: from then on somebody else may be granted its database. */
  voided: boolean
}

/** A stranger writes where neither a running file nor a marker says that what is there belongs to a run; leased or not. */
const FOREIGN_WRITE = `
redis.call('SELECT', 0)
if redis.call('HGET', 'tiershard:lease:' .. ARGV[1], 'open') == '1' then return 0 end
redis.call('SELECT', ARGV[1])
if redis.call('EXISTS', 'tiershard:owner') == 1 then return 0 end
redis.call('SET', ARGV[2], 1)
return 1`
/** As if 30 s had passed without a heartbeat: a clean record goes, an open one stays for a day. */
const EXPIRE = `
redis.call('SELECT', 0)
if redis.call('HGET', KEYS[1], 'open') == '1' then return redis.call('HSET', KEYS[1], 'expires', 1) end
return redis.call('DEL', KEYS[1])`
const COUNT_KEYS = `redis.call('SELECT', ARGV[1]) return redis.call('DBSIZE')`
const MISSING = `redis.call('SELECT', ARGV[1]) return 1 - redis.call('EXISTS', ARGV[2])`

/** One server, on which schedules are played one after the other. */
export class Playground {
  #server: TestServer
  #stranger: Redis
  #writes = 0
  /** How often each kind of step did something. */
  readonly effects = new Map<string, number>()

  private constructor(server: TestServer) {
    this.#server = server
    this.#stranger = client(server)
  }

  static async open(): Promise<Playground> {
    return new Playground(await startNative(OPTIONS))
  }

  async close(): Promise<void> {
    this.#stranger.disconnect()
    await this.#server.stop()
  }

  /** Plays a schedule; what happened that must not, in words. */
  async play(rounds: readonly (readonly Step[])[]): Promise<string[]> {
    await this.#stranger.flushall()
    const game = new Game(this.#server, this.#stranger, (kind) => {
      this.effects.set(kind, (this.effects.get(kind) ?? 0) + 1)
      return this.#writes++
    })
    try {
      await game.start()
      for (const steps of rounds) {
        if (steps[0]?.kind === 'restart') await this.#restart(game)
        else await Promise.all(steps.map((one) => game.play(one)))
        await game.checkForeign()
      }
    } finally {
      await game.close()
    }
    return game.wrong
  }

  /** Without its data: nothing is kept on disk. */
  async #restart(game: Game): Promise<void> {
    const { port } = this.#server
    await this.#server.stop()
    this.#stranger.disconnect()
    this.#server = await startNative(OPTIONS, { port })
    this.#stranger = client(this.#server)
    this.effects.set('restart', (this.effects.get('restart') ?? 0) + 1)
    game.everythingIsGone(this.#stranger)
  }
}

const OPTIONS = ['--databases', String(DATABASES), '--enable-debug-command', 'yes']

class Game {
  readonly wrong: string[] = []
  readonly #server: TestServer
  #stranger: Redis
  readonly #count: (kind: string) => number
  #runs: RedisServer[] = []
  readonly #all: RedisServer[] = []
  /** By run: what it believes it holds. */
  readonly #held = new Map<number, Holder[]>()
  readonly #granted = new Map<number, number>()
  #foreign = new Map<string, number>()

  constructor(server: TestServer, stranger: Redis, count: (kind: string) => number) {
    this.#server = server
    this.#stranger = stranger
    this.#count = count
  }

  async start(): Promise<void> {
    this.#runs = await Promise.all(Array.from({ length: RUNS }, () => this.#newRun()))
  }

  async play(one: Step): Promise<void> {
    switch (one.kind) {
      case 'lease':
        return this.#lease(one.run)
      case 'open':
        return this.#open(one.run)
      case 'clean':
        return this.#clean(one.run)
      case 'release':
        return this.#release(one.run)
      case 'kill':
        // It never does anything again; what it holds stays until it expires.
        this.#count('kill')
        this.#held.delete(one.run)
        this.#runs[one.run] = await this.#newRun()
        return
      case 'expire':
        return this.#expire(one.database)
      case 'foreign':
        return this.#write(one.database)
      case 'flushall':
        await this.#stranger.flushall()
        this.#count('flushall')
        return this.everythingIsGone(this.#stranger)
      case 'reload':
        // A restart with all of its data, without the wait.
        await this.#stranger.call('DEBUG', 'RELOAD')
        this.#count('reload')
        return
      case 'restart':
        throw new Error('a restart is a round of its own')
    }
  }

  everythingIsGone(stranger: Redis): void {
    this.#stranger = stranger
    this.#foreign = new Map()
    // The fences went too: the next one is the server's time, and the last one may have been a millisecond ahead of it.
    this.#granted.clear()
    for (const holder of this.#holders()) holder.voided = true
  }

  async checkForeign(): Promise<void> {
    for (const [key, index] of this.#foreign) {
      const missing = await this.#stranger.eval(MISSING, 0, index, key)
      if (missing === 1) this.wrong.push(`foreign key ${key} is gone from database ${index}`)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((server) => server.close()))
    await this.checkForeign()
  }

  #holders(): Holder[] {
    return [...this.#held.values()].flat()
  }

  async #newRun(): Promise<RedisServer> {
    const server = await serverAt(this.#server.url, { control: 0 })
    this.#all.push(server)
    return server
  }

  async #lease(index: number): Promise<void> {
    const { signal } = new AbortController()
    const request = { count: 1, run: `run-${index}`, waitMs: 0, onWait: () => {}, signal }
    const grant = await this.#runs[index]!.lease(request)
    if (grant.kind === 'refused') return
    this.#count('lease')
    for (const lease of grant.leases) {
      this.#granted.set(lease.database, Math.max(lease.fence, this.#granted.get(lease.database) ?? 0))
      this.#held.set(index, [...(this.#held.get(index) ?? []), { lease, opened: false, voided: false }])
    }
  }

  async #open(index: number): Promise<void> {
    const holder = this.#held.get(index)?.at(-1)
    if (!holder || holder.opened) return
    const newest = this.#granted.get(holder.lease.database) ?? 0
    const answer = await holder.lease.open()
    if (answer.kind !== 'ok') return this.#drop(index, holder)
    this.#count('open')
    this.#compare(holder, newest, 'opened')
    const { database } = holder.lease
    const others = this.#holders().filter((other) => other !== holder && other.lease.database === database)
    if (!holder.voided && others.some((other) => other.opened && !other.voided)) {
      this.wrong.push(`database ${database} was held twice`)
    }
    holder.opened = true
    if (!holder.voided && !this.#isForeign(database)) {
      const keys = await this.#stranger.eval(COUNT_KEYS, 0, database)
      if (keys !== 0 && !holder.voided && holder.opened) this.wrong.push(`database ${database} was not empty`)
    }
  }

  async #clean(index: number): Promise<void> {
    const holder = this.#held.get(index)?.at(-1)
    if (!holder?.opened) return
    const newest = this.#granted.get(holder.lease.database) ?? 0
    holder.opened = false
    const answer = await holder.lease.clean()
    if (answer.kind !== 'ok') return this.#drop(index, holder)
    this.#count('clean')
    this.#compare(holder, newest, 'cleaned')
  }

  async #release(index: number): Promise<void> {
    const holder = this.#held.get(index)?.at(-1)
    if (!holder) return
    this.#drop(index, holder)
    await holder.lease.release()
    this.#count('release')
  }

  /** An old holder must never get through once somebody else was granted its database. */
  #compare(holder: Holder, newest: number, what: string): void {
    const { database, fence } = holder.lease
    if (fence < newest)
      this.wrong.push(`database ${database} was ${what} with fence ${fence} after ${newest} was granted`)
  }

  #drop(index: number, holder: Holder): void {
    this.#held.set(
      index,
      (this.#held.get(index) ?? []).filter((other) => other !== holder),
    )
  }

  async #expire(database: number): Promise<void> {
    for (const holder of this.#holders()) if (holder.lease.database === database) holder.voided = true
    await this.#stranger.eval(EXPIRE, 1, `tiershard:lease:${database}`)
    for (const holder of this.#holders()) if (holder.lease.database === database) holder.voided = true
    this.#count('expire')
  }

  async #write(database: number): Promise<void> {
    const key = `theirs:${this.#count('attempt')}`
    const before = this.#foreign
    const written = await this.#stranger.eval(FOREIGN_WRITE, 0, database, key)
    // A FLUSHALL at the same time may have come before or after it.
    if (written !== 1 || before !== this.#foreign) return
    this.#count('foreign')
    this.#foreign.set(key, database)
  }

  #isForeign(database: number): boolean {
    return [...this.#foreign.values()].includes(database)
  }
}
