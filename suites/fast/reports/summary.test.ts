import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { countRun } from '../../../src/core/verdict.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { summaryJson, type Summary } from '../../../src/reports/summary.ts'
import { arbitraryRun } from '../../support/reports/arbitrary-run.ts'
import { journal, type Built } from '../../support/reports/journal-builder.ts'
import { mixedRun } from '../../support/reports/sample-runs.ts'

const summary = ({ record }: Built): Summary =>
  summaryJson(record, analyseSlow(record, { file: () => null, test: () => [] }, 5))

test('a run for programs: verdict, counts by suite, paths', () => {
  const found = summary(mixedRun())
  expect(found).toMatchObject({
    version: 1,
    verdict: 'failed',
    exitCode: 1,
    startedAt: '2026-11-20T06:00:00.000Z',
    counts: { passed: 8, failed: 6, skipped: 1, notRun: 3, flaky: 2 },
    server: { source: 'local', address: '127.0.0.1:40123' },
    notices: [{ code: 'redis-source' }, { level: 'warning', code: 'fewer-shards' }],
    paths: { journal: 'journal.ndjson', junit: 'junit.xml', markdown: 'summary.md', html: 'report.html' },
  })
  expect(found.wallMs).toBeGreaterThan(300_000)
  const [fast, standard] = found.tiers
  expect(fast?.suites).toMatchObject([{ suite: 'fast', files: 1, run: 2, passed: 2, failed: 0 }])
  expect(standard?.suites).toMatchObject([
    { suite: 'gateway', files: 2, run: 4, passed: 3, failed: 1, skipped: 1, flaky: 1 },
    { suite: 'standard', files: 7, passed: 3, failed: 5, notRun: 3, flaky: 1 },
  ])
})

test('a failure says which test, where, in which attempt, on which shard and database', () => {
  const { failures } = summary(mixedRun())
  expect(failures.find(({ test }) => test === 'never passes')).toEqual({
    tier: 'standard',
    suite: 'standard',
    file: 'suites/standard/never.test.ts',
    test: 'never passes',
    outcome: 'failed',
    message: 'AssertionError: second reason',
    cause: null,
    location: { file: 'suites/standard/storm.test.ts', line: 14, column: 9 },
    attempt: 2,
    shard: 1,
    database: 2,
    ending: { kind: 'failed' },
  })
})

test('a file that no test speaks for is a failure of its own; what did not run is apart', () => {
  const { failures, notRun } = summary(mixedRun())
  const ofFiles = failures.filter(({ test }) => test === null)
  expect(ofFiles.map(({ file, outcome, message }) => [file, outcome, message])).toEqual([
    ['suites/standard/empty.test.ts', 'failed', 'no tests: the file holds no test'],
    ['suites/standard/syntax.test.ts', 'failed', 'SyntaxError: Unexpected token (3:7)'],
  ])
  expect(failures.find(({ test }) => test === 'eats everything')).toMatchObject({
    outcome: 'crashed',
    message: 'crashed: out of memory',
    location: { file: 'suites/standard/memory.test.ts', line: 14 },
  })
  expect(notRun.map(({ file, tests, ending }) => [file, tests, ending.kind])).toEqual([
    ['suites/standard/late.test.ts', null, 'not-run'],
    ['suites/standard/loop.test.ts', 1, 'timed-out'],
    ['suites/standard/memory.test.ts', 1, 'crashed'],
  ])
})

test('flaky tests and errors of the engine are named', () => {
  expect(summary(mixedRun()).flaky).toEqual([
    { tier: 'standard', file: 'suites/standard/flaky.test.ts', test: 'sometimes' },
    { tier: 'standard', file: 'suites/standard/inside.test.ts', test: 'settles at the second try' },
  ])
  const { failures, verdict } = summary(journal().tier('fast').stray('vitest broke').build())
  expect(failures).toMatchObject([{ tier: 'fast', file: null, test: null, message: 'AssertionError: vitest broke' }])
  expect(verdict).toBe('failed')
})

test('infrastructure is a cause, not a failure', () => {
  const run = journal()
    .tier('fast')
    .cause({ code: 'redis-auth' })
    .file('a.test.ts', (file) => file.notRun('infrastructure'))
  expect(summary(run.build())).toMatchObject({
    verdict: 'infrastructure',
    exitCode: 3,
    failures: [],
    notRun: [{ file: 'a.test.ts', tests: null, ending: { kind: 'not-run', why: 'infrastructure' } }],
    causes: [{ code: 'redis-auth' }],
  })
})

test('failures with a known cause are counted under it, whatever their messages', () => {
  const readOnly = (n: number) => `READONLY You can't write against a read only replica. script: ${n}`
  const run = journal()
    .tier('fast')
    .file('a.test.ts', (file) => file.attempt((it) => it.failed('one', 1, readOnly(1)).failed('two', 1, readOnly(2))))
    .file('b.test.ts', (file) => file.attempt((it) => it.failed('three', 1, 'expected 503 to be 200')))
    .server({ address: 'redis://127.0.0.1:6379' })
    .file('c.test.ts', (file) => file.attempt((it) => it.failed('four', 1, 'connect ECONNREFUSED 127.0.0.1:5432')))
  const { failuresByCause, failures } = summary(run.build())
  expect(failuresByCause).toEqual([{ cause: 'redis-read-only', count: 2, of: 4 }])
  expect(failures.map(({ cause }) => cause)).toEqual(['redis-read-only', 'redis-read-only', null, null])
})

test('a killed run is incomplete', () => {
  const run = journal()
    .tier('fast')
    .file('a.test.ts', (file) => file.attempt((it) => it.passed('known').pending('lost').ends(null)))
    .killed()
  expect(summary(run.build())).toMatchObject({
    verdict: 'incomplete',
    exitCode: 5,
    endedAt: null,
    counts: { passed: 1, notRun: 1 },
  })
})

test('it holds no output of tests', () => {
  const run = journal()
    .tier('fast')
    .file('a.test.ts', (file) => file.attempt((it) => it.passed('prints').output('REDIS_URL=redis://u:hunter2@h')))
  expect(JSON.stringify(summary(run.build()))).not.toContain('hunter2')
})

test('whatever a run holds, failures and suites add up to the counts, and it survives JSON', () => {
  fc.assert(
    fc.property(arbitraryRun(), (built) => {
      const found = summary(built)
      expect(found.failures).toHaveLength(countRun(built.record).failed)
      expect(found.flaky).toHaveLength(countRun(built.record).flaky)
      for (const { counts, suites } of found.tiers) {
        for (const key of ['passed', 'failed', 'skipped', 'notRun', 'flaky'] as const) {
          expect(suites.reduce((sum, suite) => sum + suite[key], 0)).toBe(counts[key])
        }
      }
      expect(JSON.parse(JSON.stringify(found))).toEqual(found)
    }),
    { numRuns: 200 },
  )
})
