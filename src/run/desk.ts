import { unreachable, type Cause } from '../core/ending.ts'
import type { CollectedTest, ErrorRecord, LeakedProcess, PlannedFile, TestResult } from '../core/events.ts'
import type { Desk, Execution, FileStop, Lease, OwnServers } from '../core/ports.ts'
import type { Seat, Trouble } from '../core/ports.ts'
import type { Death, ServiceAccess, Services } from '../core/service-ports.ts'
import type { SuiteSettings } from '../core/settings.ts'
import { Attempts, type Attempt } from './attempts.ts'
import { byTests, decide } from './endings.ts'
import { seatEnvironment, type SeatFacts } from './environment.ts'
import { watchFailures, type FailureWatch, type Halt } from './fail-fast.ts'
import { departureErrors, leakErrors } from './findings.ts'
import { mayPass, NO_GUARD, type Guard } from './guard.ts'
import type { Lane, Lanes } from './lanes.ts'
import type { Ledger } from './ledger.ts'
import type { TierPlan } from './plan.ts'
import { RetryLimit } from './retry-limit.ts'
import { closeServices, openServices } from './seat-services.ts'
import { UnderWay } from './under-way.ts'

/** What the desks of one tier have in common; there is more than one when copies of a file run at once. */
export interface TierState {
  readonly lostLanes: Set<Lane>
  /** Counts failures over all desks; made by the first one, whose halt reaches the others. */
  failFast: FailureWatch | null
  /** Attempts at each file that got a seat. */
  readonly seated: Map<string, number>
}

export function tierState(): TierState {
  return { lostLanes: new Set(), failFast: null, seated: new Map() }
}

/** What cleaning a database gave; null for a file without one. */
type Flushed = Awaited<ReturnType<Lease['clean']>> | null

/** What a desk works with. */
export interface DeskParts {
  readonly tier: TierPlan
  readonly lanes: Lanes
  readonly ledger: Ledger
  readonly run: string
  readonly state: TierState
  /** For suites with `isolation: 'server'`; null when there is none. */
  readonly servers: OwnServers | null
  /** Absent when no suite names a service. */
  readonly services?: Services | null
  readonly guard: Guard
}

/** The run's side of an engine's execution: seats, deadlines of files, endings. One a tier. */
export class TierDesk implements Desk {
  /** Resolves when the tier is halted. */
  readonly whenHalted: Promise<void>
  readonly #parts: DeskParts
  readonly #plans: ReadonlyMap<string, PlannedFile>
  /** Where the files stand in the plan: two engines ask for lanes, each in its own time. */
  readonly #places: ReadonlyMap<string, number>
  readonly #suites: ReadonlyMap<string, SuiteSettings>
  readonly #attempts: Attempts
  readonly #failFast: FailureWatch
  /** The time that retries may take. */
  readonly retryLimit: RetryLimit
  /** Databases that are being opened for a file, or flushed behind one. */
  readonly #underWay = new UnderWay()
  /** Aborted when the tier is halted. */
  readonly #halting = new AbortController()
  readonly #announceHalt: () => void
  #execution: Execution | null = null
  #halted: Halt | null = null
  #starts = 0

  constructor(parts: DeskParts) {
    const { tier, ledger, state } = parts
    this.#parts = parts
    this.#plans = new Map(tier.files.map((file) => [file.id, file]))
    this.#places = new Map(tier.files.map((file, at) => [file.id, at]))
    this.#suites = new Map(tier.suites.map((suite) => [suite.name, suite]))
    this.retryLimit = new RetryLimit(tier.settings.name, ledger)
    this.#attempts = new Attempts(tier.settings.name, ledger, state.seated)
    this.#failFast = state.failFast ??= watchFailures(tier, ledger, (why) => this.halt(why))
    const { promise, resolve } = Promise.withResolvers<void>()
    this.whenHalted = promise
    this.#announceHalt = resolve
  }

  /** Why the tier stops, once it does. */
  get halted(): Halt | null {
    return this.#halted
  }

  /** How many files were started here so far. */
  get starts(): number {
    return this.#starts
  }

  /** The execution whose files are reported here; set before it asks for the first seat. */
  serve(execution: Execution): void {
    this.#execution = execution
  }

