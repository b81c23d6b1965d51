import type { Cause } from '../core/ending.ts'
import type { AttemptRef, TestResult } from '../core/events.ts'
import { excuse } from '../core/quarantine.ts'
import { countFile, countRun } from '../core/verdict.ts'
import type { Halt } from './desk.ts'
import { triesOf } from './endings.ts'
import type { Ledger } from './ledger.ts'
import type { TierPlan } from './plan.ts'

type Blame = () => Promise<Cause | null>

/** Counts the failures of a tier as they happen. */
export interface FailureWatch {
  /** @param blame what was wrong with the server meanwhile; asked only when this failure would be the last one */
  tested(ref: AttemptRef, test: TestResult, blame: Blame): void
  /** The attempt's `file-ended` is in the journal. */
  ended(ref: AttemptRef, blame: Blame): void
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
 * Halts a tier when enough tests have failed for good (and no server is behind the last one): a failure that is going to be tried again does not count yet, and
 * one that the quarantine excuses never does. A file that fails without a failed test counts as one.
 */
export function watchFailures(plan: TierPlan, ledger: Ledger, halt: (why: Halt) => void): FailureWatch {
  const { name: tier, failFast: limit = 0 } = plan.settings
  if (limit === 0) return { tested: () => {}, ended: () => {} }
  const before = countRun(ledger.record).failed
  const failed = new Map<string, ReadonlySet<string> | number>()
  const plans = new Map(plan.files.map((file) => [file.id, file]))
  let struck = false

  const isFinal = ({ file }: AttemptRef): boolean => {
    const planned = plans.get(file)!
    return planned.repeated !== undefined || triesOf(ledger, tier, file) > retriesOf(plan, planned.suite)
  }
  const sum = (): number =>
    [...failed.values()].reduce<number>((all, one) => all + (typeof one === 'number' ? one : one.size), before)
  const check = async (blame: Blame, what: string): Promise<void> => {
    // A test may have failed because its server was not fit: then it is not the test's failure, and runs again.
    if (sum() < limit || struck || (await blame()) !== null || sum() < limit || struck) return
    struck = true
    strike(sum(), what)
  }
  const strike = (count: number, what: string): void => {
    const files = [...(ledger.record.tiers.get(tier)?.files.values() ?? [])]
    const running = files.filter(({ attempts }) => attempts.at(-1)?.ending === null).length
    const waiting = files.filter(({ attempts }) => attempts.length === 0).length
    const message =
      `fail-fast: ${count} failed (the limit is ${limit}), the last one in ${what}; ` +
      `${running} running files are ended, ${waiting} files of tier ${tier} do not start`
    ledger.emit({ type: 'notice', level: 'info', code: 'fail-fast', message })
    halt({ end: 'cancelled', running: { kind: 'cancelled', by: 'fail-fast' }, waiting: 'fail-fast' })
  }

  return {
    tested(ref, test, blame) {
      if (test.outcome !== 'failed' && test.outcome !== 'timed-out') return
      if (!isFinal(ref) || excuse(plans.get(ref.file)!, test.name)) return
      const known = failed.get(ref.file)
      // Repetitions of one test are one failure, as they are in the verdict.
      failed.set(ref.file, new Set([...(known instanceof Set ? known : []), test.name]))
      void check(blame, `${ref.file} > ${test.name}`)
    },
    ended(ref, blame) {
      const record = ledger.record.tiers.get(tier)?.files.get(ref.file)
      if (!record || !isFinal(ref)) return
      // What the record says of the whole file: nothing, if the infrastructure is to blame.
      failed.set(ref.file, countFile(record).failed)
      void check(blame, ref.file)
    },
  }
}
