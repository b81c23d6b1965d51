import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { combineRuns } from '../../../src/core/matrix.ts'
import type { RunRecord } from '../../../src/core/record.ts'
import { settle } from '../../../src/core/settle.ts'
import { countRun } from '../../../src/core/verdict.ts'
import { ctrf } from '../../../src/reports/exports/ctrf.ts'
import { trace } from '../../../src/reports/exports/trace.ts'
import { reportXml } from '../../../src/reports/junit.ts'
import { summaryMarkdown } from '../../../src/reports/markdown.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { summaryJson } from '../../../src/reports/summary.ts'
import { Sink, testConsole } from '../../support/console/streams.ts'
import { NO_HISTORY, readReport, rendered } from '../../support/html/read.ts'
import { arbitraryRun } from '../../support/reports/arbitrary-run.ts'
import { journal } from '../../support/reports/journal-builder.ts'
import { readJUnit, recount } from '../../support/reports/junit-reader.ts'
import { sliceRecords, sliceRun } from '../../support/reports/node-runs.ts'

const SLOW = { tiers: [] }

/** Two slices with a shard and a Redis each: on the second nobody answered, once at its own Redis and once at the other. */
function twoSlices(): RunRecord {
  const { events } = journal()
    .tier('standard', { shards: 1 })
    .file('adds.test.ts', (file) => file.attempt((at) => at.passed('adds', 900)), { expectedMs: 1000 })
    .file(
      'refuses.test.ts',
      (file) =>
        file.attempt((at) =>
          at
            .failed('refuses', 30, 'connect ECONNREFUSED 127.0.0.1:7002')
            .failed('asks elsewhere', 30, 'connect ECONNREFUSED 127.0.0.1:7001'),
        ),
      { expectedMs: 500 },
    )
    .build()
  const [first, second] = sliceRecords(events, 2) as [RunRecord, RunRecord]
  const onPort = (record: RunRecord, port: number): RunRecord => ({
    ...record,
    server: { ...record.server!, address: `127.0.0.1:${port}` },
  })
  return combineRuns([onPort(first, 7001), onPort(second, 7002)])
}

test('every report says which node and which of its shards', async () => {
  const record = twoSlices()
  const junit = readJUnit([[...reportXml(record)].join('')])
  expect(
    junit.suites.map(({ attributes, properties }) => [attributes['name'], properties['node'], properties['shard']]),
  ).toEqual([
    ['adds.test.ts', 'slice 1/2', '0'],
    ['refuses.test.ts', 'slice 2/2', '0'],
  ])
  const { results } = ctrf(record) as { results: { tests: { threadId: string }[] } }
  expect(results.tests.map(({ threadId }) => threadId)).toEqual([
    'slice 1/2 shard 0',
    'slice 2/2 shard 0',
    'slice 2/2 shard 0',
  ])
  const threads = trace(record).traceEvents.filter(({ name }) => name === 'thread_name')
  expect(threads.map(({ tid, args }) => [tid, args['name']])).toEqual([
    [1, 'slice 1/2 shard 0'],
    [2, 'slice 2/2 shard 0'],
  ])
  const row = new RegExp(
    String.raw`^\| slice 2/2 \| failed \| 1 \| 0 \| 2 \| 0 \| \S+ \| linux x64, 4 cpus \| <code>${sliceRun(1)}`,
    'm',
  )
  expect(summaryMarkdown(record, SLOW)).toMatch(row)

  const sink = new Sink()
  testConsole(sink, { folder: 'out' }).finish(record, SLOW, ['report.html'])
  expect(sink.text).toMatch(
    new RegExp(String.raw`^nodes\n.+\n {2}slice 1/2 +passed +1 +1 +0 +0 +\S+ +${sliceRun(0)}$`, 'm'),
  )
  expect(sink.text).toContain('reports: out (report.html)\n')
  expect(sink.text).toMatch(/failed: 2 of 3 tests in 1 of 2 files, \S+ \(2 nodes, 2 shards\)$/m)

  const { head, report } = await readReport(await rendered(record))
  expect(head.missing).toEqual([])
  expect(head.nodes).toMatchObject([
    { name: 'slice 1/2', firstShard: 0, run: sliceRun(0), verdict: 'passed', server: 'redis 7.0.15 at 127.0.0.1:7001' },
    { name: 'slice 2/2', firstShard: 1, verdict: 'failed', files: 1, machine: 'linux x64, 4 cpus' },
  ])
  expect(head.tiers[0]!.pace!.lanes.map(({ shard }) => report.shardName(shard))).toEqual([
    'slice 1/2 shard 0',
    'slice 2/2 shard 0',
  ])
  expect(report.shortShardName(1)).toBe('2/2 #0')
})

test('summary.json has the nodes, and says of a failure where it was and what its own Redis has to do with it', () => {
  const record = twoSlices()
  const summary = summaryJson(record, analyseSlow(record, NO_HISTORY, 5))
  expect(summary).toMatchObject({
    run: { run: `matrix-${sliceRun(0)}` },
    exitCode: 1,
    server: null,
    failures: [
      { test: 'refuses', node: 'slice 2/2', shard: 0, cause: 'redis-unreachable' },
      { test: 'asks elsewhere', cause: null },
    ],
    failuresByCause: [{ cause: 'redis-unreachable', count: 1, of: 2 }],
    nodes: [
      { node: 'slice 1/2', run: sliceRun(0), verdict: 'passed', exitCode: 0, files: 1, shards: 1, tiers: ['standard'] },
      { node: 'slice 2/2', verdict: 'failed', exitCode: 1, counts: { passed: 0, failed: 2 } },
    ],
  })
  expect(summary.paths).toEqual({ junit: 'junit.xml', markdown: 'summary.md', html: 'report.html' })
  expect(summary.nodes![1]!.server).toMatchObject({ address: '127.0.0.1:7002' })
})

test('the report of one run knows of no nodes', async () => {
  const record = settle(
    journal()
      .tier('standard')
      .file('a', (file) => file.attempt((at) => at.passed('a')))
      .build().record,
  )
  const summary = summaryJson(record, SLOW)
  expect(summary).not.toHaveProperty('nodes')
  expect(summary.paths.journal).toBe('journal.ndjson')
  const { head, report } = await readReport(await rendered(record))
  expect(head).not.toHaveProperty('nodes')
  expect([report.shardName(1), report.shortShardName(1)]).toEqual(['shard 1', 'shard 1'])
  expect([...reportXml(record)].join('')).not.toContain('name="node"')
})

test('junit.xml of any slices holds what the record counts', () => {
  fc.assert(
    fc.property(arbitraryRun(), fc.integer({ min: 2, max: 4 }), ({ events }, of) => {
      const record = combineRuns(sliceRecords(events, of))
      const { passed, failed, skipped, notRun } = countRun(record)
      expect(recount(readJUnit([[...reportXml(record)].join('')]))).toMatchObject({ passed, failed, skipped, notRun })
    }),
    { numRuns: 30 },
  )
})
