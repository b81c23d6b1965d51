import { expect, test } from 'vitest'
import type { Past } from '../../../../src/core/ports.ts'
import { readReport, rendered } from '../../../support/html/read.ts'
import { richPast, richRun } from '../../../support/html/rich-run.ts'
import { journal, START } from '../../../support/reports/journal-builder.ts'

test('what past runs say is in the report: slower, suspect, over the threshold, flaky, and the times behind it', async () => {
  const { head } = await readReport(await rendered(richRun().record, richPast()))
  const { tests, trends } = head.slow[0]!
  expect(trends).toMatchObject({
    regressedCount: 3,
    suspectCount: 2,
    overBudgetCount: 1,
    spikedCount: 1,
    flakyBeforeCount: 2,
  })
  expect(trends?.regressed[0]).toMatchObject({ name: 'one', beforeMs: 300, lostMs: trends!.regressed[0]!.nowMs - 300 })
  expect(trends?.regressed[0]?.ms).toHaveLength(25)
  expect(tests.find(({ file, name }) => file.endsWith('part-9.test.ts') && name === 'one')?.past).toHaveLength(20)
  expect(tests.some(({ past }) => past === undefined)).toBe(true)
})

test('names from the past are printable, and times whole', async () => {
  const evil = 'a\u{1b}[31mb\u{202e}</script>'
  const { record } = journal()
    .tier('standard', { slowMs: 100 })
    .file(evil, (file) => file.attempt((it) => it.passed(evil, 900)))
    .build()
  const ms = [...Array<number>(20).fill(300.4), ...Array<number>(5).fill(900.6)]
  const flaky = [{ file: evil, name: evil, lastAt: START, passes: 1, recent: 'pfp' }]
  const past: Past = {
    tier: () => ({ machine: evil, runs: 25, pace: 1, tests: [{ file: evil, name: evil, ms, isOfRun: true }], flaky }),
  }
  const { head } = await readReport(await rendered(record, past))
  const { tests, trends } = head.slow[0]!
  const clean = String.raw`ab\u{202e}</script>`
  for (const entry of [
    tests[0],
    trends?.regressed[0],
    trends?.overBudget[0],
    trends?.flaky[0],
    trends?.flakyBefore[0],
  ]) {
    expect(entry).toMatchObject({ file: clean, name: clean })
  }
  expect(trends).toMatchObject({ machine: clean, regressed: [{ beforeMs: 300, nowMs: 901, lostMs: 600 }] })
  expect(tests[0]?.past).toEqual(ms.map(Math.round))
})
