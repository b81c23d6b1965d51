import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { MergeResult } from '../../../src/reports/merge/merge.ts'
import { tiershard } from '../../support/cli/binary.ts'
import { writeReport } from '../../support/junit/generate.ts'
import { flips, lostInSilence, numbered, SAMPLE, UNDECLARED } from '../../support/junit/mutants.ts'
import { merging, scratch } from '../../support/junit/merging.ts'
import { FULL_SIZE } from '../../support/sizes.ts'

const LIMIT_MS = 300_000

/** 1 GB in full size; the memory does not depend on it but for 10 bytes a case. */
const CASES = FULL_SIZE ? 6_000_000 : 1_000_000

test(
  'a report of hundreds of megabytes: right totals, under a heap that could not hold it',
  { timeout: LIMIT_MS },
  async () => {
    const cwd = scratch()
    writeReport(path.join(cwd, 'big.xml'), 1, CASES)
    expect(statSync(path.join(cwd, 'big.xml')).size).toBeGreaterThan(150 * CASES)
    const env = { NODE_OPTIONS: '--max-old-space-size=64' }
    const { exitCode, stdout, stderr } = await tiershard(cwd, ['merge', 'big.xml', '-o', 'out.xml', '--json'], env)
    expect(exitCode, stderr).toBe(0)
    const { totals, inputs } = JSON.parse(stdout) as MergeResult
    expect(totals).toMatchObject({ tests: CASES, failures: CASES / 100, errors: 0, skipped: 0 })
    expect(inputs[0]).toMatchObject({ state: 'whole', renamed: 0, differenceCount: 0 })
  },
)

test('one output of hundreds of megabytes is cut, and what follows is read', { timeout: LIMIT_MS }, async () => {
  const cwd = scratch()
  const handle = openSync(path.join(cwd, 'big.xml'), 'w')
  writeSync(handle, '<testsuite name="s"><testcase name="a"><system-out><![CDATA[')
  for (let n = 0; n < 300; n++) writeSync(handle, 'x'.repeat(1_000_000))
  writeSync(handle, ']]></system-out></testcase><testcase name="b"/></testsuite>')
  closeSync(handle)
  const env = { NODE_OPTIONS: '--max-old-space-size=64' }
  const { exitCode, stdout, stderr } = await tiershard(cwd, ['merge', 'big.xml', '-o', 'out.xml', '--json'], env)
  expect(exitCode, stderr).toBe(0)
  const { inputs } = JSON.parse(stdout) as MergeResult
  expect(inputs[0]).toMatchObject({ state: 'whole', cutTexts: 1, totals: { tests: 2 } })
  expect(statSync(path.join(cwd, 'out.xml')).size).toBeLessThan(3_000_000)
})

test.for([
  ['declares its totals', SAMPLE],
  ['declares nothing', UNDECLARED],
] as const)(
  'every bit of a report that %s, changed: nothing is lost in silence',
  { timeout: LIMIT_MS },
  async ([, report]) => {
    const { result } = await merging(numbered(flips(report, [0, 1, 2, 3, 4, 5, 6, 7])))
    expect(result.inputs.length).toBe(8 * report.length)
    expect(result.inputs.filter(lostInSilence)).toEqual([])
  },
)
