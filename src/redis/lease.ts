import type { Cleaned, Connection, Lease, Trouble } from '../core/ports.ts'
import type { Leftovers } from '../core/events.ts'
import { unreachable } from '../core/ending.ts'
import type { LeaseUser } from './acl.ts'
import { ClientWatch } from './clients.ts'
import { AWAY_LIMIT_MS, type AdminConnection, type Answer, type Call } from './connection.ts'
import { denialWords } from './denials.ts'
import { recordKey } from './keys.ts'
import { leftBehind, readSample, SAMPLED_KEYS } from './leaks.ts'

/** A lease that is not renewed for this long may be given to somebody else. */
export const TTL_MS = 30_000
/** A holder that could not renew for this long gives itself up: 10 s before anybody else can be granted the database. */
const GIVE_UP_MS = 20_000
const RELEASE_PATIENCE_MS = 1_000
/** How long after a crash the data of an unfinished file still counts as ours. */
export const OPEN_RECORD_MS = 24 * 3_600_000

export interface LeaseOptions {
  readonly connection: AdminConnection
  readonly control: number
  readonly database: number
  readonly fence: number
  readonly owner: string
  readonly run: string
  /** What test code gets. */
  readonly access: Connection
  /** The user that test code logs in as; null: nothing is enforced. */
  readonly user: LeaseUser | null
  /** Databases with more keys are flushed in the background; 0: never. */
  readonly backgroundFlushKeys: number
  /** When the grant was asked for; monotonic, ms. */
  readonly provenAt: number
  /** Called once when it was released or lost. */
  readonly onEnd: () => void
}

/** What the lease scripts answer; see the headers of the Lua files. */
type Reply = ['ok', number?] | ['lost', string, string] | ['newer', string] | ['foreign', number]

/** One lease in the hands of its holder. Once lost it stays lost: it is never acquired again in silence. */
export class LeaseHandle implements Lease {
  readonly database: number
  readonly fence: number
  readonly #options: LeaseOptions
  readonly #clients: ClientWatch
  /** When the server last confirmed the lease, by our monotonic clock: jumps of the wall clock do not matter. */
  #provenAt: number
  #state: 'held' | 'lost' | 'released' = 'held'
  #lostMessage = ''
  #renewing = false
  readonly #listeners: ((message: string) => void)[] = []

  constructor(options: LeaseOptions) {
    this.#options = options
    this.database = options.database
    this.fence = options.fence
    this.#provenAt = options.provenAt
    const { connection, user, database } = options
    this.#clients = new ClientWatch(connection, user === null ? { database } : { user: user.name })
  }

  get connection(): Connection {
    return this.#options.access
  }

