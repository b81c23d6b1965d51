import { expect, test } from 'vitest'
import { readReport, rendered } from '../../../support/html/read.ts'
import { quarantinedRun, stressRun } from '../../../support/html/rich-run.ts'

test('a stress run has its rates in the report, the worst files first', async () => {
  const { head } = await readReport(await rendered(stressRun().record))
  expect(head.files.map(({ id }) => id)).toEqual(['steady.test.ts', 'wobbly.test.ts'])
  expect(head.stress).toMatchObject({
    total: { runs: 20, failures: 3 },
    fileCount: 2,
    files: [
      {
        file: 1,
        runs: 10,
        failures: 3,
        rate: 0.3,
        testCount: 2,
        tests: [
          { test: 'wobbles often', failures: 2, rate: 0.2 },
          { test: 'wobbles', failures: 1, rate: 0.1 },
        ],
      },
      { file: 0, runs: 10, failures: 0, low: 0, tests: [] },
    ],
  })
})

test('repetitions of one file run beside each other: the longest of them is the floor, not their sum', async () => {
  const { head } = await readReport(await rendered(stressRun().record))
  const { makespanMs, floorMs, floorFile } = head.tiers[0]!.pace!
  expect(floorMs).toBeLessThanOrEqual(makespanMs)
  expect(floorFile).toBeNull()
})

test('what the quarantine excuses is in the report: tests, and files that die as a whole', async () => {
  const { head } = await readReport(await rendered(quarantinedRun().record))
  expect(head.stress).toBeNull()
  const of = (file: string): number => head.files.findIndex(({ id }) => id === file)
  expect(head.quarantined).toEqual([
    {
      file: of('dies.test.ts'),
      test: null,
      until: '2999-12-31',
      entry: 'quarantine[1]',
      reason: 'issue 9',
      message: 'cannot be read',
    },
    {
      file: of('known.test.ts'),
      test: 'known',
      until: '2999-12-31',
      entry: 'quarantine[0]',
      reason: 'issue 7',
      message: 'still broken',
    },
  ])
  expect(head.counts).toMatchObject({ failed: 0, skipped: 2, quarantined: 2 })
})
