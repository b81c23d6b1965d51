import { unreachable, type Cause, type Ending, type NotRunReason } from '../core/ending.ts'
import type { AttemptRef, PlannedFile, TierEnd } from '../core/events.ts'
import type { Desk, Execution, FileStop, Lease, Seat, Trouble } from '../core/ports.ts'
import { fileEnding } from '../core/verdict.ts'
import { seatEnvironment } from './environment.ts'
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
}

interface Attempt {
  readonly file: PlannedFile
  readonly ref: AttemptRef
  readonly lane: Lane
  /** The lease whose database was opened for this file; null for a suite without Redis. */
  readonly lease: Lease | null
  readonly satAt: number
  started: boolean
  stop: FileStop | null
  /** The first cause of an end that the run itself decided. */
  reason: Ending | null
  timer: NodeJS.Timeout | undefined
}

export function openDesk(tier: TierPlan, lanes: Lanes, ledger: Ledger, run: string, guard: Guard = NO_GUARD): TierDesk {
  const { settings } = tier
  const plans = new Map(tier.files.map((file) => [file.id, file]))
  const suites = new Map(tier.suites.map((suite) => [suite.name, suite]))
  const bySeat = new Map<Seat, Attempt>()
  const byFile = new Map<string, Attempt>()
  const closing = new Set<Promise<void>>()
  const lostLanes = new Set<Lane>()
  let execution: Execution | null = null
  let halted: Halt | null = null
  const { promise: whenHalted, resolve: announceHalt } = Promise.withResolvers<void>()

  const seat = (file: string, lane: Lane): Seat => {
    const plan = plans.get(file)!
    const suite = suites.get(plan.suite)!
    const lease = suite.isolation === 'db' ? lane.lease : null
    const redis = lease && { connection: lease.connection, database: lease.database }
    const env = seatEnvironment({ run, tier: settings.name, shard: lane.shard, shards: lanes.size, suite, redis })
    const taken: Seat = { shard: lane.shard, env }
    sitDown(taken, plan, lane, lease)
    return taken
  }

  const sitDown = (taken: Seat, plan: PlannedFile, lane: Lane, lease: Lease | null): void => {
    const attempts = ledger.record.tiers.get(settings.name)?.files.get(plan.id)?.attempts.length ?? 0
    const attempt: Attempt = {
      file: plan,
      ref: { tier: settings.name, file: plan.id, attempt: attempts + 1 },
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
   * Proves the lane's lease and empties its database, as soon as the server is fit. false: this lane is of no use any
   * more, or nothing starts any more.
   */
  const openLane = async (lane: Lane): Promise<boolean> => {
    for (;;) {
      await Promise.race([guard.calm(), whenHalted])
      if (halted) return false
      const opened = await lane.lease!.open()
      if (opened.kind === 'ok') return true
      if (refuse(lane, opened) === 'retired') return false
    }
  }

  /** What trouble with its database means for a lane. `kept`: the guard watches over it, and the next file opens it again. */
  const refuse = (lane: Lane, trouble: Trouble): 'kept' | 'retired' => {
    if (trouble.kind === 'trouble' && mayPass(trouble.cause.code) && !guard.failed && guard !== NO_GUARD) {
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
    if (lostLanes.has(lane) || !lane.lease) return
    lostLanes.add(lane)
    ledger.emit({ type: 'lease-lost', shard: lane.shard, database: lane.lease.database, message })
    for (const attempt of byFile.values()) {
      if (attempt.lane !== lane || !attempt.lease) continue
      attempt.reason ??= { kind: 'lease-lost', message }
      execution?.kill(attempt.file.id)
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
  const conclude = async (attempt: Attempt): Promise<'usable' | 'retired'> => {
    clearTimeout(attempt.timer)
    const durationMs = performance.now() - attempt.satAt
    const cleaned = attempt.lease ? await attempt.lease.clean() : null
    const lane = cleaned && cleaned.kind !== 'ok' ? refuse(attempt.lane, cleaned) : 'kept'
    const blame = attempt.started && attempt.lease ? await blameFor(attempt, cleaned) : null
    // The file may have been given to another process meanwhile: its new attempt stays.
    if (byFile.get(attempt.file.id) === attempt) byFile.delete(attempt.file.id)
    if (attempt.started) {
      const { stop } = attempt
      ledger.emit({
        type: 'file-ended',
        ...attempt.ref,
        ending: decide(attempt, cleaned && cleaned.kind !== 'ok' ? cleaned : null, blame, ledger),
        durationMs,
        running: stop?.kind === 'died' ? stop.running : [],
        errors: stop?.errors ?? [],
      })
      if (cleaned?.kind === 'ok') ledger.emit({ type: 'file-cleaned', ...attempt.ref, leftovers: cleaned.leftovers })
    }
    return lostLanes.has(attempt.lane) || lane === 'retired' ? 'retired' : 'usable'
  }

  /** What was wrong with the server while the file ran; asked only where it makes a difference. */
  const blameFor = async (attempt: Attempt, cleaned: { kind: 'ok' } | Trouble | null): Promise<Cause | null> => {
    const lost = attempt.reason?.kind === 'lease-lost' || cleaned?.kind === 'lost'
    const passed = attempt.stop?.kind === 'completed' && byTests(attempt, attempt.stop, ledger).kind !== 'failed'
    return passed && !lost ? null : guard.blame(attempt.satAt)
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
    get halted() {
      return halted
    },
    async sit(file) {
      const needsDatabase = suites.get(plans.get(file)!.suite)!.isolation === 'db'
      for (;;) {
        const lane = await lanes.take(needsDatabase)
        if (lane === null) return null
        if (!needsDatabase) return seat(file, lane)
        if (!(await openLane(lane))) continue
        if (!halted) return seat(file, lane)
        // Halted while the database was being opened: hand it back as clean as it was.
        await lane.lease!.clean()
        return null
      }
    },
    async next(left, file) {
      const attempt = bySeat.get(left)
      bySeat.delete(left)
      if (!attempt) return null
      const { lane } = attempt
      if ((await conclude(attempt)) === 'retired') return null
      const needsDatabase = suites.get(plans.get(file)!.suite)!.isolation === 'db'
      if (halted || (needsDatabase && (!lane.lease || !(await openLane(lane))))) {
        lanes.give(lane)
        return null
      }
      return seat(file, lane)
    },
    leave(left) {
      const attempt = bySeat.get(left)
      if (!attempt) return
      bySeat.delete(left)
      track(conclude(attempt).then((lane) => (lane === 'usable' ? lanes.give(attempt.lane) : undefined)))
    },
    started(file) {
      const attempt = attemptAt(file)
      attempt.started = true
      if (halted) attempt.reason ??= halted.running
      const database = attempt.lease?.database ?? null
      ledger.emit({ type: 'file-started', ...attempt.ref, shard: attempt.lane.shard, database })
      attempt.timer = setTimeout(() => {
        attempt.reason ??= { kind: 'timed-out', limit: 'file', limitMs: settings.fileTimeoutMs }
        execution?.kill(file)
      }, settings.fileTimeoutMs)
    },
    collected: (file, tests) => ledger.emit({ type: 'file-collected', ...attemptAt(file).ref, tests }),
    tested: (file, test) => ledger.emit({ type: 'test-ended', ...attemptAt(file).ref, test }),
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
        await conclude(attempt)
      }
    },
  }
}

const ENGINE_SILENT: Cause = {
  code: 'engine-failed',
  message: 'The engine gave up the file without saying how it ended.',
  remedy: 'Run the file again; if it happens again, run it with the engine alone and look at its output.',
}

/**
 * The one place where an attempt's ending is decided.
 *
 * @param blame what was wrong with the server while the file ran: what failed meanwhile is not the tests' fault
 */
function decide(attempt: Attempt, trouble: Trouble | null, blame: Cause | null, ledger: Ledger): Ending {
  const { reason, stop } = attempt
  const byServer: Ending | null = blame && { kind: 'infrastructure', cause: blame }
  if (reason?.kind === 'lease-lost') return byServer ?? reason
  if (trouble?.kind === 'lost') return byServer ?? { kind: 'lease-lost', message: trouble.message }
  if (stop?.kind === 'completed') {
    const outcome = byTests(attempt, stop, ledger)
    if (outcome.kind !== 'failed') return outcome
    // Failed while its server was going away: the server is to blame until a run with a sound one says otherwise.
    if (reason?.kind === 'infrastructure') return reason
    if (byServer) return byServer
    return trouble ? { kind: 'infrastructure', cause: trouble.cause } : outcome
  }
  if (reason && (reason.kind !== 'timed-out' || reason.limit === 'tier')) return reason
  if (byServer) return byServer
  if (reason) return reason
  if (stop === null) return { kind: 'infrastructure', cause: ENGINE_SILENT }
  const { exitCode, signal, outOfMemory } = stop
  return { kind: 'crashed', exitCode, signal, outOfMemory }
}

function byTests(attempt: Attempt, stop: Extract<FileStop, { kind: 'completed' }>, ledger: Ledger): Ending {
  const { tier, file } = attempt.ref
  const record = ledger.record.tiers.get(tier)?.files.get(file)?.attempts.at(-1)
  const tests = [...(record?.tests.values() ?? [])]
  const failed = tests.some((test) => test.outcome === 'failed' || test.outcome === 'timed-out')
  if (failed || stop.errors.length > 0) return { kind: 'failed' }
  // With a pattern for names, a file may well have no test that matches.
  const empty = tests.length === 0 && ledger.record.meta?.testName === undefined
  return empty ? { kind: 'no-tests' } : { kind: 'passed' }
}

/** Whether a file's last attempt is worth another one, if the tier allows retries. */
export function isRetryable(ledger: Ledger, tier: string, file: string): boolean {
  const ending = lastEnding(ledger, tier, file)
  switch (ending?.kind) {
    case 'failed':
    case 'crashed':
      return true
    case 'timed-out':
      return ending.limit === 'file'
    case undefined:
    case 'passed':
    case 'no-tests':
    case 'infrastructure':
    case 'lease-lost':
    case 'cancelled':
    case 'not-run':
      return false
    default:
      return unreachable(ending)
  }
}

/** How often a file that the server spoiled is run again; after that, its last ending stands. */
const SPOILED_TRIES = 2

/** Whether a file has to run again, or at all, because its server was not fit the first time. */
export function isSpoiled(ledger: Ledger, tier: string, file: string): boolean {
  const attempts = ledger.record.tiers.get(tier)?.files.get(file)?.attempts ?? []
  const ending = attempts.at(-1)?.ending
  if (attempts.length === 0) return true
  if (ending?.kind !== 'infrastructure' || !mayPass(ending.cause.code)) return false
  return attempts.filter((attempt) => attempt.ending?.kind === 'infrastructure').length <= SPOILED_TRIES
}

function lastEnding(ledger: Ledger, tier: string, file: string): Ending | undefined {
  const record = ledger.record.tiers.get(tier)?.files.get(file)
  return record && record.attempts.length > 0 ? fileEnding(record) : undefined
}
