import { randomUUID } from 'node:crypto'
import os from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cause } from '../core/ending.ts'
import type { ServerFacts } from '../core/events.ts'
import type { Grant, Lease, RedisServer } from '../core/ports.ts'
import { dropStaleUsers, LeaseUser, type Guard } from './acl.ts'
import { connectionTo } from './address.ts'
import { AWAY_LIMIT_MS, type AdminConnection } from './connection.ts'
import { LeaseHandle, OPEN_RECORD_MS, TTL_MS } from './lease.ts'
import { FENCES, recordKey } from './keys.ts'

const HEARTBEAT_MS = 5_000
/** Fences are kept this long after their last use; without them a fence is the server's time, which grows as well. */
const FENCES_MS = 7 * 24 * 3_600_000
/** How often a run that waits for a database asks again. */
const WAIT_PAUSE_MS = 200
/** An open run flushes larger databases in the background: 5,000 keys take about 5 ms, a million 1.1 s for everybody. */
const BACKGROUND_FLUSH_KEYS = 5_000

type LeaseRequest = Parameters<RedisServer['lease']>[0]

/** One answer of acquire.lua. */
interface Round {
  readonly leases: readonly Lease[]
  readonly skipped: readonly string[]
  readonly holders: readonly string[]
}

export interface LeaseDeskOptions {
  readonly connection: AdminConnection
  readonly facts: ServerFacts
  /** Databases that may be leased, without the control database. */
  readonly candidates: readonly number[]
  /** The embedded server has no threads: there a flush in the background takes as long and holds up everybody. */
  readonly embedded: boolean
  /** What keeps test code in its database. */
  readonly guard: Guard
  /** Whether replicas follow the server: then a grant counts once one of them has it, so that no failover loses it. */
  readonly replicated: boolean
}

/** Grants leases of one server, keeps them alive and gives them back. */
export class LeaseDesk {
  readonly #options: LeaseDeskOptions
  readonly #owner = randomUUID()
  readonly #held = new Set<LeaseHandle>()
  #heartbeat: NodeJS.Timeout | undefined
  #nextShard = 0

