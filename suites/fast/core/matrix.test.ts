import fc from '../../support/property.ts'
import { describe, expect, test } from 'vitest'
import type { RunMeta } from '../../../src/core/events.ts'
import { combineRuns } from '../../../src/core/matrix.ts'
import { foldAll, type RunRecord } from '../../../src/core/record.ts'
import { continued, settle } from '../../../src/core/settle.ts'
import { countRun, fileEnding, testVerdicts } from '../../../src/core/verdict.ts'
import { arbitraryRun } from '../../support/reports/arbitrary-run.ts'
import { aServer, journal, START, type JournalBuilder } from '../../support/reports/journal-builder.ts'
import { aSlice, asSlices, sliceRecords, sliceRun } from '../../support/reports/node-runs.ts'

function run(meta: Partial<RunMeta>, describe: (run: JournalBuilder) => JournalBuilder): RunRecord {
  return settle(describe(journal(meta)).build().record)
}

/** A run of a tier with files that pass. */
function passing(meta: Partial<RunMeta>, tier: string, files: readonly string[]): RunRecord {
  return run(meta, (it) => {
    it.tier(tier)
    for (const file of files) it.file(file, (draft) => draft.attempt((at) => at.passed(`test of ${file}`)))
    return it
  })
}

/** Three slices of six files, each with its mark. */
function threeSlices(marks: readonly Parameters<typeof aSlice>[0][] = [{}, {}, {}]): RunRecord[] {
  return [0, 1, 2].map((at) => {
    const slice = aSlice({ index: at + 1, ...marks[at] })
    return passing({ run: sliceRun(at), slice }, 'standard', [`${at}a.test.ts`, `${at}b.test.ts`])
  })
}

function messages({ missing }: RunRecord): string[] {
  expect(missing.every(({ kind }) => kind === 'matrix')).toBe(true)
  return missing.map(({ message }) => message)
}

