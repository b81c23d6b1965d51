/**
 * The size and the times of a history of 100,000 tests with 25 runs each.
 *
 *   node bench/history.ts [--files 5000]
 */
import { gzipSync } from 'node:zlib'
import { parseArgs } from 'node:util'
import { combine } from '../src/history/combine.ts'
import { emptyHistory, parse, serialise } from '../src/history/data.ts'
import { addRun } from '../src/history/merge.ts'
import { pastOf } from '../src/history/past.ts'
import { analyseSlow } from '../src/reports/slow.ts'
import { journal, START } from '../suites/support/reports/journal-builder.ts'
import type { RunRecord } from '../src/core/record.ts'
import { generator } from './statistics.ts'

const TESTS = 100_000
const RUNS = 25

const { values } = parseArgs({ options: { files: { type: 'string', default: '5000' } } })
const files = Math.min(TESTS, Math.max(1, Number(values.files) || 5000))
const perFile = Math.ceil(TESTS / files)
const random = generator(7)

function run(index: number): RunRecord {
  const draft = journal({ run: `run-${index}`, commit: `commit-${index}` }).tier('standard')
  for (let file = 0; file < files; file++) {
    draft.file(`suites/standard/group-${file % 50}/feature-${file}.test.ts`, (one) =>
      one.attempt((it) => {
        for (let i = 0; i < perFile; i++) {
          it.passed(`feature ${file} does what is asked of it in case ${i}`, Math.exp(2 + 3 * random()))
        }
      }),
    )
  }
  return { ...draft.build().record, startedAt: START + index * 60_000 }
}

function timed<T>(what: string, work: () => T): T {
  const from = performance.now()
  const result = work()
  process.stdout.write(`${what}: ${Math.round(performance.now() - from)} ms\n`)
  return result
}

const data = emptyHistory()
for (let i = 0; i < RUNS - 1; i++) addRun(data, run(i))
const last = run(RUNS - 1)
timed('add a run', () => addRun(data, last))
const text = timed('write', () => serialise(data))
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
process.stdout.write(
  `${files} files, ${files * perFile} tests, ${RUNS} runs: ${megabytes(Buffer.byteLength(text))}, ${megabytes(gzipSync(text).length)} compressed\n`,
)
timed('read', () => parse(text))
const past = timed('look back', () => {
  const found = pastOf(data, last)
  found.tier('standard')
  return found
})
timed('analyse', () => analyseSlow(last, { file: () => null, test: () => [] }, 20, [], [past]))
timed('merge with itself', () => combine(data, data))
