import { setTimeout as sleep } from 'node:timers/promises'
import { unreachable, type Cause, type CauseCode } from '../core/ending.ts'
import type { Event } from '../core/events.ts'
import type { Finding } from '../core/findings.ts'
import type { RedisServer } from '../core/ports.ts'
import type { Ledger } from './ledger.ts'

/** How often the server is looked at while it is fit, ms. */
const SAMPLE_MS = 1_000
/** How often while it is not, ms. */
const PROBE_MS = 250
/** Trouble this soon after the end of an outage belongs to it: its limit goes on. */
const SETTLED_MS = 5_000

/** Keeps a run from starting files on a server that is not fit, and knows which files it spoiled. One a run. */
export interface Guard {
  /** Resolves when files may start, and when the server has been given up. */
  calm(): Promise<void>
  /** Somebody met this trouble: nothing starts until the server has proved to be fit. */
  suspect(cause: Cause): void
  /** What was wrong with the server at any time since then (performance.now()); looks at it first. null: nothing. */
  blame(since: number): Promise<Cause | null>
  /** Why the server was given up: it was unfit for longer than the patience, or a server of ours ended. */
  readonly failed: Cause | null
  /** Calls back once when the server is given up, at once if it has been. Returns what ends the subscription. */
  onFailed(callback: (cause: Cause) => void): () => void
  stop(): void
}

/** Causes of a server that does not answer at all, or cannot be reached through its cluster. */
const AWAY: ReadonlySet<CauseCode> = new Set([
  'redis-unreachable',
  'redis-timeout',
  'redis-went-away',
  'kubernetes-unreachable',
  'kubernetes-not-found',
  'kubernetes-not-ready',
  'kubernetes-error',
])

interface Outage {
  readonly cause: Cause
  /** From the last proof that all was well; monotonic, as all times here. */
  readonly from: number
  readonly pausedAt: number
  to: number | null
}

/** Whether trouble may pass by itself, or by the hand of whoever looks after the server. */
export function mayPass(code: CauseCode): boolean {
  switch (code) {
    case 'redis-unreachable':
    case 'redis-timeout':
    case 'redis-read-only':
    case 'redis-out-of-memory':
    case 'redis-loading':
    case 'redis-went-away':
    case 'redis-slow':
    case 'redis-too-many-clients':
    case 'redis-error':
    case 'redis-no-master':
    case 'redis-two-masters':
    case 'sentinel-unreachable':
    case 'sentinel-no-quorum':
    case 'kubernetes-unreachable':
    // The pods were there when the run began: a StatefulSet may be starting them again.
    case 'kubernetes-not-found':
    case 'kubernetes-not-ready':
    case 'kubernetes-error':
      return true
    case 'redis-not-redis':
    case 'redis-auth':
    case 'redis-denied':
    case 'redis-cluster':
    case 'redis-too-few-databases':
    case 'redis-no-free-database':
    case 'redis-foreign-data':
    case 'redis-start-failed':
    // Whatever else is well with the server: its leases would not be safe, and each try for new ones takes 5 s.
    case 'redis-replica-lag':
    case 'redis-tls':
    case 'redis-certificate':
    case 'redis-sentinel-port':
    case 'sentinel-unknown-master':
    case 'kubernetes-config':
    case 'kubernetes-denied':
    case 'route-without-tls':
    case 'port-taken':
    // A service that failed once would fail the next files as well; one that lives for a file starts anew anyway.
    case 'service-not-found':
    case 'service-no-secret':
    case 'service-exited':
    case 'service-not-ready':
    case 'service-went-away':
    case 'service-setup-failed':
    case 'postgres-unreachable':
    case 'postgres-auth':
    case 'postgres-denied':
    case 'postgres-error':
    case 'lease-lost':
    case 'engine-failed':
      return false
    default:
      return unreachable(code)
  }
}

/** A run without Redis has nothing to guard. */
export const NO_GUARD: Guard = {
  calm: () => Promise.resolve(),
  suspect: () => {},
  blame: () => Promise.resolve(null),
  failed: null,
  onFailed: () => () => {},
  stop: () => {},
}

/** @param patienceMs how long the server may be unfit before it is given up */
export function openGuard(redis: RedisServer, ledger: Ledger, patienceMs: number): Guard {
  return new ServerGuard(redis, ledger, patienceMs)
}

class ServerGuard implements Guard {
  readonly #redis: RedisServer
  readonly #ledger: Ledger
  readonly #patienceMs: number
  readonly #timer: NodeJS.Timeout
  readonly #outages: Outage[] = []
  readonly #listeners = new Set<(cause: Cause) => void>()
  readonly #warned = new Set<string>()
  #incarnation: string | null = null
  #fitAt = performance.now()
  /** When the patience began; outages that follow each other closely share it. */
  #patientSince = 0
  #looking: Promise<void> | null = null
  #outage: Outage | null = null
  #calm = Promise.withResolvers<void>()
  #stopped = false
  failed: Cause | null = null

