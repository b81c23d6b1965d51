import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { Cause, NotRunReason } from '../core/ending.ts'
import type { Event, PlannedFile, TierEnd } from '../core/events.ts'
import type { Batch, Engine, Lease, OwnServers, RedisServer } from '../core/ports.ts'
import type { Services } from '../core/service-ports.ts'
import { isShort } from '../core/verdict.ts'
import { TierDesk, tierState } from './desk.ts'
import { isRetryable, isSpoiled, triesOf } from './endings.ts'
import { failFastReached, retriesOf } from './fail-fast.ts'
import { mayPass, NO_GUARD, type Guard } from './guard.ts'
import { openLanes, type Lane } from './lanes.ts'
import type { Ledger } from './ledger.ts'
import type { TierPlan } from './plan.ts'
import { runStress } from './stress.ts'

/** How long an engine may take to end everything after it was told to stop, ms; its own escalation takes about 3 s. */
const STOP_LIMIT_MS = 10_000

export interface TierDeps {
  readonly run: string
  readonly engine: Engine
  readonly ledger: Ledger
  /** null when no suite of the run needs Redis. */
  readonly redis: RedisServer | null
  /** null when no suite of the run wants servers of its own. */
  readonly servers: OwnServers | null
  /** null when no file of the run needs a service. */
  readonly services?: Services | null
  readonly guard: Guard
  /** How long to wait for a free database, ms. */
  readonly waitMs: number
  /** Aborted when the user interrupts the run. */
  readonly signal: AbortSignal
  readonly scratch: string
  readonly testName: string | null
  /** Another engine like the first, for copies of a file that run at once. */
  readonly anotherEngine: () => Engine
}

/**
 * Runs one tier from its first lease to its last ending. Whatever happens, every planned file has an ending after it.
 * Files that the server spoiled run again in a round of their own, with new leases, once the server is fit.
 *
 * @returns `enough` when so many tests have failed that the tiers after it must not start
 */
export async function runTier(plan: TierPlan, shared: TierDeps): Promise<'done' | 'enough'> {
  // What happens to a server that no file of the tier uses is none of its business.
  const guarded = plan.files.some((file) => needsDatabase(plan, file))
  const deps = guarded ? shared : { ...shared, guard: NO_GUARD }
  const { ledger } = deps
  const tier = plan.settings.name
  const deadline = AbortSignal.timeout(plan.settings.deadlineMs)
  let end: TierEnd = 'completed'
  let why: NotRunReason = 'lost'
  let files = plan.files
  for (;;) {
    const round = await runRound({ ...plan, files }, deps, deadline)
    end = round.end
    why = round.why
    if (end !== 'completed') break
    files = files.filter((file) => isSpoiled(ledger, tier, file.id))
    if (files.length === 0) break
  }
  closeFiles(tier, ledger, why)
  ledger.emit({ type: 'tier-ended', tier, end })
  return failFastReached(plan, ledger) ? 'enough' : 'done'
}

/** How a round ended: `completed` when everything ran that could. */
interface RoundEnd {
  readonly end: TierEnd
  /** What it means for files that never started. */
  readonly why: NotRunReason
}

