import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import type { Ending } from '../../../src/core/ending.ts'
import type { RunRecord } from '../../../src/core/record.ts'
import { emptyHistory, parse, serialise, type HistoryData, type PastFile } from '../../../src/history/data.ts'
import { addRun, RUNS_KEPT, SAMPLES_KEPT } from '../../../src/history/merge.ts'
import { durationsOf, unpackSamples, unpackTests } from '../../../src/history/samples.ts'
import { journal, START, type AttemptDraft, type FileDraft } from '../../support/reports/journal-builder.ts'

/** A run with an id of its own, started `at` ms after the first. */
function runOf(id: string, at: number, files: Record<string, (file: FileDraft) => unknown>, tier = 'fast'): RunRecord {
  const run = journal({ run: id, commit: `commit of ${id}` }).tier(tier)
  for (const [path, describe] of Object.entries(files)) run.file(path, describe)
  return { ...run.build().record, startedAt: START + at }
}

/** A file that passes in so many ms, with tests of those durations. */
const passing =
  (ms: number, tests: Record<string, number> = { one: 1 }) =>
  (file: FileDraft): unknown =>
    file.attempt((it) => {
      for (const [name, durationMs] of Object.entries(tests)) it.passed(name, durationMs)
      it.takes(ms)
    })

function historyOf(...runs: readonly RunRecord[]): HistoryData {
  const data = emptyHistory()
  for (const run of runs) addRun(data, run)
  return data
}

/** What a history says, without the numbers that it gives to runs, and in an order of its own. */
function contentOf(data: HistoryData): unknown {
  return [...data.tiers]
    .map(([tier, { runs, files }]) => ({
      tier,
      runs: runs.map(({ id, at, commit, machine }) => ({ id, at, commit, machine })),
      files: [...files]
        .map(([id, file]) => ({ id, content: fileContent(file, new Map(runs.map((run) => [run.n, run.id]))) }))
        .sort(byText),
    }))
    .sort(byText)
}

function fileContent(file: PastFile, ids: ReadonlyMap<number, string>): unknown {
  const samples = unpackSamples(file.samples)
  const tests = [...unpackTests(file.tests, samples.length)]
  return {
    samples: samples.map(({ run, ...sample }) => ({ run: ids.get(run), ...sample })),
    tests: tests
      .map(([name, column]) => ({ name, runs: column.map((place, i) => `${ids.get(samples[i]!.run)}: ${place}`) }))
      .sort(byText),
  }
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
}

const samplesOf = (data: HistoryData, file: string, tier = 'fast'): string[] =>
  unpackSamples(data.tiers.get(tier)?.files.get(file)?.samples ?? '').map(({ outcome, ms }) => `${outcome} ${ms}`)

function testsOf(data: HistoryData, file: string): Record<string, number[]> {
  const past = data.tiers.get('fast')?.files.get(file)
  const columns = unpackTests(past?.tests ?? '', unpackSamples(past?.samples ?? '').length)
  return Object.fromEntries([...columns].map(([name, column]) => [name, durationsOf(column)]))
}

test('a run leaves its start, commit and machine, and a sample a file', () => {
  const data = historyOf(runOf('r1', 0, { 'a.test.ts': passing(120) }), runOf('r2', 5, { 'a.test.ts': passing(140) }))
  expect(data.tiers.get('fast')?.runs).toEqual([
    { n: 1, id: 'r1', at: START, commit: 'commit of r1', machine: 'linux x64, 4 cpus' },
    { n: 2, id: 'r2', at: START + 5, commit: 'commit of r2', machine: 'linux x64, 4 cpus' },
  ])
  expect(samplesOf(data, 'a.test.ts')).toEqual(['passed 120', 'passed 140'])
})

test('tiers of one run are kept apart', () => {
  const record = journal()
    .tier('fast')
    .file('a.test.ts', passing(10))
    .tier('extended')
    .file('a.test.ts', passing(9000))
    .build().record
  const data = historyOf(record)
  expect(samplesOf(data, 'a.test.ts', 'fast')).toEqual(['passed 10'])
  expect(samplesOf(data, 'a.test.ts', 'extended')).toEqual(['passed 9000'])
})

const ends =
  (ending: Ending | null) =>
  (it: AttemptDraft): AttemptDraft =>
    it.passed('before', 3).takes(50).ends(ending)

