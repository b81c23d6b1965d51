import type { LeakedProcess } from '../core/events.ts'
import type { RunRecord } from '../core/record.ts'
import { decidingAttempt, ownCase, testVerdicts } from '../core/verdict.ts'
import { planned } from './words.ts'

/** What a run has to tell beside its verdict: failures that are excused, and what files left running. */

export interface Quarantined {
  readonly tier: string
  readonly file: string
  /** null: the file itself. */
  readonly test: string | null
  readonly entry: string
  readonly until: string
  readonly reason: string
  /** The first line of what was wrong; '' when nothing was said. */
  readonly message: string
}

/** The failures that the quarantine excuses, in the order of the plan. */
export function quarantined(record: RunRecord): Quarantined[] {
  return planned(record).flatMap(({ tier, file }) => {
    if (!file.plan.quarantine) return []
    const tests = testVerdicts(file)
    const at = { tier: tier.name, file: file.plan.id }
    const found = tests.flatMap((test): Quarantined[] => {
      if (!test.quarantined) return []
      const { entry, until, reason } = test.quarantined
      return [{ ...at, test: test.name, entry, until, reason, message: firstLine(test.last.errors[0]?.message) }]
    })
    const own = ownCase(file, tests)
    if (!own?.quarantined) return found
    const { entry, until, reason } = own.quarantined
    const message = firstLine(decidingAttempt(file)?.errors[0]?.message)
    return [...found, { ...at, test: null, entry, until, reason, message }]
  })
}

function firstLine(message = ''): string {
  return message.trimStart().split('\n', 1)[0]!.slice(0, 500)
}

export interface LeakedBy {
  readonly tier: string
  readonly file: string
  readonly processes: readonly LeakedProcess[]
}

/** The files that left processes running, with what they left in their last attempt that did. */
export function leftRunning(record: RunRecord): LeakedBy[] {
  return planned(record).flatMap(({ tier, file }) => {
    const processes = file.attempts.findLast(({ leaked }) => leaked)?.leaked
    return processes ? [{ tier: tier.name, file: file.plan.id, processes }] : []
  })
}