/** Leases, every file once and the failed ones as often as the tier allows, and the leases given back. */
async function runRound(plan: TierPlan, deps: TierDeps, deadline: AbortSignal): Promise<RoundEnd> {
  const { ledger, guard } = deps
  const leased = await leaseWhenFit(plan, deps, AbortSignal.any([deadline, deps.signal]))
  if (!leased.ok) {
    const why = deps.signal.aborted ? 'signal' : deadline.aborted ? 'tier-deadline' : 'infrastructure'
    if (why === 'infrastructure') ledger.emit({ type: 'infrastructure', cause: leased.cause })
    return { why, end: why === 'signal' ? 'cancelled' : why === 'tier-deadline' ? 'deadline' : 'infrastructure' }
  }
  const { leases } = leased
  if (plan.files.length === 0) ledger.emit({ type: 'tier-started', tier: plan.settings.name, shards: 0, attempt: 1 })
  const withoutRedis = plan.files.some((file) => !needsDatabase(plan, file))
  const shards = Math.min(plan.settings.shards, Math.max(plan.files.length * copies(plan), 1))
  const lanes = openLanes(leases, withoutRedis ? shards : leases.length)
  const parts = {
    tier: plan,
    lanes,
    ledger,
    run: deps.run,
    state: tierState(),
    servers: deps.servers,
    guard,
    services: deps.services ?? null,
  }
  const desk = new TierDesk(parts)
  const desks = [desk]
  announce(leases, ledger)
  const stopWatching = watch(desk, plan, deps, deadline)
  const stopListening = listen(desks, plan, deps)
  try {
    if (plan.settings.stress) {
      ledger.emit({ type: 'tier-started', tier: plan.settings.name, shards: lanes.size, attempt: 1 })
      const open = (): TierDesk => {
        const another = new TierDesk(parts)
        desks.push(another)
        return another
      }
      const execute = async (batch: Batch, at: TierDesk, engine: Engine): Promise<void> =>
        executeBatch(batch, at, { ...deps, engine })
      await runStress(plan, lanes.size, { ...deps, first: desk, open, execute, noLaneLeft })
    } else {
      await runBatches(plan, lanes.size, desk, deps)
    }
  } finally {
    stopWatching()
    stopListening()
    await deps.services?.leaveShards()
    await Promise.all(leases.map((lease) => lease.release()))
    for (const [shard, lease] of leases.entries()) {
      ledger.emit({ type: 'lease-released', shard, database: lease.database })
    }
  }
  return { end: desk.halted?.end ?? 'completed', why: desk.halted?.waiting ?? 'lost' }

  function announce(all: readonly Lease[], to: Ledger): void {
    for (const [shard, lease] of all.entries()) {
      const lane: Lane = lanes.at(shard)
      to.emit({ type: 'lease-granted', shard, database: lease.database, fence: lease.fence })
      lease.onLost((message) => {
        for (const one of desks) one.leaseLost(lane, message)
      })
    }
  }
}

/** First every file once; then, while the tier allows it, the failed ones again, each time at the end of the queue. */
async function runBatches(plan: TierPlan, shards: number, desk: TierDesk, deps: TierDeps): Promise<void> {
  const { ledger } = deps
  const tier = plan.settings.name
  let files: readonly PlannedFile[] = plan.files
  const begun = performance.now()
  const before = attemptsOf(plan.files, tier, ledger)
  const rounds = [...before.values()].reduce((most, made) => Math.max(most, made), 0)
  for (let attempt = 1; files.length > 0 && !desk.halted; attempt++) {
    if (attempt === 2) desk.retryLimit.set(performance.now() + (plan.settings.retryLimitMs ?? Infinity))
    ledger.emit({ type: 'tier-started', tier, shards, attempt: attempt + rounds })
    await runToTheEnd(files, (file) => before.get(file)! + attempt, plan, { shards, begun }, desk, deps)
    files = files.filter(
      ({ id, suite }) =>
        triesOf(ledger, tier, id) <= retriesOf(plan, suite) &&
        isRetryable(ledger, tier, id) &&
        !desk.retryLimit.over.has(id),
    )
  }
  if (desk.retryLimit.over.size > 0) ledger.emit(overRetryLimit(plan, [...desk.retryLimit.over]))
}

const NAMES = 5

function overRetryLimit({ settings }: TierPlan, files: readonly string[]): Event {
  const some = files.slice(0, NAMES).join(', ') + (files.length > NAMES ? ` and ${files.length - NAMES} more` : '')
  const limit = `${(settings.retryLimitMs ?? 0) / 1000} s (retryLimit of tier ${settings.name})`
  const what = files.length === 1 ? '1 failed file was' : `${files.length} failed files were`
  const message = `${what} not tried again: it would have taken the retries beyond ${limit}: ${some}`
  return { type: 'notice', level: 'warning', code: 'retry-limit', message }
}

