import { expect, test } from 'vitest'
import type { History } from '../../../src/core/ports.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { aTier, journal, type Built } from '../../support/reports/journal-builder.ts'
import { mixedRun } from '../../support/reports/sample-runs.ts'

const NO_HISTORY: History = { file: () => null, test: () => [] }
const LADDER = ['extended', 'fast', 'standard'].map(aTier)

/** A history in which every file of `expected` has `samples` runs, and its tests took `testMs` in each. */
function past(expected: Record<string, number>, samples = 3, testMs = 1): History {
  return {
    file: (_, id) => (expected[id] === undefined ? null : { expectedMs: expected[id], samples }),
    test: (_, file) => (expected[file] === undefined ? [] : Array<number>(samples).fill(testMs)),
  }
}

/** A run of one file in one tier. */
function single(tier: string, fileMs: number, testMs: number): Built {
  return journal()
    .tier(tier)
    .file('a.test.ts', (file) => file.attempt((it) => it.passed('one', testMs).takes(fileMs)))
    .build()
}

test('the slowest tests and files come first, with their share of the tier', () => {
  const { record } = journal()
    .tier('standard')
    .file('a.test.ts', (file) => file.attempt((it) => it.passed('short', 100).failed('long', 700).takes(1000)))
    .file('b.test.ts', (file) => file.attempt((it) => it.passed('middle', 200).skipped('none').takes(3000)))
    .file('never.test.ts', (file) => file.notRun('signal'))
    .build()
  const [tier] = analyseSlow(record, NO_HISTORY, 2).tiers
  expect(tier).toMatchObject({ tier: 'standard', testMs: 1000, fileMs: 4000, slowMs: 5000 })
  expect(tier?.tests.map(({ name, durationMs, share }) => [name, durationMs, share])).toEqual([
    ['long', 700, 0.7],
    ['middle', 200, 0.2],
  ])
  expect(tier?.files.map(({ file, durationMs, share, tests }) => [file, durationMs, share, tests])).toEqual([
    ['b.test.ts', 3000, 0.75, 1],
    ['a.test.ts', 1000, 0.25, 2],
  ])
})

test('tests over the threshold are counted beyond the list', () => {
  const { record } = journal()
    .tier('fast')
    .file('a.test.ts', (file) =>
      file.attempt((it) => it.passed('at', 1000).passed('over', 1001).passed('far', 3000).timedOut('never', 10_000)),
    )
    .build()
  const [tier] = analyseSlow(record, NO_HISTORY, 2).tiers
  expect(tier?.over.map(({ name }) => name)).toEqual(['never', 'far'])
  expect(tier?.overCount).toBe(3)
})

test.each([
  // A file may take 1/20 of its tier's deadline: 15 s, 45 s, 90 s.
  ['fast', 15_000, 10, null],
  ['fast', 15_001, 10, { to: 'standard', text: 'belongs in standard: 15s' }],
  ['fast', 2000, 1001, { to: 'standard', text: 'belongs in standard: 2s' }],
  ['standard', 49_000, 4000, { to: 'extended', text: 'belongs in extended: 49s' }],
  ['fast', 49_000, 10, { to: 'extended', text: 'belongs in extended: 49s' }],
  ['standard', 8000, 6000, { to: 'extended', text: 'belongs in extended: 8s' }],
  ['extended', 91_000, 10, { to: null, text: 'fits in no slower tier: 1m 31s; split it' }],
])('a file in %s that takes %i ms, its slowest test %i ms', (from, fileMs, testMs, move) => {
  const [tier] = analyseSlow(single(from, fileMs, testMs).record, NO_HISTORY, 10, LADDER).tiers
  const expected = { file: 'a.test.ts', from, durationMs: fileMs, slowestTestMs: testMs, ...move }
  expect(tier?.tooSlow).toEqual(move === null ? [] : [expected])
  expect(tier?.movableCount).toBe(0)
})

test('custom tiers are tried in the order of their deadlines', () => {
  const nightly = { ...aTier('nightly'), deadlineMs: 3_600_000, slowMs: 60_000 }
  const { record } = single('extended', 100_000, 10)
  const [tier] = analyseSlow(record, NO_HISTORY, 10, [nightly, ...LADDER]).tiers
  expect(tier?.tooSlow).toMatchObject([{ to: 'nightly', text: 'belongs in nightly: 1m 40s' }])
})

test('a faster tier is suggested from three runs of history, and the fastest that fits', () => {
  const { record } = single('extended', 500, 10)
  const movable = (history: History): unknown => analyseSlow(record, history, 10, LADDER).tiers[0]?.movable
  expect(movable(past({ 'a.test.ts': 400 }, 2))).toEqual([])
  expect(movable(past({ 'a.test.ts': 400 }, 3))).toMatchObject([{ to: 'fast', text: 'fits in fast: 400ms' }])
  expect(movable(past({ 'a.test.ts': 20_000 }, 3))).toMatchObject([{ to: 'standard', text: 'fits in standard: 20s' }])
  expect(movable(past({ 'a.test.ts': 400 }, 3, 6000))).toEqual([])
})

test('one slow run does not outvote three', () => {
  const { record } = single('fast', 20_000, 2000)
  expect(analyseSlow(record, past({ 'a.test.ts': 300 }), 10, LADDER).tiers[0]?.tooSlow).toEqual([])
  expect(analyseSlow(record, past({ 'a.test.ts': 300 }, 2), 10, LADDER).tiers[0]?.tooSlow).toHaveLength(1)
})

test('a file that did not pass is not judged', () => {
  const { record } = journal()
    .tier('fast')
    .file('a.test.ts', (file) => file.attempt((it) => it.failed('waits', 20_000)))
    .build()
  expect(analyseSlow(record, NO_HISTORY, 10, LADDER).tiers[0]).toMatchObject({ tooSlow: [], overCount: 1 })
})

test('without the config only tiers of the run are suggested', () => {
  expect(analyseSlow(single('standard', 49_000, 10).record, NO_HISTORY, 10).tiers[0]?.tooSlow).toMatchObject([
    { to: null },
  ])
})

test('shares add up to one, and an empty tier has none', () => {
  const { tiers } = analyseSlow(mixedRun().record, NO_HISTORY, 100)
  for (const { tests, files } of tiers) {
    expect(tests.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
    expect(files.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
  }
  const { record } = journal().tier('fast').build()
  expect(analyseSlow(record, NO_HISTORY, 5).tiers[0]).toMatchObject({ testMs: 0, fileMs: 0, tests: [], files: [] })
})
