import fc from '../../support/property.ts'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { combineRuns } from '../../../src/core/matrix.ts'
import { countRun } from '../../../src/core/verdict.ts'
import type { RunRecord } from '../../../src/core/record.ts'
import { annotations } from '../../../src/reports/exports/annotations.ts'
import { ctrf } from '../../../src/reports/exports/ctrf.ts'
import { prometheus } from '../../../src/reports/exports/prometheus.ts'
import { trace } from '../../../src/reports/exports/trace.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { summaryJson, type Summary } from '../../../src/reports/summary.ts'
import { arbitraryRun } from '../../support/reports/arbitrary-run.ts'
import { journal } from '../../support/reports/journal-builder.ts'
import { sliceRecords, sliceRun } from '../../support/reports/node-runs.ts'
import { mixedRun } from '../../support/reports/sample-runs.ts'

const summaryOf = (record: RunRecord): Summary =>
  summaryJson(record, analyseSlow(record, { file: () => null, test: () => [] }, 5))

const whole = v.pipe(v.number(), v.integer())
const words = v.string()

/** What the official schema says of the members that we use; whatever else stood there would be refused. */
const ctrfSchema = v.strictObject({
  reportFormat: v.literal('CTRF'),
  specVersion: v.pipe(words, v.regex(/^\d+\.\d+\.\d+$/)),
  runId: v.optional(v.pipe(words, v.minLength(1))),
  generatedBy: words,
  results: v.strictObject({
    tool: v.strictObject({ name: v.pipe(words, v.minLength(1)), version: v.optional(words) }),
    summary: v.strictObject({
      tests: whole,
      passed: whole,
      failed: whole,
      skipped: whole,
      pending: whole,
      other: whole,
      flaky: whole,
      start: whole,
      stop: whole,
      duration: whole,
      extra: v.record(words, v.unknown()),
    }),
    tests: v.array(
      v.strictObject({
        name: v.pipe(words, v.minLength(1)),
        status: v.picklist(['passed', 'failed', 'skipped', 'pending', 'other']),
        duration: whole,
        suite: v.pipe(v.array(words), v.minLength(1)),
        message: v.optional(words),
        trace: v.optional(words),
        line: v.optional(whole),
        rawStatus: words,
        filePath: v.optional(words),
        retries: v.optional(whole),
        flaky: v.optional(v.boolean()),
        threadId: v.optional(words),
      }),
    ),
  }),
})

test('CTRF: any run keeps to the schema and counts as the run does', () => {
  fc.assert(
    fc.property(arbitraryRun(), ({ record }) => {
      const { results } = v.parse(ctrfSchema, JSON.parse(JSON.stringify(ctrf(record))))
      const counts = countRun(record)
      expect(results.summary).toMatchObject({
        tests: results.tests.length,
        passed: counts.passed,
        failed: counts.failed,
        skipped: counts.skipped,
        other: counts.notRun,
        flaky: counts.flaky,
      })
    }),
    { numRuns: 60 },
  )
})

test('CTRF: a failure with its message, a retry and what did not run', () => {
  const { record } = journal({ run: 'r1' })
    .tier('fast', { retries: 1 })
    .file('a.test.ts', (file) =>
      file.attempt((it) => it.failed('t', 12.4, 'boom')).attempt((it) => it.passed('t', 3.6)),
    )
    .file('b.test.ts', (file) => file.attempt((it) => it.failed('u', 5, 'no gate')))
    .file('c.test.ts', (file) => file.notRun('tier-deadline'))
    .build()
  expect(ctrf(record)).toMatchObject({
    runId: 'r1',
    results: {
      summary: { tests: 3, passed: 1, failed: 1, other: 1, flaky: 1, extra: { run: 'r1' } },
      tests: [
        { name: 't', status: 'passed', flaky: true, retries: 1, duration: 4, suite: ['fast', 'fast', 'a.test.ts'] },
        { name: 'u', status: 'failed', message: expect.stringContaining('no gate') as string, filePath: 'b.test.ts' },
        { name: '(file)', status: 'other', rawStatus: 'not-run' },
      ],
    },
  })
})

test('CTRF: slices have no runId, because they share none; the runs of all nodes have', () => {
  const { events } = journal()
    .tier('fast')
    .file('a.test.ts', (file) => file.attempt((it) => it.passed('t')))
    .build()
  const parts = sliceRecords(events, 2)
  for (const part of parts) expect(v.parse(ctrfSchema, ctrf(part))).not.toHaveProperty('runId')
  expect(v.parse(ctrfSchema, ctrf(combineRuns(parts))).runId).toBe(`matrix-${sliceRun(0)}`)
})

