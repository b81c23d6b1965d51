import fc from '../property.ts'
import type { RunMeta } from '../../../src/core/events.ts'
import type { RunRecord } from '../../../src/core/record.ts'
import { emptyHistory, type HistoryData } from '../../../src/history/data.ts'
import { addRun } from '../../../src/history/merge.ts'
import { journal, START } from '../reports/journal-builder.ts'

/** How a test of a run did: ms of a pass, or 'failed', or 'again' for a pass after a failure. */
export type Did = number | 'failed' | 'again'

/** A run of tier `fast`, started `at` ms after the first, with files that hold these tests. */
export function runOf(
  id: string,
  at: number,
  files: Readonly<Record<string, Readonly<Record<string, Did>>>>,
  meta: Partial<RunMeta> = {},
): RunRecord {
  const run = journal({ run: id, ...meta }).tier('fast')
  for (const [path, tests] of Object.entries(files)) {
    run.file(path, (file) =>
      file.attempt((it) => {
        for (const [name, did] of Object.entries(tests)) {
          if (did === 'failed') it.failed(name)
          else if (did === 'again') it.retried(name)
          else it.passed(name, did)
        }
      }),
    )
  }
  return { ...run.build().record, startedAt: START + at }
}

export function historyOf(...runs: readonly RunRecord[]): HistoryData {
  const data = emptyHistory()
  for (const run of runs) addRun(data, run)
  return data
}

const did: fc.Arbitrary<Did> = fc.oneof(
  { weight: 8, arbitrary: fc.nat(5000) },
  { weight: 1, arbitrary: fc.constant('failed' as const) },
  { weight: 1, arbitrary: fc.constant('again' as const) },
)
const tests = fc.dictionary(fc.constantFrom('t', 'u|%', '__proto__', 'a > b'), did, { minKeys: 1 })

/** Up to 40 runs on three commits and two machines: more than the samples that are kept of a file and machine. */
export const someRuns: fc.Arbitrary<RunRecord[]> = fc
  .array(
    fc.record({
      at: fc.nat(30),
      commit: fc.constantFrom('c1', 'c2', 'c3', null),
      cpus: fc.constantFrom(2, 8),
      files: fc.dictionary(fc.constantFrom('a.test.ts', 'b.test.ts'), tests),
    }),
    { maxLength: 40 },
  )
  .map((plans) => plans.map(({ at, files, ...meta }, i) => runOf(`run-${i}`, at * 3_600_000, files, meta)))
