import type { Ending, TestOutcome } from './ending.ts'
import type { RunRecord } from './record.ts'
import { column, countFile, fileEnding, testVerdicts } from './verdict.ts'

/** Something that was planned and has no result. */
export interface Gap {
  readonly tier: string
  readonly file: string
  /** null: the file, whose tests are not known. */
  readonly test: string | null
  readonly outcome: TestOutcome
  /** How the file ended. */
  readonly ending: Ending
}

/**
 * Everything planned that has no result, in the order of the plan: as many as `countRun` counts as not run, but for what
 * `RunRecord.missing` names.
 */
export function gaps(record: RunRecord): Gap[] {
  const found: Gap[] = []
  for (const tier of record.tiers.values()) {
    for (const file of tier.files.values()) {
      const { notRun } = countFile(file)
      if (notRun === 0) continue
      const at = { tier: tier.name, file: file.plan.id, ending: fileEnding(file) }
      const tests = testVerdicts(file).filter(({ outcome }) => column(outcome) === 'notRun')
      for (const { name, outcome } of tests) found.push({ ...at, test: name, outcome })
      if (tests.length < notRun) found.push({ ...at, test: null, outcome: 'not-run' })
    }
  }
  return found
}
