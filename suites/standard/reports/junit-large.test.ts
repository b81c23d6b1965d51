import { spawnSync } from 'node:child_process'
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SaxesParser } from 'saxes'
import { expect, onTestFinished, test } from 'vitest'
import { countRun } from '../../../src/core/verdict.ts'
import { writeJUnit } from '../../../src/reports/junit.ts'
import { greenRun } from '../../support/reports/sample-runs.ts'

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'tiershard-junit-large-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}

test('100,000 tests are all in the report, each once', async () => {
  const file = path.join(folder(), 'junit.xml')
  const { record } = greenRun(1000, 100, (run) =>
    run.file('suites/standard/last.test.ts', (draft) => draft.attempt((it) => it.failed('the last').skipped('none'))),
  )
  await writeJUnit(record, file)

  const parser = new SaxesParser()
  const keys = new Set<string>()
  let declared: Record<string, string> = {}
  let suites = 0
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name, attributes }) => {
    if (name === 'testsuites') declared = attributes
    else if (name === 'testsuite') suites++
    else if (name === 'testcase') keys.add(`${attributes['classname']} ${attributes['name']}`)
  })
  for await (const piece of createReadStream(file, 'utf8')) parser.write(piece as string)
  parser.close()

  expect(countRun(record)).toMatchObject({ passed: 100_000, failed: 1, skipped: 1 })
  expect(keys.size).toBe(100_002)
  expect(suites).toBe(1001)
  expect(declared).toMatchObject({ tests: '100002', failures: '1', errors: '0', skipped: '1' })
})

test('a report that is larger than the memory is written', () => {
  const file = path.join(folder(), 'junit.xml')
  const source = (name: string): string => JSON.stringify(new URL(`../../../${name}`, import.meta.url).href)
  // 10,000 failures that share one message: little in memory, 200 MB in the report.
  const script = `
    import { journal } from ${source('suites/support/reports/journal-builder.ts')}
    import { writeJUnit } from ${source('src/reports/junit.ts')}
    const error = { name: 'Error', message: 'x'.repeat(10_000), stack: null, diff: null, frames: [] }
    const run = journal().tier('standard')
    for (let f = 0; f < 100; f++) {
      run.file(f + '.test.ts', (file) => file.attempt((it) => {
        for (let t = 0; t < 100; t++) it.failed('test ' + t, 1, error)
      }))
    }
    await writeJUnit(run.build().record, process.argv[1])
  `
  const args = ['--max-old-space-size=64', '--input-type=module', '--eval', script, file]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  expect(statSync(file).size).toBeGreaterThan(200_000_000)
})
