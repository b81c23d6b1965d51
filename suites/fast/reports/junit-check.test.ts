import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from '../../support/property.ts'
import { expect, onTestFinished, test } from 'vitest'
import { checkJUnit } from '../../../src/reports/junit-check.ts'
import { writeJUnit } from '../../../src/reports/junit.ts'
import { settle } from '../../../src/core/settle.ts'
import { arbitraryRun } from '../../support/reports/arbitrary-run.ts'
import { journal } from '../../support/reports/journal-builder.ts'
import { mixedRun } from '../../support/reports/sample-runs.ts'

function file(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tiershard-check-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return path.join(folder, 'junit.xml')
}

test('a report that was written agrees with its record, whatever names and outputs hold', async () => {
  const junit = file()
  await fc.assert(
    fc.asyncProperty(
      arbitraryRun(),
      fc.boolean(),
      fc.integer({ min: 1, max: 3000 }),
      async ({ record }, killed, bytes) => {
        const shown = killed ? settle({ ...record, exitCode: null }) : record
        await writeJUnit(shown, junit)
        expect(await checkJUnit(shown, junit, bytes)).toBe(null)
      },
    ),
    { numRuns: 50 },
  )
})

test('outputs that look like the report itself, and are larger than what is read at once, count nothing', async () => {
  const junit = file()
  const text = '<testcase name="x"><failure/><error/><skipped/></testcase>]]]>'.repeat(60_000)
  const { record } = journal()
    .tier('standard')
    .file('a.test.ts', (one) => one.attempt((at) => at.passed('<error />').failed('b', 1, text).output(text)))
    .build()
  await writeJUnit(record, junit)
  expect(await checkJUnit(record, junit)).toBe(null)
})

test('a case that is gone, a total that is wrong and a report that is cut are named', async () => {
  const junit = file()
  const { record } = mixedRun()
  await writeJUnit(record, junit)
  const text = readFileSync(junit, 'utf8')
  const changed = async (to: string): Promise<string | null> => {
    writeFileSync(junit, to)
    return checkJUnit(record, junit)
  }
  expect(await changed(text)).toBe(null)
  expect(await changed(text.replace(/ {2}<testcase [^>]*\/>\n/, ''))).toMatch(/it holds \d+ tests instead of \d+$/)
  expect(await changed(text.replace(/tests="\d+"/, 'tests="1"'))).toMatch(/it declares 1 tests instead of \d+$/)
  expect(await changed(text.replace('<failure ', '<nothing '))).toMatch(/it holds \d+ failures and errors instead of/)
  expect(await changed(text.slice(0, text.length / 2))).toContain('does not agree with the journal')
  rmSync(junit)
  expect(await checkJUnit(record, junit)).toContain('cannot be read back')
})