/** What a report says of the files of a run: how each ended, with its tests. */
function account({ tiers }: RunRecord): object {
  const of = [...tiers.values()].flatMap((tier) =>
    [...tier.files.values()].map((file) => {
      const tests = testVerdicts(file).map(({ name, outcome, flaky }) => [name, outcome, flaky])
      return [`${tier.name}\n${file.plan.id}`, { ending: fileEnding(file), tests }] as const
    }),
  )
  return Object.fromEntries(of.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

test('the slices of a run are the run: the same files, tests, counts and verdict', () => {
  fc.assert(
    fc.property(arbitraryRun(), fc.integer({ min: 1, max: 5 }), ({ record, events }, of) => {
      const whole = settle(record)
      const parts = sliceRecords(events, of)
      const combined = combineRuns(parts)
      expect(account(combined)).toEqual(account(whole))
      // Of a run that was killed each node lacks its end.
      const lacks = whole.missing.length === 0 ? 0 : of - 1
      expect(countRun(combined)).toEqual({ ...countRun(whole), notRun: countRun(whole).notRun + lacks })
      expect(combined.exitCode).toBe(whole.exitCode)
      expect(combined.missing.map(({ kind }) => kind)).toEqual(
        whole.missing.length === 0 ? [] : Array(of).fill('killed'),
      )
    }),
  )
})

test('the order in which runs are given does not matter', () => {
  const parts = threeSlices()
  expect(combineRuns(parts.toReversed())).toEqual(combineRuns(parts))
})

test('each node has shards of its own, and its times count from its own start', () => {
  const hour = 3_600_000
  const plan = journal().tier('standard')
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    plan.file(`${name}.test.ts`, (file) => file.attempt((at) => at.passed(name)), { expectedMs: 100 })
  }
  // Each machine's clock is an hour ahead of the one before.
  const late = asSlices(plan.build().events, 3).map((events, at) =>
    settle(foldAll(events.map((event) => ({ ...event, at: event.at + at * hour })))),
  )
  const combined = combineRuns(late)
  expect(combined.nodes!.map(({ name, firstShard, shards }) => [name, firstShard, shards])).toEqual([
    ['slice 1/3', 0, 2],
    ['slice 2/3', 2, 2],
    ['slice 3/3', 4, 2],
  ])
  const tier = combined.tiers.get('standard')!
  const startOf = (record: RunRecord): number => record.tiers.get('standard')!.startedAt!
  expect(tier).toMatchObject({ shards: 6, startedAt: startOf(late[0]!), end: 'completed' })
  for (const [at, node] of late.entries()) {
    for (const {
      plan: { id },
      attempts: [own],
    } of node.tiers.get('standard')!.files.values()) {
      const [moved] = tier.files.get(id)!.attempts
      expect(moved).toMatchObject({ shard: 2 * at + own!.shard, startedAt: own!.startedAt - at * hour })
      expect(moved).toMatchObject({ collectedAt: own!.collectedAt! - at * hour, endedAt: own!.endedAt! - at * hour })
    }
  }
  expect(combined.startedAt).toBe(START)
  expect(combined.endedAt).toBe(Math.max(...late.map(({ startedAt, endedAt }) => START + endedAt! - startedAt!)))
  // The node's own account keeps its own clock.
  expect(combined.nodes![2]!.record.startedAt).toBe(START + 2 * hour)
})

describe('what does not fit is named, and never green', () => {
  test('a slice that is missing', () => {
    const [one, , three] = threeSlices() as [RunRecord, RunRecord, RunRecord]
    const combined = combineRuns([one, three])
    expect(messages(combined)).toEqual(['slice 2/3 of tier standard is missing: none of the given runs is it'])
    expect(combined.exitCode).toBe(5)
    expect(countRun(combined)).toMatchObject({ passed: 4, notRun: 1 })
    expect(messages(combineRuns([one]))).toHaveLength(2)
  })

  test.for([
    ['number of slices', { of: 4 }, 'it is one of 4 slices, and not of 3'],
    ['plan', { plan: 'plan-two' }, 'it was cut from another plan (other files, suites or --test-name)'],
    ['history', { history: 'history-two' }, 'it was cut by another history: all nodes need the same history.json'],
  ] as const)('a slice with another %s', ([, mark, why]) => {
    const combined = combineRuns(threeSlices([{}, {}, mark]))
    const name = `slice 3/${'of' in mark ? 4 : 3}`
    expect(messages(combined)[0]).toBe(
      `${name} (run ${sliceRun(2)}) does not fit to slice 1/3 (run ${sliceRun(0)}): ${why}`,
    )
    expect(messages(combined).slice(1)).toEqual(
      'of' in mark ? ['slice 3/3 of tier standard is missing: none of the given runs is it'] : [],
    )
    expect(combined.exitCode).toBe(5)
  })

  test('the odd one is the one that has fewer like it, whichever comes first', () => {
    const combined = combineRuns(threeSlices([{ history: 'history-two' }, {}, {}]))
    expect(messages(combined)).toEqual([
      `slice 1/3 (run ${sliceRun(0)}) does not fit to slice 2/3 (run ${sliceRun(1)}): it was cut by another history: all nodes need the same history.json`,
    ])
  })

  test('a slice that was run twice: the worse result stands', () => {
    const failed = run({ run: 'again', slice: aSlice({ index: 2 }) }, (it) =>
      it
        .tier('standard')
        .file('1a.test.ts', (file) => file.attempt((at) => at.failed('test of 1a.test.ts')))
        .file('1b.test.ts', (file) => file.attempt((at) => at.passed('test of 1b.test.ts'))),
    )
    const combined = combineRuns([...threeSlices(), failed])
    expect(messages(combined)).toEqual([
      `slice 2/3 was run twice, as run ${sliceRun(1)} and as run again: give the one that counts, or go on with a run by --resume`,
    ])
    expect(countRun(combined)).toMatchObject({ passed: 5, failed: 1, notRun: 1 })
    expect(combined.exitCode).toBe(1)
    expect(combined.nodes!.map(({ name }) => name)).toEqual([
      'slice 1/3',
      `slice 2/3 of standard (run ${sliceRun(1)})`,
      'slice 2/3 of standard (run again)',
      'slice 3/3',
    ])
  })

  test('all slices are there, and still not all files', () => {
    const combined = combineRuns(threeSlices([{ files: 7 }, { files: 7 }, { files: 7 }]))
    expect(messages(combined)).toEqual(['the 3 slices of tier standard have 6 files together, and their plan has 7'])
  })

  test('a slice whose journal lost its plan is that slice all the same', () => {
    const [one, two] = threeSlices() as [RunRecord, RunRecord]
    const torn = settle(
      journal({ run: sliceRun(2), slice: aSlice({ index: 3 }) })
        .killed()
        .build().record,
    )
    const { missing, exitCode } = combineRuns([one, two, torn])
    expect(missing.map(({ kind, message }) => [kind, message])).toEqual([
      ['matrix', 'the 3 slices of tier standard have 4 files together, and their plan has 6'],
      ['killed', 'slice 3/3: this run was killed: its journal has no end'],
    ])
    expect(exitCode).toBe(5)
  })

  test('a slice whose journal lost one of its tiers is no slice of something else', () => {
    const [one, two] = [1, 2].map((index) =>
      run({ run: sliceRun(index), slice: aSlice({ index, of: 2, files: 4 }) }, (it) =>
        it
          .tier('fast')
          .file(`f${index}`, (file) => file.attempt((at) => at.passed('f')))
          .tier('standard')
          .file(`s${index}`, (file) => file.attempt((at) => at.passed('s'))),
      ),
    ) as [RunRecord, RunRecord]
    expect(messages(combineRuns([one, two]))).toEqual([])
    const torn = { ...two, tiers: new Map([...two.tiers].slice(0, 1)) }
    expect(messages(combineRuns([one, torn]))).toEqual([
      'the 2 slices of tiers fast, standard have 3 files together, and their plan has 4',
    ])
  })

  test('runs of another commit', () => {
    const [one, two, three] = threeSlices() as [RunRecord, RunRecord, RunRecord]
    const other = { ...two, meta: { ...two.meta!, commit: 'ffff' } }
    expect(messages(combineRuns([one, other, three]))).toEqual([
      `slice 2/3 (run ${sliceRun(1)}) is of commit ffff, and slice 1/3 (run ${sliceRun(0)}) of ${one.meta!.commit}`,
    ])
    const unknown = { ...two, meta: { ...two.meta!, commit: null } }
    expect(messages(combineRuns([one, unknown, three]))).toEqual([])
  })

  test('the same files in two runs that are no slices', () => {
    const first = passing({ run: 'first' }, 'standard', [
      'a.test.ts',
      'b.test.ts',
      'c.test.ts',
      'd.test.ts',
      'e.test.ts',
    ])
    const second = passing({ run: 'second' }, 'standard', [
      'z.test.ts',
      'e.test.ts',
      'd.test.ts',
      'c.test.ts',
      'b.test.ts',
    ])
    expect(messages(combineRuns([first, second]))).toEqual([
      '4 files are in node 1 (run first) and in node 2 (run second), and the worse result stands: b.test.ts, c.test.ts, d.test.ts and 1 more',
    ])
  })
})

test('tiers on nodes of their own, and slices of different tiers, go together', () => {
  const fast = passing({ run: 'fast' }, 'fast', ['f.test.ts'])
  const halves = [0, 1].map((at) =>
    passing({ run: `half${at}`, slice: aSlice({ index: at + 1, of: 2, files: 2 }) }, 'standard', [`${at}.test.ts`]),
  )
  const night = [0, 1].map((at) =>
    passing({ run: `night${at}`, slice: aSlice({ index: at + 1, of: 2, files: 2, plan: 'x' }) }, 'extended', [
      `${at}.test.ts`,
    ]),
  )
  const combined = combineRuns([...night, fast, ...halves])
  expect(messages(combined)).toEqual([])
  expect(combined).toMatchObject({ exitCode: 0 })
  expect([...combined.tiers.keys()]).toEqual(['fast', 'standard', 'extended'])
  expect(combined.nodes!.map(({ name }) => name)).toEqual([
    'node 1',
    'slice 1/2 of standard',
    'slice 2/2 of standard',
    'slice 1/2 of extended',
    'slice 2/2 of extended',
  ])
})

test('the verdict is never better than that of one of the runs', () => {
  const codes = (...runs: RunRecord[]): number | null => combineRuns(runs).exitCode
  const good = passing({ run: 'good' }, 'fast', ['good.test.ts'])
  const bad = run({ run: 'bad' }, (it) => it.tier('standard').file('b', (file) => file.attempt((at) => at.failed('b'))))
  const late = run({ run: 'late' }, (it) =>
    it
      .tier('extended')
      .file('l', (file) => file.notRun('tier-deadline'))
      .tierEnds('deadline'),
  )
  const broken = run({ run: 'broken' }, (it) => it.tier('own').cause())
  const stopped = run({ run: 'stopped' }, (it) => it.tier('mine').interrupted('SIGINT'))
  expect(codes(good)).toBe(0)
  expect(codes(good, bad)).toBe(1)
  expect(codes(good, bad, late)).toBe(4)
  expect(codes(good, bad, late, broken)).toBe(3)
  expect(codes(good, bad, late, broken, stopped)).toBe(130)
  // What a run itself ended with stands, even where nothing is left that would say why.
  expect(codes(good, { ...passing({ run: 'said' }, 'standard', ['s']), exitCode: 3 })).toBe(3)
})

test('a pattern may match tests of some slices only, and of one at least', () => {
  const testName = 'a'
  const slice = (index: number) => aSlice({ index, of: 2, files: 2 })
  const some = passing({ run: 'one', testName, slice: slice(1) }, 'standard', ['one.test.ts'])
  const none = (index: number): RunRecord =>
    run({ run: `none${index}`, testName, slice: slice(index) }, (it) =>
      it.tier('standard').file(`none${index}`, (file) => file.attempt((at) => at.ends({ kind: 'passed' }))),
    )
  expect(none(2).exitCode).toBe(0)
  expect(combineRuns([some, none(2)]).exitCode).toBe(0)
  expect(combineRuns([none(1), none(2)]).exitCode).toBe(5)
})

test('a slice that was continued speaks with all of its attempts, and still is that slice', () => {
  const [one, two, three] = threeSlices() as [RunRecord, RunRecord, RunRecord]
  const before = run({ run: 'before', slice: two.meta!.slice! }, (it) =>
    it
      .tier('standard')
      .file('1a.test.ts', (file) => file.attempt((at) => at.failed('test of 1a.test.ts')))
      .file('1b.test.ts'),
  )
  const combined = combineRuns([one, continued(before, two), three])
  expect(messages(combined)).toEqual([])
  expect(combined.exitCode).toBe(0)
  expect(combined.tiers.get('standard')!.files.get('1a.test.ts')!.attempts).toHaveLength(2)
})

test('what all nodes say is said once, what one says with its name; facts are those that they share', () => {
  const [one, two, three] = threeSlices().map((record, at) => ({
    ...record,
    meta: { ...record.meta!, command: ['tiershard', 'run', '--slice', `${at + 1}/3`, '--tier', 'standard'], cpus: 4 },
    server: { ...aServer(), address: `redis://127.0.0.1:${6000 + at}` },
    notices: [
      { level: 'warning' as const, code: 'plan', message: 'said by all' },
      ...(at === 1 ? [{ level: 'warning' as const, code: 'fewer-shards', message: 'said by one' }] : []),
    ],
  })) as RunRecord[] as [RunRecord, RunRecord, RunRecord]
  const combined = combineRuns([one, two, three])
  expect(combined.notices.map(({ message }) => message)).toEqual(['said by all', 'slice 2/3: said by one'])
  expect(combined.meta).toMatchObject({
    run: `matrix-${sliceRun(0)}`,
    command: ['tiershard', 'run', '--tier', 'standard'],
    cpus: 12,
    engine: one.meta!.engine,
    commit: one.meta!.commit,
  })
  expect(combined.meta).not.toHaveProperty('slice')
  expect(combined.server).toBeNull()
  expect(combineRuns([one, { ...two, server: one.server }, { ...three, server: null }]).server).toEqual(one.server)
})
