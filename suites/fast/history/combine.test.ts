import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { combine } from '../../../src/history/combine.ts'
import { emptyHistory, parse, serialise, type HistoryData } from '../../../src/history/data.ts'
import { addRun, RUNS_KEPT } from '../../../src/history/merge.ts'
import { historyOf, runOf, someRuns } from '../../support/history/runs.ts'

/** In the form that combining gives: runs numbered from the oldest, files and tests by name. */
const canonical = (data: HistoryData): string => serialise(combine(data, emptyHistory()))

/** Without what is remembered of samples that are not kept. */
const samples = (text: string): string => text.replaceAll(/"flaky":\{[^}]*\}/g, '')

/** Some runs, spread over two nodes; some runs are on both. */
const twoNodes = someRuns.chain((runs) =>
  fc
    .array(fc.constantFrom('left', 'right', 'both'), { minLength: runs.length, maxLength: runs.length })
    .map((sides) => ({
      runs,
      left: historyOf(...runs.filter((_, i) => sides[i] !== 'right')),
      right: historyOf(...runs.filter((_, i) => sides[i] !== 'left')),
    })),
)

test('combining is commutative to the byte, changes neither side, and loses nothing', () => {
  fc.assert(
    fc.property(twoNodes, ({ left, right }) => {
      const before = [serialise(left), serialise(right)]
      const both = combine(left, right)
      expect(serialise(both)).toBe(serialise(combine(right, left)))
      expect([serialise(left), serialise(right)]).toEqual(before)
    }),
    { numRuns: 150 },
  )
})

test('combining again changes nothing', () => {
  fc.assert(
    fc.property(twoNodes, ({ left, right }) => {
      const both = combine(left, right)
      expect(serialise(combine(both, right))).toBe(serialise(both))
      expect(serialise(combine(left, both))).toBe(serialise(both))
      expect(serialise(combine(both, both))).toBe(serialise(both))
    }),
    { numRuns: 100 },
  )
})

test('several at once give the same in whatever order, and the samples that they give one after the other', () => {
  const threeNodes = someRuns.chain((runs) =>
    fc
      .array(fc.subarray([0, 1, 2], { minLength: 1 }), { minLength: runs.length, maxLength: runs.length })
      .map((nodes) => [0, 1, 2].map((node) => historyOf(...runs.filter((_, i) => nodes[i]!.includes(node))))),
  )
  fc.assert(
    fc.property(threeNodes, (nodes) => {
      const all = serialise(combine(...nodes))
      expect(serialise(combine(...nodes.toReversed()))).toBe(all)
      expect(samples(serialise(nodes.reduce((a, b) => combine(a, b))))).toBe(samples(all))
    }),
    { numRuns: 100 },
  )
})

test('a history without its runs is no trouble', () => {
  const data = historyOf(runOf('r', 0, { 'a.test.ts': { t: 5 } }))
  data.tiers.get('fast')!.runs = []
  expect(combine(data, data).tiers.get('fast')).toEqual({ runs: [], files: new Map() })
})

test('nodes together know what one node would that ran everything', () => {
  fc.assert(
    fc.property(twoNodes, ({ runs, left, right }) => {
      expect(samples(serialise(combine(left, right)))).toBe(samples(canonical(historyOf(...runs))))
    }),
    { numRuns: 100 },
  )
})

test('files that other nodes ran in the same time are side by side', () => {
  const both = combine(
    historyOf(runOf('node-1', 0, { 'a.test.ts': { t: 5 } })),
    historyOf(runOf('node-2', 0, { 'b.test.ts': { t: 6 } })),
  )
  const tier = both.tiers.get('fast')!
  expect(tier.runs.map(({ n, id }) => [n, id])).toEqual([
    [1, 'node-1'],
    [2, 'node-2'],
  ])
  expect([...tier.files].map(([id, { samples, tests }]) => [id, samples, tests])).toEqual([
    ['a.test.ts', '3J', 'At|F'],
    ['b.test.ts', 'w3K', 'At|G'],
  ])
})

test('of two histories the latest runs are kept', () => {
  const run = (i: number): ReturnType<typeof runOf> => runOf(`r${i}`, i, { [`${i}.test.ts`]: { t: i } })
  const old = historyOf(...Array.from({ length: 20 }, (_, i) => run(i)))
  const late = historyOf(...Array.from({ length: RUNS_KEPT }, (_, i) => run(i + 10)))
  const tier = combine(old, late).tiers.get('fast')!
  expect(tier.runs).toHaveLength(RUNS_KEPT)
  expect([tier.files.has('9.test.ts'), tier.files.has('10.test.ts')]).toEqual([false, true])
})

test('the slices of a matrix count as one run: as many matrices are kept as whole runs', () => {
  const slice = (matrix: number, index: number): ReturnType<typeof runOf> =>
    runOf(
      `m${matrix}-${index}`,
      matrix,
      { [`${index}.test.ts`]: { t: matrix } },
      {
        slice: { index, of: 3, files: 3, plan: 'p', history: 'h' },
      },
    )
  const all = Array.from({ length: RUNS_KEPT + 2 }, (_, at) => [1, 2, 3].map((index) => slice(at, index))).flat()
  const oldest = (of: HistoryData): unknown => {
    const { runs } = of.tiers.get('fast')!
    return [runs.length, runs[0]!.id]
  }
  const added = historyOf(...all)
  expect(oldest(added)).toEqual([3 * RUNS_KEPT, 'm2-1'])
  expect(oldest(combine(historyOf(...all.slice(0, 300)), historyOf(...all.slice(300))))).toEqual([
    3 * RUNS_KEPT,
    'm2-1',
  ])
  // A run of everything weighs as much as three slices, and one that is older than all is not let in.
  expect(oldest(historyOf(...all, runOf('late', 1000, { a: { t: 1 } })))).toEqual([3 * RUNS_KEPT - 2, 'm3-1'])
  expect(addRun(added, slice(0, 1))).toBe(false)
})

test.for([1, 2])('a history of version %i is read, and written as version 3', (version) => {
  const flaky = version === 1 ? '' : ',"flaky":{"a":"t|1"}'
  const text =
    `{"format":"x","version":${version},"tiers":{"fast":{"runs":[{"n":1,"id":"r","at":5,"commit":null,"machine":"m"}],` +
    `"files":["z","a"],"samples":["1F1","1P2"],"tests":["","t|2"]${flaky}}}}`
  const parsed = parse(text)
  if (!parsed.ok) throw new Error(parsed.problem)
  const { files } = parsed.data.tiers.get('fast')!
  expect(files.get('a')).toEqual({ samples: 'C', tests: 'At|C', flaky: version === 1 ? '' : 't|1' })
  expect(files.get('z')).toEqual({ samples: '!B', tests: '', flaky: '' })
  const again = serialise(parsed.data)
  expect(again).toContain('"version":3')
  expect(again).toContain('"files":["Aa","Az"]')
  expect(parse(again)).toEqual(parsed)
})
