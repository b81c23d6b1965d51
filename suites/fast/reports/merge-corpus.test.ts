import { describe, expect, test } from 'vitest'
import type { InputReport } from '../../../src/reports/merge/input.ts'
import { CORPUS, type Flag } from '../../support/junit/corpus.ts'
import { merging } from '../../support/junit/merging.ts'
import type { ReadReport } from '../../support/reports/junit-reader.ts'

describe.for([
  ['whole', Infinity],
  ['in pieces of 7 bytes', 7],
] as const)('every specimen, read %s', ([, piece]) => {
  // Texts of megabytes in pieces of bytes take minutes and show nothing new.
  const specimens = CORPUS.filter(({ input }) => piece === Infinity || input.length < 100_000)

  test.for(specimens)('$what', async (specimen) => {
    const { result, reports } = await merging({ input: specimen.input }, { piece })
    const [found] = result.inputs
    const { tests, failures, errors, skipped } = found!.totals
    expect([tests, failures, errors, skipped]).toEqual(specimen.totals)
    expect(found!.state, JSON.stringify(found!.problems)).toBe(specimen.state ?? 'whole')
    expect(found!.problems[0]?.message ?? '').toContain(specimen.problem ?? '')
    expect(flagsOf(found!)).toEqual(specimen.flags ?? [])
    expect(contents(reports[0]!)).toEqual(expect.arrayContaining([...(specimen.holds ?? [])]))
    // One case more says that the input is damaged.
    expect(result.totals.tests).toBe(tests + (found!.state === 'whole' ? 0 : 1))
  })
})

test('there are at least 60 of them', () => {
  expect(CORPUS.length).toBeGreaterThanOrEqual(60)
})

test('all of them in one merge: the totals are their sum', async () => {
  const inputs = Object.fromEntries(CORPUS.map(({ what, input }) => [what, input]))
  const { result } = await merging(inputs)
  const damaged = CORPUS.filter(({ state }) => state === 'partial').length
  expect(result.totals).toMatchObject({
    tests: sum(0) + damaged,
    failures: sum(1),
    errors: sum(2) + damaged,
    skipped: sum(3),
  })
})

function sum(column: 0 | 1 | 2 | 3): number {
  return CORPUS.reduce((total, { totals }) => total + totals[column], 0)
}

function flagsOf(found: InputReport): Flag[] {
  const flags: readonly (readonly [Flag, number])[] = [
    ['differences', found.differenceCount],
    ['replaced', found.replacedCharacters],
    ['cut', found.cutTexts],
    ['renamed', found.renamed],
    ['times', found.wrongTimes],
    ['unknown', found.unknownElements.length],
  ]
  return flags.filter(([, count]) => count > 0).map(([flag]) => flag)
}

function contents({ suites }: ReadReport): string[] {
  return suites.flatMap((suite) => [
    suite.attributes['name']!,
    ...(Object.keys(suite.properties).length > 0 ? ['<properties>'] : []),
    ...suite.outputs.map(({ tag }) => `<${tag}>`),
    ...suite.cases.flatMap(({ attributes, children }) => [
      `${attributes['classname']} :: ${attributes['name']}`,
      ...children.map(({ tag }) => `<${tag}>`),
    ]),
  ])
}
