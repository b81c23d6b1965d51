import { unreachable, type Cause, type Ending, type NotRunReason } from '../core/ending.ts'
import type { AttemptRef, PlannedFile, TierEnd } from '../core/events.ts'
import type { Desk, Execution, FileStop, Lease, OwnServers, Seat, Trouble } from '../core/ports.ts'
import type { Isolation } from '../core/settings.ts'
import { byTests, decide } from './endings.ts'
import { seatEnvironment } from './environment.ts'
import { watchFailures, type FailureWatch } from './fail-fast.ts'
import { departureErrors, leakErrors } from './findings.ts'
import { mayPass, NO_GUARD, type Guard } from './guard.ts'
import type { Lane, Lanes } from './lanes.ts'
import type { Ledger } from './ledger.ts'
import type { TierPlan } from './plan.ts'

/** Why a tier stops before its files are done. The first one counts. */
export interface Halt {
  readonly end: Exclude<TierEnd, 'completed'>
  /** What it makes of the files that are running. */
  readonly running: Ending
  /** What it makes of the files that never started. */
  readonly waiting: NotRunReason
}

/** The run's side of an engine's execution: seats, deadlines of files, endings. One a tier. */
export interface TierDesk extends Desk {
  /** The execution whose files are reported here; set before it asks for the first seat. */
  serve(execution: Execution): void
  /** Stops the tier: running files are killed, nothing new starts. */
  halt(halt: Halt): void
  readonly halted: Halt | null
  /** Resolves when the tier is halted. */
  readonly whenHalted: Promise<void>
  /** Halts the tier because of its infrastructure. */
  fail(cause: Cause): void
  /** Resolves when every seat that was left has been cleaned and every ending is in the journal. */
  settled(): Promise<void>
  /** Closes the attempts of files whose engine is gone. */
  abandon(cause: Cause): Promise<void>
  /** The lane's lease is gone: its file is killed, and the lane is used no more. */
  leaseLost(lane: Lane, message: string): void
  /** From now on files start only as retries, and only if they would be done by then; `performance.now()`, ms. */
  limitRetries(untilMs: number): void
  /** The files that were not tried again because of that limit. */
  readonly overLimit: ReadonlySet<string>
  /** How many files were started here so far. */
  readonly starts: number
}

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

interface Attempt {
  readonly file: PlannedFile
  readonly ref: AttemptRef
  readonly lane: Lane
  /** The lease whose database (or the server that) was opened for this file; null for a suite without Redis. */
  readonly lease: Lease | null
  readonly satAt: number
  started: boolean
  stop: FileStop | null
  /** The first cause of an end that the run itself decided. */
  reason: Ending | null
  timer: NodeJS.Timeout | undefined
}

