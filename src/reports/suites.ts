import type { RunRecord, TierRecord } from '../core/record.ts'
import { addCounts, countFile, countTier, isFlakyFile, noCounts, testVerdicts, type Counts } from '../core/verdict.ts'
import { planned } from './words.ts'

/** A suite's line: how many files it has, what became of their tests, and the time of all attempts added up, ms. */
export interface SuiteRow {
  readonly suite: string
  files: number
  readonly counts: Counts
  timeMs: number
}

/** One row a suite, in the order of the config, one for errors that belong to no file, and the sum. */
export function suiteRows(tier: TierRecord): { readonly rows: SuiteRow[]; readonly total: SuiteRow } {
  const empty = (suite: string): SuiteRow => ({ suite, files: 0, counts: noCounts(), timeMs: 0 })
  const rows = new Map(tier.suites.map(({ name }) => [name, empty(name)]))
  for (const file of tier.files.values()) {
    const { suite } = file.plan
    const row = rows.get(suite) ?? empty(suite)
    rows.set(suite, row)
    row.files++
    row.timeMs += file.attempts.reduce((sum, attempt) => sum + attempt.durationMs, 0)
    addCounts(row.counts, countFile(file))
  }
  const used = [...rows.values()].filter((row) => row.files > 0)
  const failed = tier.strayErrors.length
  const outside = { ...empty('(outside of files)'), counts: { ...noCounts(), failed } }
  const timeMs = used.reduce((sum, row) => sum + row.timeMs, 0)
  return {
    rows: failed > 0 ? [...used, outside] : used,
    total: { suite: 'total', files: tier.files.size, counts: countTier(tier), timeMs },
  }
}

/** Tests that failed and then passed within this run, as `file > test`. */
export function flakyTests(record: RunRecord): string[] {
  return planned(record).flatMap(({ file }) =>
    testVerdicts(file)
      .filter((test) => test.flaky)
      .map((test) => `${file.plan.id} > ${test.name}`)
      .concat(isFlakyFile(file) ? [`${file.plan.id} (the file itself)`] : []),
  )
}
