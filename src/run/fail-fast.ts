import type { Cause, Ending, NotRunReason } from '../core/ending.ts'
import type { AttemptRef, TestResult, TierEnd } from '../core/events.ts'
import { excuse } from '../core/quarantine.ts'
import { countFile, countRun } from '../core/verdict.ts'
import { triesOf } from './endings.ts'
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

type Blame = () => Promise<Cause | null>

/** Counts the failures of a tier as they happen. */
export interface FailureWatch {
  /** @param blame what was wrong with the attempt's server meanwhile; asked only when the limit seems to be reached */
  tested(ref: AttemptRef, test: TestResult, blame: Blame): void
  /** The attempt's `file-ended` is in the journal. Resolves when it is decided whether the tier goes on. */
  ended(ref: AttemptRef): Promise<void>
}

/** How often a file may be tried again. */
export function retriesOf({ settings, suites }: TierPlan, suite: string): number {
  return suites.find(({ name }) => name === suite)?.retries ?? settings.retries
}

/** Whether so many tests have failed that the run ends. */
export function failFastReached(plan: TierPlan, ledger: Ledger): boolean {
  const { failFast = 0 } = plan.settings
  return failFast > 0 && countRun(ledger.record).failed >= failFast
}

/** The failures of an attempt that has not ended yet. */
interface Running {
  readonly file: string
  /** Repetitions of one test are one failure, as they are in the verdict. */
  readonly names: Set<string>
  readonly blame: Blame
}

/**
 * Halts a tier when enough tests have failed for good: a failure that is going to be tried again does not count yet, one
 * that happened while the server was not fit is not the test's, and one that the quarantine excuses never counts. A file
 * that fails without a failed test counts as one.
 */
export function watchFailures(plan: TierPlan, ledger: Ledger, halt: (why: Halt) => void): FailureWatch {
  const { name: tier, failFast: limit = 0 } = plan.settings
  if (limit === 0) return { tested: () => {}, ended: async () => {} }
  const plans = new Map(plan.files.map((file) => [file.id, file]))
  const running = new Map<string, Running>()
  /** The files with failures after an attempt's end, and how many; here from an earlier round of the tier. */
  const known = new Map<string, number>()
  /** All that have failed for good, but for what the running attempts add. */
  let sum = countRun(ledger.record).failed
  let struck = false
  let last = ''

  for (const { id } of plan.files) {
    const record = ledger.record.tiers.get(tier)?.files.get(id)
    const failed = record && record.attempts.length > 0 ? countFile(record).failed : 0
    if (failed > 0) known.set(id, failed)
  }

  const isFinal = ({ file }: AttemptRef): boolean => {
    const planned = plans.get(file)!
    return planned.repeated !== undefined || triesOf(ledger, tier, file) > retriesOf(plan, planned.suite)
  }
  const learn = (file: string, failed: number): void => {
    sum += failed - (known.get(file) ?? 0)
    if (failed > 0) known.set(file, failed)
    else known.delete(file)
  }
  const count = (attempts: Iterable<Running>): number => {
    const names = new Map<string, Set<string>>()
    for (const { file, names: some } of attempts) names.set(file, new Set([...(names.get(file) ?? []), ...some]))
    return [...names].reduce((all, [file, { size }]) => all + Math.max(size - (known.get(file) ?? 0), 0), sum)
  }
  const check = async (): Promise<void> => {
    if (struck || count(running.values()) < limit) return
    const asked = await Promise.all(
      [...running].map(async ([key, attempt]) => ({ key, attempt, cause: await attempt.blame() })),
    )
    // What has ended meanwhile is in the record, which knows better.
    const unexcused = asked.filter(({ key, attempt, cause }) => cause === null && running.get(key) === attempt)
    const failed = count(unexcused.map(({ attempt }) => attempt))
    if (struck || failed < limit) return
    struck = true
    strike(failed)
  }
  const strike = (failed: number): void => {
    const files = [...(ledger.record.tiers.get(tier)?.files.values() ?? [])]
    const started = files.filter(({ attempts }) => attempts.at(-1)?.ending === null).length
    const waiting = files.filter(({ attempts }) => attempts.length === 0).length
    const message =
      `fail-fast: ${failed} failed (the limit is ${limit}), the last one in ${last}; ` +
      `${started} running files are ended, ${waiting} files of tier ${tier} do not start`
    ledger.emit({ type: 'notice', level: 'info', code: 'fail-fast', message })
    halt({ end: 'cancelled', running: { kind: 'cancelled', by: 'fail-fast' }, waiting: 'fail-fast' })
  }

  return {
    tested(ref, test, blame) {
      if (test.outcome !== 'failed' && test.outcome !== 'timed-out') return
      if (!isFinal(ref) || excuse(plans.get(ref.file)!, test.name)) return
      const key = `${ref.attempt} ${ref.file}`
      const attempt = running.get(key) ?? { file: ref.file, names: new Set(), blame }
      attempt.names.add(test.name)
      running.set(key, attempt)
      last = `${ref.file} > ${test.name}`
      void check()
    },
    async ended(ref) {
      const hasFailed = running.delete(`${ref.attempt} ${ref.file}`)
      const record = ledger.record.tiers.get(tier)?.files.get(ref.file)
      if (!record || !isFinal(ref)) return
      const { failed } = countFile(record)
      learn(ref.file, failed)
      if (failed > 0 && !hasFailed) last = ref.file
      await check()
    },
  }
}