test('CTRF: what is missing from the journal of a killed run is there', () => {
  const { record } = journal()
    .tier('fast')
    .file('a.test.ts', (file) => file.attempt((it) => it.passed('t')))
    .build()
  const killed = { ...record, missing: [{ kind: 'killed' as const, message: 'this run was killed' }] }
  expect(ctrf(killed)).toMatchObject({
    results: {
      summary: { tests: 2, other: 1 },
      tests: [{ name: 't' }, { status: 'other', rawStatus: 'incomplete:killed', message: 'this run was killed' }],
    },
  })
})

test('trace events: every attempt is a slice on a lane that has a name', () => {
  fc.assert(
    fc.property(arbitraryRun(), ({ record }) => {
      const { traceEvents } = JSON.parse(JSON.stringify(trace(record))) as ReturnType<typeof trace>
      const lanes = new Set(
        traceEvents.filter(({ name }) => name === 'thread_name').map(({ pid, tid }) => `${pid} ${tid}`),
      )
      const slices = traceEvents.filter(({ ph }) => ph === 'X')
      for (const { pid, tid, ts, dur } of slices) {
        expect(lanes.has(`${pid} ${tid}`)).toBe(true)
        expect(Number.isSafeInteger(ts) && ts! >= 0).toBe(true)
        expect(Number.isSafeInteger(dur) && dur! >= 1).toBe(true)
      }
      const attempts = [...record.tiers.values()].flatMap((tier) =>
        [...tier.files.values()].flatMap((file) => file.attempts),
      )
      expect(slices).toHaveLength(attempts.length)
    }),
    { numRuns: 60 },
  )
})

/** A line as the exposition format has it: name, labels, value. */
const SAMPLE = /^[a-z_]+(?:\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? -?[\d.e+-]+$/

test('Prometheus: every line is one of the exposition format, and every family has its type once', () => {
  fc.assert(
    fc.property(arbitraryRun(), ({ record }) => {
      const text = prometheus(summaryOf(record))
      expect(text.endsWith('\n')).toBe(true)
      const lines = text.trimEnd().split('\n')
      const types = lines.filter((line) => line.startsWith('# TYPE '))
      expect(new Set(types).size).toBe(types.length)
      for (const line of lines.filter((one) => !one.startsWith('#'))) expect(line).toMatch(SAMPLE)
    }),
    { numRuns: 60 },
  )
  const { record } = journal()
    .tier('a"b\\c\nd')
    .file('a.test.ts', (file) => file.attempt((it) => it.passed('t')))
    .build()
  expect(prometheus(summaryOf(record))).toContain(String.raw`tiershard_tests{tier="a\"b\\c\nd",outcome="passed"} 1`)
})

test('GitHub: errors for failures, warnings for flaky tests, paths from the checkout', () => {
  const summary = summaryOf(mixedRun().record)
  const lines = annotations(
    { ...summary, failures: summary.failures.filter(({ location }) => location !== null) },
    '/checkout/app',
    '/checkout',
  )
    .trimEnd()
    .split('\n')
  expect(lines[0]).toMatch(/^::error file=app\/suites\/[^,]+,line=\d+(,col=\d+)?,title=suites\//)
  expect(lines.filter((line) => line.startsWith('::warning'))).toHaveLength(summary.flaky.length)
})

test('Prometheus: a figure that is nothing today is written, so that a graph has no gap', () => {
  expect(prometheus(summaryOf(mixedRun().record))).toContain(
    'tiershard_tests{tier="standard",outcome="quarantined"} 0\n',
  )
})

test('GitHub: ten of a kind, and the tenth says what is missing; nothing breaks out of a line', () => {
  const run = journal().tier('fast')
  for (let i = 0; i < 12; i++) {
    run.file(`${i}.test.ts`, (file) => file.attempt((it) => it.failed('a, b: 100%', 5, 'first\r\n::error::second')))
  }
  const lines = annotations(summaryOf(run.build().record), '/app', '/app').trimEnd().split('\n')
  expect(lines).toHaveLength(10)
  expect(lines.every((line) => line.startsWith('::error '))).toBe(true)
  expect(lines[0]).toContain('a%2C b%3A 100%25::')
  expect(lines[0]).toContain('first%0D%0A::error::second')
  expect(lines[9]).toContain('title=and 3 more::')
})