/** @param servers for suites with `isolation: 'server'`; null when there is none */
export function openDesk(
  tier: TierPlan,
  lanes: Lanes,
  ledger: Ledger,
  run: string,
  state: TierState = tierState(),
  servers: OwnServers | null = null,
  guard: Guard = NO_GUARD,
): TierDesk {
  const { settings } = tier
  const { lostLanes, seated } = state
  const plans = new Map(tier.files.map((file) => [file.id, file]))
  const suites = new Map(tier.suites.map((suite) => [suite.name, suite]))
  const bySeat = new Map<Seat, Attempt>()
  const byFile = new Map<string, Attempt>()
  const closing = new Set<Promise<void>>()
  let execution: Execution | null = null
  let halted: Halt | null = null
  let retriesUntilMs = Infinity
  let starts = 0
  const overLimit = new Set<string>()
  const { promise: whenHalted, resolve: announceHalt } = Promise.withResolvers<void>()

  const isolationOf = (file: string): Isolation => suites.get(plans.get(file)!.suite)!.isolation

  /** What a file of this isolation gets on this lane. */
  const leaseFor = (isolation: Isolation, lane: Lane): Lease | null => {
    switch (isolation) {
      case 'db':
        return lane.lease
      case 'server':
        return servers!.at(lane.shard)
      case 'none':
        return null
      default:
        return unreachable(isolation)
    }
  }

  const seat = (file: string, lane: Lane, lease: Lease | null): Seat => {
    const plan = plans.get(file)!
    const suite = suites.get(plan.suite)!
    const redis = lease && { connection: lease.connection, database: lease.database }
    const env = seatEnvironment({ run, tier: settings.name, shard: lane.shard, shards: lanes.size, suite, redis })
    const taken: Seat = { shard: lane.shard, env }
    sitDown(taken, plan, lane, lease)
    return taken
  }

  const sitDown = (taken: Seat, plan: PlannedFile, lane: Lane, lease: Lease | null): void => {
    const known = ledger.record.tiers.get(settings.name)?.files.get(plan.id)?.attempts.length ?? 0
    // Of repetitions, several may have a seat and not have started.
    const number = plan.repeated ? Math.max(seated.get(plan.id) ?? 0, known) + 1 : known + 1
    seated.set(plan.id, number)
    const attempt: Attempt = {
      file: plan,
      ref: { tier: settings.name, file: plan.id, attempt: number },
      lane,
      lease,
      satAt: performance.now(),
      started: false,
      stop: null,
      reason: null,
      timer: undefined,
    }
    bySeat.set(taken, attempt)
    byFile.set(plan.id, attempt)
  }

  /**
   * Proves the lease and empties its database, as soon as the server is fit. false: this lane is of no use any more, or
   * nothing starts any more.
   */
  const openLane = async (lane: Lane, lease: Lease): Promise<boolean> => {
    for (;;) {
      if (isShared(lane, lease)) await Promise.race([guard.calm(), whenHalted])
      if (halted) return false
      const opened = await lease.open()
      if (opened.kind === 'ok') return true
      if (refuse(lane, lease, opened) === 'retired') return false
    }
  }

  /** The guard watches the server that the shards share, not those that they have for themselves. */
  const isShared = (lane: Lane, lease: Lease): boolean => lease === lane.lease

  /** What trouble with its database means for a lane. `kept`: the guard watches over it, and the next file opens it again. */
  const refuse = (lane: Lane, lease: Lease, trouble: Trouble): 'kept' | 'retired' => {
    if (
      isShared(lane, lease) &&
      trouble.kind === 'trouble' &&
      mayPass(trouble.cause.code) &&
      !guard.failed &&
      guard !== NO_GUARD
    ) {
      guard.suspect(trouble.cause)
      return 'kept'
    }
    if (trouble.kind === 'lost') leaseLost(lane, trouble.message)
    else {
      lanes.retire(lane)
      fail(trouble.cause)
    }
    return 'retired'
  }

  const fail = (cause: Cause): void => {
    if (halted === null) ledger.emit({ type: 'infrastructure', cause })
    halt({ end: 'infrastructure', running: { kind: 'infrastructure', cause }, waiting: 'infrastructure' })
  }

  const leaseLost = (lane: Lane, message: string): void => {
    if (!lane.lease) return
    if (!lostLanes.has(lane)) {
      lostLanes.add(lane)
      ledger.emit({ type: 'lease-lost', shard: lane.shard, database: lane.lease.database, message })
    }
    for (const attempt of byFile.values()) {
      if (attempt.lane !== lane || attempt.lease !== lane.lease) continue
      attempt.reason ??= { kind: 'lease-lost', message }
      execution?.kill(attempt.file.id, 'now')
    }
    lanes.retire(lane)
  }

  const halt = (why: Halt): void => {
    if (halted) return
    halted = why
    for (const attempt of byFile.values()) attempt.reason ??= why.running
    lanes.close()
    execution?.stop()
    announceHalt()
  }

  /** Flushes the database behind a process that is gone, and only then says how its file ended. */
  const conclude = async (attempt: Attempt, processLives: boolean): Promise<'usable' | 'retired'> => {
    clearTimeout(attempt.timer)
    const durationMs = performance.now() - attempt.satAt
    const cleaned = attempt.lease ? await attempt.lease.clean({ processLives }) : null
    const lane =
      attempt.lease && cleaned && cleaned.kind !== 'ok' ? refuse(attempt.lane, attempt.lease, cleaned) : 'kept'
    const shared = attempt.lease !== null && isShared(attempt.lane, attempt.lease)
    const blame = attempt.started && shared ? await blameFor(attempt, cleaned) : null
    // The file may have been given to another process meanwhile: its new attempt stays.
    if (byFile.get(attempt.file.id) === attempt) byFile.delete(attempt.file.id)
    if (attempt.started) {
      const { stop } = attempt
      const found =
        cleaned?.kind === 'ok'
          ? [...departureErrors(cleaned, attempt.ref, ledger.record), ...leakErrors(cleaned, settings)]
          : []
      ledger.emit({
        type: 'file-ended',
        ...attempt.ref,
        ending: decide(attempt, found, cleaned && cleaned.kind !== 'ok' ? cleaned : null, blame, ledger),
        durationMs,
        running: stop?.kind === 'died' ? stop.running : [],
        errors: [...(stop?.errors ?? []), ...found],
      })
      if (cleaned?.kind === 'ok') ledger.emit({ type: 'file-cleaned', ...attempt.ref, leftovers: cleaned.leftovers })
      await failFast.ended(attempt.ref)
    } else if (seated.get(attempt.file.id) === attempt.ref.attempt) {
      seated.set(attempt.file.id, attempt.ref.attempt - 1)
    }
    return lostLanes.has(attempt.lane) || lane === 'retired' ? 'retired' : 'usable'
  }

  /** What was wrong with the server while the file ran; asked only where it makes a difference. */
  const blameFor = async (attempt: Attempt, cleaned: { kind: 'ok' } | Trouble | null): Promise<Cause | null> => {
    const lost = attempt.reason?.kind === 'lease-lost' || cleaned?.kind === 'lost'
    const passed = attempt.stop?.kind === 'completed' && byTests(attempt, attempt.stop.errors, ledger).kind !== 'failed'
    return passed && !lost ? null : guard.blame(attempt.satAt)
  }

  /** What was wrong with the server while a test failed; null for one that has a server of its own. */
  const blameNow = async (ref: AttemptRef): Promise<Cause | null> => {
    const attempt = byFile.get(ref.file)
    const shared = attempt?.lease && isShared(attempt.lane, attempt.lease)
    return shared ? guard.blame(attempt.satAt) : null
  }
  const failFast = (state.failFast ??= watchFailures(tier, ledger, halt))

  /** A retry that would take the tier's retries beyond their time; the attempt before says how long it takes. */
  const isOverLimit = (file: string): boolean => {
    if (retriesUntilMs === Infinity) return false
    const before = ledger.record.tiers.get(settings.name)?.files.get(file)?.attempts.at(-1)?.durationMs ?? 0
    if (performance.now() + before <= retriesUntilMs) return false
    overLimit.add(file)
    return true
  }

  const track = (work: Promise<void>): void => {
    closing.add(work)
    void work.finally(() => closing.delete(work))
  }

  const attemptAt = (file: string): Attempt => {
    const attempt = byFile.get(file)
    if (!attempt) throw new Error(`the engine reported on ${file}, which has no seat`)
    return attempt
  }

  return {
    serve: (next) => void (execution = next),
    halt,
    fail,
    whenHalted,
    leaseLost,
    limitRetries: (untilMs) => void (retriesUntilMs = untilMs),
    overLimit,
    get starts() {
      return starts
    },
    get halted() {
      return halted
    },
    async sit(file) {
      const isolation = isolationOf(file)
      for (;;) {
        const lane = await lanes.take(isolation === 'db')
        if (lane === null) return null
        if (isOverLimit(file)) {
          lanes.give(lane)
          return null
        }
        const lease = leaseFor(isolation, lane)
        if (lease === null) return seat(file, lane, null)
        if (!(await openLane(lane, lease))) continue
        if (!halted) return seat(file, lane, lease)
        // Halted while the database was being opened: hand it back as clean as it was.
        await lease.clean()
        return null
      }
    },
    async next(left, file) {
      const attempt = bySeat.get(left)
      bySeat.delete(left)
      if (!attempt) return null
      const { lane } = attempt
      if ((await conclude(attempt, true)) === 'retired') return null
      const isolation = isolationOf(file)
      const lease = leaseFor(isolation, lane)
      const usable = lease === null ? isolation === 'none' : !halted && (await openLane(lane, lease))
      if (halted || isOverLimit(file) || !usable) {
        lanes.give(lane)
        return null
      }
      return seat(file, lane, lease)
    },
    leave(left) {
      const attempt = bySeat.get(left)
      if (!attempt) return
      bySeat.delete(left)
      track(conclude(attempt, false).then((lane) => (lane === 'usable' ? lanes.give(attempt.lane) : undefined)))
    },
    started(file) {
      const attempt = attemptAt(file)
      attempt.started = true
      starts++
      if (halted) attempt.reason ??= halted.running
      const database = attempt.lease?.database ?? null
      ledger.emit({ type: 'file-started', ...attempt.ref, shard: attempt.lane.shard, database })
      attempt.timer = setTimeout(() => {
        attempt.reason ??= { kind: 'timed-out', limit: 'file', limitMs: settings.fileTimeoutMs }
        execution?.kill(file)
      }, settings.fileTimeoutMs)
    },
    collected: (file, tests) => ledger.emit({ type: 'file-collected', ...attemptAt(file).ref, tests }),
    tested(file, test) {
      const { ref } = attemptAt(file)
      ledger.emit({ type: 'test-ended', ...ref, test })
      failFast.tested(ref, test, () => blameNow(ref))
    },
    leaked: (file, processes) => ledger.emit({ type: 'file-leaked', ...attemptAt(file).ref, processes }),
    output: (file, stream, text) => ledger.emit({ type: 'file-output', ...attemptAt(file).ref, stream, text }),
    stopped(file, stop) {
      const attempt = attemptAt(file)
      clearTimeout(attempt.timer)
      attempt.stop ??= stop
    },
    stray: (error) => ledger.emit({ type: 'stray-error', tier: settings.name, error }),
    async settled() {
      while (closing.size > 0) await Promise.all(closing)
    },
    async abandon(cause) {
      fail(cause)
      const orphans = [...bySeat.values()]
      bySeat.clear()
      for (const attempt of orphans) {
        attempt.reason ??= { kind: 'infrastructure', cause }
        await conclude(attempt, false)
      }
    },
  }
}
