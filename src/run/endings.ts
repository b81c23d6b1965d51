import { unreachable, type Cause, type Ending } from '../core/ending.ts'
import type { AttemptRef, ErrorRecord } from '../core/events.ts'
import type { FileStop, Trouble } from '../core/ports.ts'
import type { AttemptRecord, TestRecord } from '../core/record.ts'
import { countFile, fileEnding, isShort } from '../core/verdict.ts'
import { mayPass } from './guard.ts'
import type { Ledger } from './ledger.ts'

/** How files end, and which of them run again: the decisions of the desk, apart from its doings. */

/** An attempt whose process is gone. */
interface Ended {
  readonly ref: AttemptRef
  /** What the engine said; null when it said nothing. */
  readonly stop: FileStop | null
  /** The first cause of an end that the run itself decided. */
  readonly reason: Ending | null
}

const ENGINE_SILENT: Cause = {
  code: 'engine-failed',
  message: 'The engine gave up the file without saying how it ended.',
  remedy: 'Run the file again; if it happens again, run it with the engine alone and look at its output.',
}

/**
 * The one place where an attempt's ending is decided.
 *
 * @param found what the file did to its database that makes it fail
 * @param blame what was wrong with the server while the file ran: what failed meanwhile is not the tests' fault
 */
export function decide(
  attempt: Ended,
  found: readonly ErrorRecord[],
  trouble: Trouble | null,
  blame: Cause | null,
  ledger: Ledger,
): Ending {
  const { reason, stop } = attempt
  const byServer: Ending | null = blame && { kind: 'infrastructure', cause: blame }
  if (reason?.kind === 'lease-lost') return byServer ?? reason
  if (trouble?.kind === 'lost') return byServer ?? { kind: 'lease-lost', message: trouble.message }
  if (stop?.kind === 'completed') {
    const outcome = byTests(attempt, [...stop.errors, ...found], ledger)
    if (outcome.kind !== 'failed') return outcome
    // Failed while its server was going away: the server is to blame until a run with a sound one says otherwise.
    if (reason?.kind === 'infrastructure') return reason
    if (byServer) return byServer
    return trouble ? { kind: 'infrastructure', cause: trouble.cause } : outcome
  }
  if (reason?.kind === 'cancelled' && reason.by === 'fail-fast' && byServer) return byServer
  // A file that fail-fast has ended may be the one whose failure was enough.
  if (reason?.kind === 'cancelled' && reason.by === 'fail-fast' && testsOf(attempt, ledger).some(isFailed)) {
    return { kind: 'failed' }
  }
  if (reason && (reason.kind !== 'timed-out' || reason.limit === 'tier')) return reason
  if (byServer) return byServer
  if (reason) return reason
  if (stop === null) return { kind: 'infrastructure', cause: ENGINE_SILENT }
  const { exitCode, signal, outOfMemory } = stop
  return { kind: 'crashed', exitCode, signal, outOfMemory }
}

function testsOf({ ref }: Pick<Ended, 'ref'>, ledger: Ledger): TestRecord[] {
  const attempts = ledger.record.tiers.get(ref.tier)?.files.get(ref.file)?.attempts
  return [...(attempts?.findLast(({ attempt }) => attempt === ref.attempt)?.tests.values() ?? [])]
}

function isFailed(test: TestRecord): boolean {
  return test.outcome === 'failed' || test.outcome === 'timed-out'
}

/** What the tests of an attempt, and errors that belong to none of them, say of it. */
export function byTests(attempt: Pick<Ended, 'ref'>, errors: readonly ErrorRecord[], ledger: Ledger): Ending {
  const tests = testsOf(attempt, ledger)
  const failed = tests.some(isFailed)
  if (failed || errors.length > 0) return { kind: 'failed' }
  // With a pattern for names, a file may well have no test that matches.
  const empty = tests.length === 0 && ledger.record.meta?.testName === undefined
  return empty ? { kind: 'no-tests' } : { kind: 'passed' }
}

/** Whether a file's last attempt is worth another one, if the tier allows retries. A known failure is not. */
export function isRetryable(ledger: Ledger, tier: string, file: string): boolean {
  if (countFailed(ledger, tier, file) === 0) return false
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

/** How often a file was tried, not counting what the infrastructure spoiled; the attempt that runs counts. */
export function triesOf(ledger: Ledger, tier: string, file: string): number {
  const attempts = ledger.record.tiers.get(tier)?.files.get(file)?.attempts ?? []
  return attempts.filter(({ ending }) => ending?.kind !== 'infrastructure' && ending?.kind !== 'lease-lost').length
}

/** How often a file that the server spoiled is run again; after that, its last ending stands. */
const SPOILED_TRIES = 2

/** Whether a file has to run again, or at all, because its server was not fit before. */
export function isSpoiled(ledger: Ledger, tier: string, file: string): boolean {
  const { shards = 1, files } = ledger.record.tiers.get(tier) ?? {}
  const record = files?.get(file)
  if (!record || record.attempts.length === 0) return true
  const { attempts, plan } = record
  if (plan.repeated) return isShort(record) && isWorthIt(attempts, shards)
  return attempts.at(-1)!.ending?.kind === 'infrastructure' && isWorthIt(attempts, 1)
}

/** Whether a file that the server spoiled, perhaps several times, may fare better when it runs again. */
export function isWorthIt(attempts: readonly AttemptRecord[], atOnce: number): boolean {
  const spoiled = attempts.flatMap(({ ending }) => (ending?.kind === 'infrastructure' ? [ending.cause.code] : []))
  // One outage may spoil as many repetitions as run at once.
  return spoiled.length <= SPOILED_TRIES * Math.max(atOnce, 1) && spoiled.every(mayPass)
}

function countFailed(ledger: Ledger, tier: string, file: string): number {
  const record = ledger.record.tiers.get(tier)?.files.get(file)
  return record ? countFile(record).failed : 0
}

function lastEnding(ledger: Ledger, tier: string, file: string): Ending | undefined {
  const record = ledger.record.tiers.get(tier)?.files.get(file)
  return record && record.attempts.length > 0 ? fileEnding(record) : undefined
}