function attemptsOf(files: readonly PlannedFile[], tier: string, ledger: Ledger): Map<string, number> {
  const record = ledger.record.tiers.get(tier)
  return new Map(files.map(({ id }) => [id, record?.files.get(id)?.attempts.length ?? 0]))
}

/**
 * A file that was dropped (its lane's lease was lost before it started) is offered again, as long as that helps. Lanes
 * that were lost to an outage come back in the next round.
 *
 * @param wanted how many attempts at a file there are to be in all
 */
async function runToTheEnd(
  files: readonly PlannedFile[],
  wanted: (file: string) => number,
  plan: TierPlan,
  { shards, begun }: { readonly shards: number; readonly begun: number },
  desk: TierDesk,
  deps: TierDeps,
): Promise<void> {
  let waiting = files
  while (waiting.length > 0 && !desk.halted) {
    const batch = { tier: plan.settings, files: waiting, shards, scratch: deps.scratch, testName: deps.testName }
    await executeBatch(batch, desk, deps)
    const attempts = attemptsOf(waiting, plan.settings.name, deps.ledger)
    const left = waiting.filter(({ id }) => attempts.get(id)! < wanted(id) && !desk.retryLimit.over.has(id))
    if (left.length === waiting.length) {
      if (!desk.halted && (await deps.guard.blame(begun)) === null) await desk.abandon(noLaneLeft(left.length))
      return
    }
    waiting = left
  }
}

async function executeBatch(batch: Batch, desk: TierDesk, deps: TierDeps): Promise<void> {
  const execution = deps.engine.execute(batch, desk)
  desk.serve(execution)
  if (desk.halted) execution.stop()
  const inTime = new AbortController()
  const stuck = desk.whenHalted.then(() =>
    setTimeout(
      STOP_LIMIT_MS,
      { kind: 'died', message: `it did not stop within ${STOP_LIMIT_MS / 1000} s` } as const,
      inTime,
    ),
  )
  const end = await Promise.race([execution.done, stuck]).finally(() => inTime.abort())
  if (end.kind === 'died') {
    const cause = engineFailed(deps.engine.name, end.message)
    // Before anything else of it is ended: what still runs is not to blame.
    desk.fail(cause)
    await deps.engine.close()
    await desk.abandon(cause)
  }
  await desk.settled()
}

function engineFailed(engine: string, message: string): Cause {
  return {
    code: 'engine-failed',
    message: `The ${engine} process that runs the tests did not finish: ${message}.`,
    remedy: 'Run again. If it happens again, run the same files with the engine alone and look at its output.',
  }
}

/** The three things that can stop a tier from outside: its deadline, the user, the server. */
function watch(desk: TierDesk, plan: TierPlan, deps: TierDeps, deadline: AbortSignal): () => void {
  const limitMs = plan.settings.deadlineMs
  const onDeadline = (): void =>
    desk.halt({ end: 'deadline', running: { kind: 'timed-out', limit: 'tier', limitMs }, waiting: 'tier-deadline' })
  const onSignal = (): void =>
    desk.halt({ end: 'cancelled', running: { kind: 'cancelled', by: 'signal' }, waiting: 'signal' })
  for (const [signal, act] of [
    [deadline, onDeadline],
    [deps.signal, onSignal],
  ] as const) {
    if (signal.aborted) act()
    else signal.addEventListener('abort', act, { once: true })
  }
  const unsubscribe = deps.guard.onFailed((cause) => desk.fail(cause))
  return () => {
    unsubscribe()
    deadline.removeEventListener('abort', onDeadline)
    deps.signal.removeEventListener('abort', onSignal)
  }
}

