import type { AttemptRef, TestResult } from '../core/events.ts'
import { excuse } from '../core/quarantine.ts'
import { countFile, countRun } from '../core/verdict.ts'
import type { Halt } from './desk.ts'
import type { Ledger } from './ledger.ts'
import type { TierPlan } from './plan.ts'

/** Counts the failures of a tier as they happen. */
export interface FailureWatch {
  tested(ref: AttemptRef, test: TestResult): void
  /** The attempt's `file-ended` is in the journal. */
  ended(ref: AttemptRef): void
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

/**
 * Halts a tier when enough tests have failed for good: a failure that is going to be tried again does not count yet, and
 * one that the quarantine excuses never does. A file that fails without a failed test counts as one.
 */
export function watchFailures(plan: TierPlan, ledger: Ledger, halt: (why: Halt) => void): FailureWatch {
  const { name: tier, failFast: limit = 0 } = plan.settings
  if (limit === 0) return { tested: () => {}, ended: () => {} }
  const before = countRun(ledger.record).failed
  const failed = new Map<string, number>()
  const plans = new Map(plan.files.map((file) => [file.id, file]))
  let struck = false

  const isFinal = ({ file, attempt }: AttemptRef): boolean => {
    const planned = plans.get(file)!
    return planned.repeated !== undefined || attempt > retriesOf(plan, planned.suite)
  }
  const set = (ref: AttemptRef, count: number, what: string): void => {
    failed.set(ref.file, Math.max(count, failed.get(ref.file) ?? 0))
    const sum = [...failed.values()].reduce((all, one) => all + one, before)
    if (sum < limit || struck) return
    struck = true
    const files = [...(ledger.record.tiers.get(tier)?.files.values() ?? [])]
    const running = files.filter(({ attempts }) => attempts.at(-1)?.ending === null).length
    const waiting = files.filter(({ attempts }) => attempts.length === 0).length
    const message =
      `fail-fast: ${sum} failed (the limit is ${limit}), the last one in ${what}; ` +
      `${running} running files are ended, ${waiting} files of tier ${tier} do not start`
    ledger.emit({ type: 'notice', level: 'info', code: 'fail-fast', message })
    halt({ end: 'cancelled', running: { kind: 'cancelled', by: 'fail-fast' }, waiting: 'fail-fast' })
  }

  return {
    tested(ref, test) {
      if (test.outcome !== 'failed' && test.outcome !== 'timed-out') return
      if (!isFinal(ref) || excuse(plans.get(ref.file)!, test.name)) return
      set(ref, (failed.get(ref.file) ?? 0) + 1, `${ref.file} > ${test.name}`)
    },
    ended(ref) {
      const record = ledger.record.tiers.get(tier)?.files.get(ref.file)
      if (!record || !isFinal(ref)) return
      const { failed: count } = countFile(record)
      if (count > 0) set(ref, count, ref.file)
    },
  }
}