test.each<[string, (file: FileDraft) => unknown, string[]]>([
  ['failed', (file) => file.attempt(ends({ kind: 'failed' })), ['failed 50']],
  ['without tests', (file) => file.attempt(ends({ kind: 'no-tests' })), ['failed 50']],
  [
    'over its deadline',
    (file) => file.attempt(ends({ kind: 'timed-out', limit: 'file', limitMs: 50 })),
    ['timed-out 50'],
  ],
  ['stopped by the tier', (file) => file.attempt(ends({ kind: 'timed-out', limit: 'tier', limitMs: 50 })), []],
  [
    'crashed',
    (file) => file.attempt(ends({ kind: 'crashed', exitCode: 1, signal: null, outOfMemory: false })),
    ['crashed 50'],
  ],
  ['cancelled', (file) => file.attempt(ends({ kind: 'cancelled', by: 'signal' })), []],
  ['never heard of again', (file) => file.attempt(ends(null)), []],
  ['never started', (file) => file.notRun('signal'), []],
  [
    'good at the second attempt',
    (file) => file.attempt(ends({ kind: 'failed' })).attempt(ends({ kind: 'passed' })),
    ['again 50'],
  ],
  [
    'good after trouble that was not its own',
    (file) => file.attempt(ends({ kind: 'lease-lost', message: '' })).attempt(ends({ kind: 'passed' })),
    ['passed 50'],
  ],
  [
    'cancelled in its retry',
    (file) => file.attempt(ends({ kind: 'failed' })).attempt(ends({ kind: 'cancelled', by: 'signal' })),
    ['failed 50'],
  ],
])('a file that was %s', (_, describe, expected) => {
  const data = historyOf(runOf('r1', 0, { 'a.test.ts': describe }))
  expect(samplesOf(data, 'a.test.ts')).toEqual(expected)
  // A run without a sample leaves no trace.
  expect(data.tiers.size).toBe(expected.length)
})

test('a test has the durations of its passes at the first try', () => {
  const first = (file: FileDraft): unknown =>
    file
      .attempt((it) => it.passed('a', 10).failed('b', 20).retried('c', 30).skipped('d').timedOut('e'))
      .attempt((it) => it.passed('a', 11).passed('b', 21).passed('c', 31))
  const data = historyOf(
    runOf('r1', 0, { 'a.test.ts': first }),
    runOf('r2', 5, { 'a.test.ts': passing(99, { a: 12, b: 22, new: 5 }) }),
  )
  expect(testsOf(data, 'a.test.ts')).toEqual({ a: [10, 12], b: [22], c: [], e: [], new: [5] })
})

test('the last samples are kept, and a test that is gone for as long is forgotten', () => {
  const runs = Array.from({ length: SAMPLES_KEPT + 1 }, (_, i) =>
    runOf(`r${i}`, i, { 'a.test.ts': passing(100 + i, i === 0 ? { gone: 1, stays: 1 } : { stays: 1 + i }) }),
  )
  const before = historyOf(...runs.slice(0, SAMPLES_KEPT))
  expect(samplesOf(before, 'a.test.ts')).toHaveLength(SAMPLES_KEPT)
  expect(testsOf(before, 'a.test.ts')['gone']).toEqual([1])
  const after = historyOf(...runs)
  expect(samplesOf(after, 'a.test.ts')).toHaveLength(SAMPLES_KEPT)
  expect(samplesOf(after, 'a.test.ts')[0]).toBe('passed 101')
  expect(testsOf(after, 'a.test.ts')).toEqual({ stays: Array.from({ length: SAMPLES_KEPT }, (_, i) => 2 + i) })
})

test('running one file again and again does not push the others out, until they are very old', () => {
  const data = historyOf(runOf('first', 0, { 'a.test.ts': passing(1), 'b.test.ts': passing(2) }))
  for (let i = 1; i < RUNS_KEPT; i++) addRun(data, runOf(`r${i}`, i, { 'a.test.ts': passing(3) }))
  expect(samplesOf(data, 'a.test.ts')).toHaveLength(SAMPLES_KEPT)
  expect(samplesOf(data, 'b.test.ts')).toEqual(['passed 2'])
  addRun(data, runOf('last', RUNS_KEPT, { 'a.test.ts': passing(3) }))
  expect(data.tiers.get('fast')?.runs).toHaveLength(RUNS_KEPT)
  expect(data.tiers.get('fast')?.files.has('b.test.ts')).toBe(false)
  // The oldest again: older than everything that a full history keeps.
  expect(addRun(data, runOf('first', 0, { 'b.test.ts': passing(2) }))).toBe(false)
  expect(data.tiers.get('fast')?.files.has('b.test.ts')).toBe(false)
})

