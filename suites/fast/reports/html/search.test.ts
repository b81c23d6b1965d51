import fc from '../../../support/property.ts'
import { expect, test } from 'vitest'
import { searcher, type Query } from '../../../../src/reports/html/page/search.js'
import { duration as ours, OUTCOMES, patternOf, quoted } from '../../../../src/reports/html/page/words.js'
import { duration } from '../../../../src/reports/format.ts'
import { readReport, rendered } from '../../../support/html/read.ts'
import { mixedRun } from '../../../support/reports/sample-runs.ts'

const { report } = await readReport(await rendered(mixedRun().record))
const { find } = searcher(report)

function names(query: Partial<Query>): string[] {
  const { files } = find({ text: '', outcomes: new Set(), tier: '', suite: '', ...query })
  return files.flatMap(({ file, tests }) => {
    const all = Array.from({ length: report.file(file).tests }, (_, at) => report.begin(file) + at)
    const { id } = report.file(file)
    return [id, ...(tests ?? all).map((one) => `${id} > ${report.name(one)}`)]
  })
}

test('nothing asked: everything', () => {
  expect(names({})).toHaveLength(report.head.files.length + report.total)
})

test('words may stand in the file, the suite and the name, in any order and case', () => {
  expect(names({ text: 'GATE storm' })).toEqual([
    'suites/standard/storm.test.ts',
    // `gate` is in the suite's name as well.
    'suites/standard/storm.test.ts > storm > counts alerts',
    'suites/standard/storm.test.ts > storm > opens the gate',
    'suites/standard/storm.test.ts > storm > cluster',
  ])
  expect(names({ text: 'opens storm.test' })).toEqual([
    'suites/standard/storm.test.ts',
    'suites/standard/storm.test.ts > storm > opens the gate',
  ])
  expect(names({ text: 'nothing has this' })).toEqual([])
})

test('outcomes, tier and suite narrow; a file that failed by itself is found without a test', () => {
  const failed = names({ outcomes: new Set(['failed']) })
  expect(failed).toContain('suites/standard/syntax.test.ts')
  expect(failed).toContain('suites/standard/loop.test.ts > loops for ever')
  expect(failed).not.toContain('suites/standard/loop.test.ts > before')
  expect(names({ outcomes: new Set(['flaky']) })).toHaveLength(4)
  expect(names({ tier: 'fast' })).toHaveLength(3)
  expect(names({ suite: 'gateway', outcomes: new Set(['skipped']) })).toHaveLength(2)
})

test('each outcome finds what the counts say', () => {
  for (const { key } of OUTCOMES) {
    const { files, tests } = find({ text: '', outcomes: new Set([key]), tier: '', suite: '' })
    const own = files.filter(({ file }) => report.file(file).own === key).length
    expect([key, tests + own]).toEqual([key, report.head.counts[key]])
  }
})

test('durations read as in the console', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 90_000_000 }), (ms) => {
      expect(ours(ms)).toBe(duration(ms))
    }),
  )
})

test('the command of one test: a pattern for its name alone, safe in a shell', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (name, other) => {
      expect(new RegExp(patternOf(name), 'u').test(name)).toBe(true)
      if (name !== other) expect(new RegExp(patternOf(name), 'u').test(other)).toBe(false)
    }),
  )
  expect(patternOf('a > b #2')).toBe('^a > b$')
  expect(quoted("it's $HOME")).toBe(String.raw`'it'\''s $HOME'`)
  expect(quoted('suites/a.test.ts')).toBe('suites/a.test.ts')
})