  async open(): Promise<{ readonly kind: 'ok' } | Trouble> {
    if (this.#state !== 'held') return this.#ended()
    // The user first: a holder that made it and then turns out to have lost the lease deletes it again (#lose).
    const [admitted, answer] = await Promise.all([
      this.#options.user?.admit(),
      this.#call('open', [TTL_MS, OPEN_RECORD_MS, this.#options.backgroundFlushKeys]),
    ])
    if (answer.kind !== 'ok') return answer
    return admitted && !admitted.ok ? { kind: 'trouble', cause: admitted.cause } : { kind: 'ok' }
  }

  async clean(options?: { readonly processLives: boolean }): Promise<Cleaned | Trouble> {
    if (this.#state !== 'held') return this.#ended()
    // Sent together, and answered in this order: what is left is looked at before it is flushed.
    const [clients, denials, left, answer] = await Promise.all([
      options?.processLives ? [] : this.#clients.staying(),
      this.#options.user?.denials() ?? [],
      this.#look(),
      this.#call('clean', [TTL_MS, this.#options.run, this.#options.backgroundFlushKeys]),
    ])
    if (answer.kind !== 'ok') return answer
    const nothing = answer.number === 0 && (clients === null || clients.length === 0)
    const leftovers: Leftovers = {
      keys: answer.number,
      ...(nothing ? {} : { detail: leftBehind(left, clients) }),
    }
    return { kind: 'ok', leftovers, ...(denials.length > 0 ? { departures: denials.map(denialWords) } : {}) }
  }

  /** A sample of the keys in the database; it is only a report, so that nothing is lost with it. */
  async #look(): Promise<ReturnType<typeof readSample>['sample']> {
    const answer = await this.#options.connection.run({
      script: 'leftovers',
      keys: [],
      args: [SAMPLED_KEYS, this.database],
      patienceMs: 0,
      repeatable: false,
    })
    return answer.ok ? readSample(answer.value).sample : []
  }

  onLost(callback: (message: string) => void): void {
    if (this.#state === 'lost') callback(this.#lostMessage)
    else this.#listeners.push(callback)
  }

  async release(): Promise<void> {
    if (this.#state !== 'held') return
    this.#state = 'released'
    this.#options.onEnd()
    await this.#options.user?.expel()
    // If this fails, the lease expires, and the next holder finds a record or a marker of ours.
    await this.#options.connection.run(this.#script('release', [this.#options.backgroundFlushKeys]))
  }

  /** The heartbeat. A failure is not yet a loss: the holder goes on until {@link GIVE_UP_MS} after the last success. */
  async renew(): Promise<void> {
    if (performance.now() - this.#provenAt > GIVE_UP_MS) {
      this.#lose(`The lease of database ${this.database} could not be renewed for ${GIVE_UP_MS / 1000} s.`)
    }
    if (this.#renewing || this.#state !== 'held') return
    this.#renewing = true
    const { control, owner, fence, connection } = this.#options
    const sentAt = performance.now()
    const answer = await connection.run({
      script: 'renew',
      keys: [recordKey(this.database)],
      args: [control, owner, String(fence), TTL_MS, OPEN_RECORD_MS],
      patienceMs: AWAY_LIMIT_MS,
      repeatable: true,
    })
    this.#renewing = false
    // Only for a lease that is proven: the server may be another one than before.
    if (answer.ok && this.#judge(answer, sentAt).kind === 'ok') await this.#options.user?.keep()
  }

  async #call(
    script: 'open' | 'clean',
    args: readonly (string | number)[],
  ): Promise<{ kind: 'ok'; number: number } | Trouble> {
    if (this.#state !== 'held') return this.#ended()
    const sentAt = performance.now()
    return this.#judge(await this.#options.connection.run(this.#script(script, args)), sentAt)
  }

  #script(script: 'open' | 'clean' | 'release', args: readonly (string | number)[]): Call {
    const { control, owner, fence, database } = this.#options
    return {
      script,
      keys: [recordKey(database)],
      args: [control, database, owner, String(fence), ...args],
      // Giving back is not worth a long wait: a lease expires by itself.
      patienceMs: script === 'release' ? RELEASE_PATIENCE_MS : AWAY_LIMIT_MS,
      repeatable: true,
    }
  }

  #judge(answer: Answer, sentAt: number): { kind: 'ok'; number: number } | Trouble {
    // It may have been released or given up while the answer was on its way.
    if (this.#state !== 'held') return this.#ended()
    if (!answer.ok) return { kind: 'trouble', cause: answer.cause }
    const reply = answer.value as Reply
    switch (reply[0]) {
      case 'ok':
        this.#provenAt = sentAt
        return { kind: 'ok', number: reply[1] ?? 0 }
      case 'lost':
        return this.#lose(lostMessage(this.database, reply[1], reply[2]))
      case 'newer':
        return this.#lose(
          `Database ${this.database} was marked by a newer holder (fence ${reply[1]}, ours is ${this.fence}).`,
        )
      case 'foreign':
        return { kind: 'trouble', cause: foreignCause(this.database, reply[1]) }
      default:
        return unreachable(reply)
    }
  }

  #lose(message: string): Trouble {
    if (this.#state === 'held') {
      this.#state = 'lost'
      this.#lostMessage = message
      this.#options.onEnd()
      void this.#options.user?.expel()
      for (const listener of this.#listeners) listener(message)
    }
    return this.#ended()
  }

  #ended(): Trouble {
    return {
      kind: 'lost',
      message: this.#state === 'lost' ? this.#lostMessage : `The lease of database ${this.database} was released.`,
    }
  }
}

function lostMessage(database: number, run: string, host: string): string {
  return run === ''
    ? `The lease of database ${database} is gone from the server: a FLUSHALL, a restart without its data, or a failover that lost it.`
    : `Database ${database} was given to run ${run} on ${host}.`
}

function foreignCause(database: number, keys: number) {
  return {
    code: 'redis-foreign-data' as const,
    message: `Database ${database} got ${keys} key${keys === 1 ? '' : 's'} that are not ours between the lease and the file.`,
    remedy:
      "Find out what else uses this server. Data that is not tiershard's own is never flushed; hand it over by name: tiershard redis adopt N.",
  }
}