  constructor(options: LeaseDeskOptions) {
    this.#options = options
    options.connection.onGone(() => clearInterval(this.#heartbeat))
    options.connection.onUp(() => this.#renewAll())
  }

  /** See {@link RedisServer.lease}. */
  async lease(request: LeaseRequest): Promise<Grant> {
    const giveUp = performance.now() + request.waitMs
    let told = false
    for (;;) {
      const round = await this.#acquire(request)
      if ('cause' in round) return { kind: 'refused', cause: round.cause }
      if (round.leases.length > 0) return { kind: 'granted', ...round }
      if (round.holders.length === 0) return { kind: 'refused', cause: this.#allForeign(round.skipped) }
      const left = giveUp - performance.now()
      if (left <= 0 || request.signal.aborted) return { kind: 'refused', cause: this.#noneFree(round, request) }
      if (!told) request.onWait(round.holders)
      told = true
      await sleep(Math.min(left, WAIT_PAUSE_MS), undefined, { signal: request.signal }).catch(() => {})
    }
  }

  /** Gives back what is held. */
  async close(): Promise<void> {
    await Promise.all([...this.#held].map((lease) => lease.release()))
    clearInterval(this.#heartbeat)
  }

  async #acquire(request: LeaseRequest): Promise<Round | { readonly cause: Cause }> {
    const { connection, facts, candidates } = this.#options
    const sentAt = performance.now()
    const answer = await connection.run({
      script: 'acquire',
      keys: [FENCES, ...candidates.map(recordKey)],
      args: [
        facts.control,
        facts.databases,
        request.count,
        TTL_MS,
        OPEN_RECORD_MS,
        FENCES_MS,
        this.#owner,
        request.run,
        os.hostname(),
        process.pid,
        this.#nextShard,
        ...candidates,
      ],
      // A grant whose answer is lost expires by itself; sent twice, it could take twice as many.
      repeatable: false,
      patienceMs: AWAY_LIMIT_MS,
    })
    if (!answer.ok) return answer
    const reply = answer.value as
      | ['ok', [string, string][], [string, number][], [string, string, string, string][]]
      | ['rival', number]
    if (reply[0] === 'rival') return { cause: this.#rival(reply[1]) }
    const [, granted, skipped, holders] = reply
    if (granted.length > 0 && this.#options.replicated && !(await connection.replicated())) {
      // The grants expire by themselves.
      return { cause: this.#notReplicated() }
    }
    const { dialect } = this.#options.guard
    if (dialect !== null && granted.length > 0) {
      const stale = granted.map(([database, fence]) => ({ database: Number(database), fence: Number(fence) }))
      await dropStaleUsers(connection, stale)
    }
    return {
      leases: granted.map(([database, fence]) => this.#hold(Number(database), Number(fence), request.run, sentAt)),
      skipped: skipped.map(([database, keys]) => `${database}: holds ${plural(keys, 'key')} that are not ours`),
      holders: holders.map(
        ([database, run, host, since]) => `${database}: run ${run} on ${host}, since ${clock(since)}`,
      ),
    }
  }

  #hold(database: number, fence: number, run: string, provenAt: number): LeaseHandle {
    const { connection, facts, embedded, guard } = this.#options
    const user = guard.dialect === null ? null : new LeaseUser(connection, guard.dialect, database, fence)
    const login = user === null ? {} : { username: user.name, password: user.password }
    this.#nextShard++
    const lease = new LeaseHandle({
      connection,
      control: facts.control,
      database,
      fence,
      owner: this.#owner,
      run,
      // Asked for anew for every file: a server that is followed may have moved.
      get access() {
        return connectionTo({ ...connection.address, ...login }, database)
      },
      user,
      backgroundFlushKeys: embedded ? 0 : BACKGROUND_FLUSH_KEYS,
      provenAt,
      onEnd: () => this.#held.delete(lease),
    })
    this.#held.add(lease)
    this.#heartbeat ??= setInterval(() => this.#renewAll(), HEARTBEAT_MS).unref()
    return lease
  }

  #renewAll(): void {
    for (const held of this.#held) void held.renew()
  }

  #allForeign(skipped: readonly string[]): Cause {
    return {
      code: 'redis-foreign-data',
      message: `No database of ${this.#options.facts.address} can be used (${listed(skipped)}).`,
      remedy:
        "Data that is not tiershard's own is never flushed. Empty a database, or hand one over by name: tiershard redis adopt N.",
    }
  }

  #noneFree(round: Round, request: LeaseRequest): Cause {
    const waited = request.signal.aborted ? 'the wait was cancelled' : `waited ${request.waitMs / 1000} s`
    const passed = round.skipped.length > 0 ? ` Passed over: ${listed(round.skipped)}.` : ''
    return {
      code: 'redis-no-free-database',
      message: `No free database on ${this.#options.facts.address}, ${waited}. Held: ${listed(round.holders)}.${passed}`,
      remedy: 'Wait for the other run, start the server with more databases, or see `tiershard redis status`.',
    }
  }

  #notReplicated(): Cause {
    return {
      code: 'redis-replica-lag',
      message: `No replica of ${this.#options.facts.address} has confirmed the leases within 5 s: a failover would lose them.`,
      remedy: 'See INFO replication on the server: bring its replicas back, or detach the ones that are gone.',
    }
  }

  #rival(database: number): Cause {
    const { facts } = this.#options
    return {
      code: 'redis-no-free-database',
      message: `Another run keeps its leases in database ${database} of ${facts.address}, this one would keep them in database ${facts.control}: the two would not see each other.`,
      remedy: `Let all runs on one server use the same control database: name it in the URL or in the config, for example ${database}.`,
    }
  }
}

/** For a message: a server may have hundreds of databases. */
function listed(items: readonly string[]): string {
  const more = items.length > 10 ? `; and ${items.length - 10} more` : ''
  return items.slice(0, 10).join('; ') + more
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Time of day of a server timestamp in ms. */
function clock(ms: string): string {
  return new Date(Number(ms)).toTimeString().slice(0, 8)
}