test('an old sample of a file that others outlived goes alone', () => {
  const data = historyOf(runOf('first', 0, { 'a.test.ts': passing(1, { t: 7 }) }))
  for (let i = 1; i < RUNS_KEPT; i++) addRun(data, runOf(`r${i}`, i, { 'b.test.ts': passing(3) }))
  addRun(data, runOf('second', RUNS_KEPT - 1.5, { 'a.test.ts': passing(2, { t: 8, u: 9 }) }))
  expect(samplesOf(data, 'a.test.ts')).toEqual(['passed 2'])
  expect(testsOf(data, 'a.test.ts')).toEqual({ t: [8], u: [9] })
})

test('a run that is resumed adds what it did not have', () => {
  const data = historyOf(
    runOf('r1', 0, { 'a.test.ts': passing(10) }),
    runOf('r1', 0, { 'a.test.ts': passing(10), 'b.test.ts': passing(20) }),
  )
  expect(data.tiers.get('fast')?.runs).toHaveLength(1)
  expect(samplesOf(data, 'a.test.ts')).toEqual(['passed 10'])
  expect(samplesOf(data, 'b.test.ts')).toEqual(['passed 20'])
})

const outcome = fc.constantFrom('passed', 'failed', 'cancelled')
const aFile = fc.record({
  ms: fc.nat(5000),
  outcome,
  tests: fc.dictionary(fc.constantFrom('t', 'u|%', '__proto__'), fc.nat(99)),
})
const aRun = fc.record({
  at: fc.nat(40),
  tier: fc.constantFrom('fast', 'standard'),
  files: fc.dictionary(fc.constantFrom('a.test.ts', 'b.test.ts', '\ud800.test.ts'), aFile),
})

/** Up to 60 runs: more than the samples that are kept. */
const someRuns = fc.array(aRun, { maxLength: 60 }).map((plans) =>
  plans.map(({ at, tier, files }, i) => {
    const described = Object.entries(files).map(([path, { ms, outcome, tests }]) => [
      path,
      (file: FileDraft) =>
        file.attempt((it) => {
          for (const [name, durationMs] of Object.entries(tests)) it.passed(name, durationMs)
          it.takes(ms)
          if (outcome === 'cancelled') it.ends({ kind: 'cancelled', by: 'signal' })
          else it.ends({ kind: outcome === 'passed' ? 'passed' : 'failed' })
        }),
    ])
    return runOf(`run-${i}`, at, Object.fromEntries(described) as Record<string, (file: FileDraft) => unknown>, tier)
  }),
)

test('adding a run again changes nothing', () => {
  fc.assert(
    fc.property(someRuns, fc.nat(), (runs, index) => {
      const data = historyOf(...runs)
      const before = serialise(data)
      const again = runs[index % Math.max(1, runs.length)]
      if (again) expect(addRun(data, again)).toBe(false)
      expect(serialise(data)).toBe(before)
    }),
    { numRuns: 100 },
  )
})

test('the order of adding does not matter', () => {
  const orders = someRuns.chain((runs) =>
    fc.tuple(fc.constant(runs), fc.shuffledSubarray(runs, { minLength: runs.length, maxLength: runs.length })),
  )
  fc.assert(
    fc.property(orders, ([runs, shuffled]) => {
      expect(contentOf(historyOf(...shuffled))).toEqual(contentOf(historyOf(...runs)))
    }),
    { numRuns: 100 },
  )
})

test('the order of adding does not matter beyond what is kept', () => {
  const runs = Array.from({ length: RUNS_KEPT + 30 }, (_, i) =>
    runOf(`run-${i}`, i, { [i % 9 === 0 ? 'rare.test.ts' : 'often.test.ts']: passing(i, { t: i }) }),
  )
  const expected = contentOf(historyOf(...runs))
  expect(contentOf(historyOf(...runs.toReversed()))).toEqual(expected)
  fc.assert(
    fc.property(fc.shuffledSubarray(runs, { minLength: runs.length }), (shuffled) => {
      expect(contentOf(historyOf(...shuffled))).toEqual(expected)
    }),
    { numRuns: 5 },
  )
})

test('what is written is read again', () => {
  fc.assert(
    fc.property(someRuns, (runs) => {
      const data = historyOf(...runs)
      const read = parse(serialise(data))
      expect(read.ok && contentOf(read.data)).toEqual(contentOf(data))
    }),
    { numRuns: 50 },
  )
})