/** A service that ends by itself takes the file on its shard with it; one that all shards use, the tier. */
function listen(desks: readonly TierDesk[], plan: TierPlan, { services }: TierDeps): () => void {
  const suites = plan.suites.filter(({ name }) => plan.files.some((file) => file.suite === name))
  const named = suites.flatMap((suite) => suite.services ?? [])
  if (!services || named.length === 0) return () => {}
  return services.onDied((death) => {
    if (!death.concerns(named)) return
    if (death.shard === null) desks[0]!.fail(death.cause)
    else for (const desk of desks) desk.serviceDied(death)
  })
}

type Leased = { readonly ok: true; readonly leases: readonly Lease[] } | { readonly ok: false; readonly cause: Cause }

/** Leases, as soon as the server is fit: it may stop being so between the preflight and the first lease. */
async function leaseWhenFit(plan: TierPlan, deps: TierDeps, signal: AbortSignal): Promise<Leased> {
  const { guard } = deps
  for (;;) {
    await Promise.race([guard.calm(), aborted(signal)])
    if (guard.failed) return { ok: false, cause: guard.failed }
    const leased = await leaseDatabases(plan, deps, signal)
    if (leased.ok || signal.aborted || guard === NO_GUARD || !mayPass(leased.cause.code)) return leased
    guard.suspect(leased.cause)
  }
}

function aborted(signal: AbortSignal): Promise<unknown> {
  return signal.aborted ? Promise.resolve() : once(signal, 'abort')
}

/** As many leases as the tier's files can use; none for a tier without Redis. */
async function leaseDatabases(plan: TierPlan, deps: TierDeps, signal: AbortSignal): Promise<Leased> {
  const { ledger } = deps
  const files = plan.files.filter((file) => needsDatabase(plan, file)).length
  const wanted = Math.min(plan.settings.shards, files * copies(plan))
  if (wanted === 0 || deps.redis === null) return { ok: true, leases: [] }
  const grant = await deps.redis.lease({
    count: wanted,
    run: deps.run,
    waitMs: deps.waitMs,
    onWait: (holders) => ledger.emit({ type: 'lease-waiting', holders, limitMs: deps.waitMs }),
    signal,
  })
  if (grant.kind === 'refused') return { ok: false, cause: grant.cause }
  for (const lease of grant.leases) ledger.conceal(lease.connection.password)
  for (const skipped of grant.skipped) {
    ledger.emit({ type: 'notice', level: 'warning', code: 'database-skipped', message: skipped })
  }
  if (grant.leases.length < wanted) {
    const held = grant.holders.length > 0 ? ` Held: ${grant.holders.join('; ')}.` : ''
    const message = `${grant.leases.length} of ${wanted} shards: only so many databases are free.${held}`
    ledger.emit({ type: 'notice', level: 'warning', code: 'fewer-shards', message })
  }
  return { ok: true, leases: grant.leases }
}

/** How many attempts at one file may run at once. */
function copies({ settings: { stress, shards } }: TierPlan): number {
  return stress ? (stress.times ?? shards) : 1
}

function needsDatabase(plan: TierPlan, file: PlannedFile): boolean {
  return plan.suites.find((suite) => suite.name === file.suite)?.isolation === 'db'
}

/** Gives every file of a tier that never started an ending that says why. */
export function closeFiles(tier: string, ledger: Ledger, why: NotRunReason): void {
  const ending = { kind: 'not-run', why } as const
  for (const [file, record] of ledger.record.tiers.get(tier)?.files ?? []) {
    if ((record.attempts.length > 0 && !isShort(record)) || record.notRun) continue
    const attempt = record.attempts.length + 1
    ledger.emit({ type: 'file-ended', tier, file, attempt, ending, durationMs: 0, running: [], errors: [] })
  }
}

function noLaneLeft(files: number): Cause {
  return {
    code: 'lease-lost',
    message: `No shard is left: every lease was lost before the last ${files} files could start.`,
    remedy: 'Somebody else flushes this server, or it was restarted; `tiershard redis status` shows who holds what.',
  }
}