  // ---- seats -------------------------------------------------------------------------------------------------------

  async sit(file: string): Promise<Seat | null> {
    return this.#underWay.add(this.#sit(file))
  }

  async next(left: Seat, file: string): Promise<Seat | null> {
    return this.#underWay.add(this.#next(left, file))
  }

  leave(left: Seat): void {
    const attempt = this.#attempts.leave(left)
    if (attempt) void this.#underWay.add(this.#vacate(attempt))
  }

  /** Resolves when every seat that was left has been cleaned, none is being made, and every ending is in the journal. */
  async settled(): Promise<void> {
    await this.#underWay.settled()
  }

  async #sit(file: string): Promise<Seat | null> {
    const { lanes } = this.#parts
    const suite = this.#suiteOf(file)
    for (;;) {
      const lane = await lanes.take(suite.isolation === 'db', this.#places.get(file)!)
      if (lane === null) return null
      if (this.retryLimit.refuses(file)) {
        lanes.give(lane)
        return null
      }
      const lease = this.#leaseFor(suite, lane)
      if (lease !== null && !(await this.#openLane(lane, lease))) continue
      const access = await this.#openServices(file, lane, lease)
      if (access !== null) return this.#seat(file, lane, lease, access)
      // Halted while the database was being opened: hand it back as clean as it was.
      await lease?.clean()
      return null
    }
  }

  async #next(left: Seat, file: string): Promise<Seat | null> {
    const attempt = this.#attempts.leave(left)
    if (!attempt) return null
    const { lane } = attempt
    if ((await this.#conclude(attempt, true)) === 'retired') return null
    const suite = this.#suiteOf(file)
    const lease = this.#leaseFor(suite, lane)
    const usable = lease === null ? suite.isolation === 'none' : !this.#halted && (await this.#openLane(lane, lease))
    if (this.#halted || this.retryLimit.refuses(file) || !usable) {
      this.#parts.lanes.give(lane)
      return null
    }
    const access = await this.#openServices(file, lane, lease)
    if (access !== null) return this.#seat(file, lane, lease, access)
    this.#parts.lanes.give(lane)
    return null
  }

  async #vacate(attempt: Attempt): Promise<void> {
    if ((await this.#conclude(attempt, false)) === 'usable') this.#parts.lanes.give(attempt.lane)
  }

  #suiteOf(file: string): SuiteSettings {
    return this.#suites.get(this.#plans.get(file)!.suite)!
  }

  /** What a file of this suite gets on this lane. */
  #leaseFor({ isolation, port }: SuiteSettings, lane: Lane): Lease | null {
    switch (isolation) {
      case 'db':
        return lane.lease
      case 'server':
        return this.#parts.servers!.at(lane.shard, port ?? 'free')
      case 'none':
        return null
      default:
        return unreachable(isolation)
    }
  }

  #seat(file: string, lane: Lane, lease: Lease | null, services: ServiceAccess): Seat {
    const seat: Seat = { shard: lane.shard, env: seatEnvironment({ ...this.#factsOf(file, lane, lease), services }) }
    this.#attempts.open(seat, this.#plans.get(file)!, lane, lease)
    return seat
  }

  #factsOf(file: string, lane: Lane, lease: Lease | null): SeatFacts {
    const { run, tier, lanes } = this.#parts
    const redis = lease && { connection: lease.connection, database: lease.database }
    const suite = this.#suiteOf(file)
    return { run, tier: tier.settings.name, shard: lane.shard, shards: lanes.size, redis, suite }
  }

  /** What the file's services say; null when the tier is halted, as it is when they do not start. */
  async #openServices(file: string, lane: Lane, lease: Lease | null): Promise<ServiceAccess | null> {
    const facts = this.#factsOf(file, lane, lease)
    const opened = await openServices(this.#parts.services, facts, this.#halting.signal)
    if (opened.ok && !this.#halted) return opened.access
    if (!opened.ok) this.fail(opened.cause)
    await closeServices(this.#parts.services, facts.suite, lane.shard)
    return null
  }

  // ---- what the engine reports --------------------------------------------------------------------------------------

  started(file: string): void {
    const { ledger, tier } = this.#parts
    const attempt = this.#attempts.at(file)
    attempt.started = true
    this.#starts++
    if (this.#halted) attempt.reason ??= this.#halted.running
    const database = attempt.lease?.database ?? null
    ledger.emit({ type: 'file-started', ...attempt.ref, shard: attempt.lane.shard, database })
    const { fileTimeoutMs } = tier.settings
    attempt.timer = setTimeout(() => {
      attempt.reason ??= { kind: 'timed-out', limit: 'file', limitMs: fileTimeoutMs }
      this.#execution?.kill(file)
    }, fileTimeoutMs)
  }

  collected(file: string, tests: readonly CollectedTest[]): void {
    this.#parts.ledger.emit({ type: 'file-collected', ...this.#attempts.at(file).ref, tests })
  }

  tested(file: string, test: TestResult): void {
    const attempt = this.#attempts.at(file)
    this.#parts.ledger.emit({ type: 'test-ended', ...attempt.ref, test })
    this.#failFast.tested(attempt.ref, test, () => this.#blame(attempt))
  }

  leaked(file: string, processes: readonly LeakedProcess[]): void {
    this.#parts.ledger.emit({ type: 'file-leaked', ...this.#attempts.at(file).ref, processes })
  }

  output(file: string, stream: 'stdout' | 'stderr', text: string): void {
    this.#parts.ledger.emit({ type: 'file-output', ...this.#attempts.at(file).ref, stream, text })
  }

  stopped(file: string, stop: FileStop): void {
    const attempt = this.#attempts.at(file)
    clearTimeout(attempt.timer)
    attempt.stop ??= stop
  }

  stray(error: ErrorRecord): void {
    this.#parts.ledger.emit({ type: 'stray-error', tier: this.#parts.tier.settings.name, error })
  }

  // ---- endings -------------------------------------------------------------------------------------------------------

  /** Flushes the database behind a process that is gone, and only then says how its file ended. */
  async #conclude(attempt: Attempt, processLives: boolean): Promise<'usable' | 'retired'> {
    clearTimeout(attempt.timer)
    const durationMs = performance.now() - attempt.satAt
    const left = await closeServices(this.#parts.services, this.#suiteOf(attempt.file.id), attempt.lane.shard)
    const lives = processLives || left.usesRedis
    const cleaned = attempt.lease ? await attempt.lease.clean({ processLives: lives }) : null
    const lane =
      attempt.lease && cleaned && cleaned.kind !== 'ok' ? this.#refuse(attempt.lane, attempt.lease, cleaned) : 'kept'
    const isHit = attempt.started && !this.#isSound(attempt, cleaned)
    const blame = isHit ? (left.died ?? (await this.#blame(attempt))) : null
    this.#attempts.close(attempt)
    if (attempt.started) await this.#end(attempt, durationMs, cleaned, blame)
    return this.#parts.state.lostLanes.has(attempt.lane) || lane === 'retired' ? 'retired' : 'usable'
  }

  async #end(attempt: Attempt, durationMs: number, cleaned: Flushed, blame: Cause | null): Promise<void> {
    const { ledger, tier } = this.#parts
    const { ref, stop } = attempt
    const trouble = cleaned && cleaned.kind !== 'ok' ? cleaned : null
    const found =
      cleaned?.kind === 'ok'
        ? [...departureErrors(cleaned, ref, ledger.record), ...leakErrors(cleaned, tier.settings)]
        : []
    ledger.emit({
      type: 'file-ended',
      ...ref,
      ending: decide(attempt, found, trouble, blame, ledger),
      durationMs,
      running: stop?.kind === 'died' ? stop.running : [],
      errors: [...(stop?.errors ?? []), ...found],
    })
    if (cleaned?.kind === 'ok') ledger.emit({ type: 'file-cleaned', ...ref, leftovers: cleaned.leftovers })
    await this.#failFast.ended(ref)
  }

  /** Whether an attempt passed in a database that stayed its own: then it is the same what its server did meanwhile. */
  #isSound({ reason, stop, ref }: Attempt, cleaned: Flushed): boolean {
    if (reason?.kind === 'lease-lost' || cleaned?.kind === 'lost' || stop?.kind !== 'completed') return false
    return byTests({ ref }, stop.errors, this.#parts.ledger).kind !== 'failed'
  }

  /** What was wrong since the attempt took its seat: a service of its own, or the server, if it uses the shared one. */
  async #blame({ lane, lease, satAt, reason }: Attempt): Promise<Cause | null> {
    if (reason?.kind === 'infrastructure') return reason.cause
    return lease !== null && isShared(lane, lease) ? this.#parts.guard.blame(satAt) : null
  }

  // ---- databases -----------------------------------------------------------------------------------------------------

  /**
   * Proves the lease and empties its database, as soon as the server is fit. false: this lane is of no use any more, or
   * nothing starts any more.
   */
  async #openLane(lane: Lane, lease: Lease): Promise<boolean> {
    for (;;) {
      if (isShared(lane, lease)) await Promise.race([this.#parts.guard.calm(), this.whenHalted])
      if (this.#halted) return false
      const opened = await lease.open()
      if (opened.kind === 'ok') return true
      if (this.#refuse(lane, lease, opened) === 'retired') return false
    }
  }

  /** What trouble with its database means for a lane. `kept`: the guard watches over it, and the next file opens it again. */
  #refuse(lane: Lane, lease: Lease, trouble: Trouble): 'kept' | 'retired' {
    const { guard, lanes } = this.#parts
    const isGuarded = isShared(lane, lease) && !guard.failed && guard !== NO_GUARD
    if (isGuarded && trouble.kind === 'trouble' && mayPass(trouble.cause.code)) {
      guard.suspect(trouble.cause)
      return 'kept'
    }
    if (trouble.kind === 'lost') this.leaseLost(lane, trouble.message)
    else {
      lanes.retire(lane)
      this.fail(trouble.cause)
    }
    return 'retired'
  }

  /** The lane's lease is gone: its file is killed, and the lane is used no more. */
  leaseLost(lane: Lane, message: string): void {
    const { ledger, lanes, state } = this.#parts
    if (!lane.lease) return
    if (!state.lostLanes.has(lane)) {
      state.lostLanes.add(lane)
      ledger.emit({ type: 'lease-lost', shard: lane.shard, database: lane.lease.database, message })
    }
    for (const attempt of this.#attempts.all()) {
      if (attempt.lane !== lane || attempt.lease !== lane.lease) continue
      attempt.reason ??= { kind: 'lease-lost', message }
      this.#execution?.kill(attempt.file.id, 'now')
    }
    lanes.retire(lane)
  }

  /** A service of a shard has ended by itself: the file that uses it has no chance any more. */
  serviceDied({ shard, cause, concerns }: Death): void {
    for (const attempt of this.#attempts.all()) {
      if (attempt.lane.shard !== shard || !concerns(this.#suiteOf(attempt.file.id).services ?? [])) continue
      attempt.reason ??= { kind: 'infrastructure', cause }
      this.#execution?.kill(attempt.file.id)
    }
  }

  // ---- the end of the tier -------------------------------------------------------------------------------------------

  /** Stops the tier: running files are killed, nothing new starts. */
  halt(why: Halt): void {
    if (this.#halted) return
    this.#halted = why
    for (const attempt of this.#attempts.all()) attempt.reason ??= why.running
    this.#parts.lanes.close()
    this.#execution?.stop()
    this.#halting.abort()
    this.#announceHalt()
  }

  /** Halts the tier because of its infrastructure. */
  fail(cause: Cause): void {
    if (this.#halted === null) this.#parts.ledger.emit({ type: 'infrastructure', cause })
    this.halt({ end: 'infrastructure', running: { kind: 'infrastructure', cause }, waiting: 'infrastructure' })
  }

  /** Closes the attempts of files whose engine is gone. */
  async abandon(cause: Cause): Promise<void> {
    this.fail(cause)
    for (const attempt of this.#attempts.leaveAll()) {
      attempt.reason ??= { kind: 'infrastructure', cause }
      await this.#conclude(attempt, false)
    }
  }
}

/** The guard watches the server that the shards share, not those that they have for themselves. */
function isShared(lane: Lane, lease: Lease): boolean {
  return lease === lane.lease
}