  constructor(redis: RedisServer, ledger: Ledger, patienceMs: number) {
    this.#redis = redis
    this.#ledger = ledger
    this.#patienceMs = patienceMs
    // What the preflight has said already is not said again.
    for (const { check, severity } of redis.findings) this.#warned.add(`${check} ${severity}`)
    redis.onGone((cause) => this.#fail(cause))
    void this.#look()
    this.#timer = setInterval(() => {
      if (this.#outage === null) void this.#look()
    }, SAMPLE_MS).unref()
  }

  calm(): Promise<void> {
    return this.#outage === null || this.failed || this.#stopped ? Promise.resolve() : this.#calm.promise
  }

  suspect(cause: Cause): void {
    this.#pause(cause)
  }

  async blame(since: number): Promise<Cause | null> {
    // A look that is under way began before whatever is asked about.
    await this.#looking
    if (this.#outage === null && !this.failed) await this.#look()
    if (this.failed) return this.failed
    return this.#outages.find(({ to }) => to === null || to >= since)?.cause ?? null
  }

  onFailed(callback: (cause: Cause) => void): () => void {
    if (this.failed) callback(this.failed)
    else this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    this.#calm.resolve()
  }

  /** Looks at the server; what it sees is acted on when this resolves. One look at a time serves everybody. */
  #look(): Promise<void> {
    this.#looking ??= this.#sample().finally(() => (this.#looking = null))
    return this.#looking
  }

  async #sample(): Promise<void> {
    const sentAt = performance.now()
    const pulse = await this.#redis.pulse()
    if (this.#stopped || this.failed) return
    if (!pulse.ok) return this.#pause(pulse.cause)
    this.#ledger.emit({ type: 'server-sampled', ...pulse.sample })
    const { address } = this.#redis.facts
    for (const found of pulse.warnings) {
      const { check, severity } = found
      if (this.#warned.has(`${check} ${severity}`)) continue
      this.#warned.add(`${check} ${severity}`)
      this.#ledger.emit(findingNotice(found, address))
    }
    const restarted =
      this.#incarnation !== null && pulse.incarnation !== null && pulse.incarnation !== this.#incarnation
    this.#incarnation = pulse.incarnation ?? this.#incarnation
    // It was away between two looks, for too short a time to be caught: what ran meanwhile was hit all the same.
    if (restarted && this.#outage === null) this.#pause(restartedCause(address))
    this.#resume(sentAt)
  }

  #pause(cause: Cause): void {
    if (this.#outage || this.failed || this.#stopped) return
    const now = performance.now()
    const last = this.#outages.at(-1)
    if (last?.to === undefined || last.to === null || now - last.to > SETTLED_MS) this.#patientSince = now
    this.#outage = { cause, from: this.#fitAt, pausedAt: now, to: null }
    this.#outages.push(this.#outage)
    this.#calm = Promise.withResolvers()
    this.#ledger.emit({ type: 'dispatch-paused', cause, limitMs: this.#patienceMs })
    void this.#probe(this.#outage)
  }

  async #probe(outage: Outage): Promise<void> {
    for (;;) {
      const left = this.#patienceMs - (performance.now() - this.#patientSince)
      if (left <= 0) return this.#giveUp(outage.cause)
      await sleep(Math.min(PROBE_MS, left), undefined, { ref: false })
      if (this.#outage !== outage || this.#stopped || this.failed) return
      await this.#look()
    }
  }

  /** @param provenAt when the look began that found the server fit */
  #resume(provenAt: number): void {
    const outage = this.#outage
    if (outage !== null && provenAt < outage.pausedAt) return
    this.#fitAt = provenAt
    if (outage === null) return
    outage.to = performance.now()
    this.#outage = null
    const pausedMs = Math.round(outage.to - outage.pausedAt)
    this.#ledger.emit({ type: 'dispatch-resumed', cause: outage.cause, pausedMs })
    this.#calm.resolve()
  }

  #giveUp(cause: Cause): void {
    this.#fail(cause)
    // One that answers still takes its leases back; for the answers of one that does not, nobody waits.
    if (AWAY.has(cause.code)) this.#redis.giveUp(cause)
  }

  #fail(cause: Cause): void {
    if (this.failed || this.#stopped) return
    this.failed = cause
    clearInterval(this.#timer)
    this.#calm.resolve()
    for (const listener of this.#listeners) listener(cause)
  }
}

/** A finding as the run tells it. */
export function findingNotice(found: Finding, address: string): Extract<Event, { type: 'notice' }> {
  const message =
    found.severity === 'error' ? `${found.cause.message} ${found.cause.remedy}` : withRemedy(found, address)
  return { type: 'notice', level: found.severity === 'ok' ? 'info' : 'warning', code: `redis-${found.check}`, message }
}

function withRemedy(found: Exclude<Finding, { severity: 'error' }>, address: string): string {
  return `The Redis at ${address}: ${found.evidence}.${found.severity === 'warning' ? ` ${found.remedy}` : ''}`
}

function restartedCause(address: string): Cause {
  return {
    code: 'redis-went-away',
    message: `The Redis at ${address} was restarted while files ran.`,
    remedy: 'Find out why: its log, its memory limit, or somebody who restarts it.',
  }
}
