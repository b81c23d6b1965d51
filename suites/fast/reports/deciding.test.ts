import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { isTestFailure } from '../../../src/core/ending.ts'
import { decidingAttempt, fileEnding } from '../../../src/core/verdict.ts'
import { failures } from '../../../src/reports/failures.ts'
import { reportXml } from '../../../src/reports/junit.ts'
import { quarantined } from '../../../src/reports/known.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { summaryJson } from '../../../src/reports/summary.ts'
import { planned } from '../../../src/reports/words.ts'
import { NO_HISTORY, readReport, rendered } from '../../support/html/read.ts'
import { arbitraryRun } from '../../support/reports/arbitrary-run.ts'
import { journal, type Built } from '../../support/reports/journal-builder.ts'
import { readJUnit } from '../../support/reports/junit-reader.ts'

const FILE = 'a.test.ts'
const entry = { entry: 'quarantine[0]', test: null, until: '2999-12-31', reason: 'issue 7', expired: false }

/** Repeated three times on two shards: the second repetition fails at its import, the others pass. */
function repeated(plan: object = {}): Built {
  return journal()
    .tier('standard', { shards: 2, stress: { times: 3, untilFailure: false } })
    .file(
      FILE,
      (file) =>
        file
          .attempt((it) => it.passed('fine', 5).takes(500))
          .attempt((it) => it.error('cannot import it').takes(250))
          .attempt((it) => it.passed('fine', 5).takes(600)),
      { plan: { repeated: { times: 3, untilFailure: false }, ...plan } },
    )
    .build()
}

test('of repetitions the first that failed decides: its error, its shard, its time', async () => {
  const { record } = repeated()
  expect(failures(record)).toMatchObject([{ test: null, message: 'AssertionError: cannot import it' }])
  const slow = analyseSlow(record, NO_HISTORY, 5)
  expect(summaryJson(record, slow).failures).toMatchObject([
    {
      file: FILE,
      test: null,
      attempt: 2,
      shard: 1,
      ending: { kind: 'failed' },
      message: expect.stringContaining('import'),
    },
  ])
  expect(slow.tiers[0]?.files).toMatchObject([{ durationMs: 250 }])
  const { head } = await readReport(await rendered(record))
  expect(head.files[0]).toMatchObject({ mark: 'f', ms: 250 })
  expect(head.details).toMatchObject([
    { test: null, errors: [{ message: expect.stringContaining('import') }], earlier: [] },
  ])
})

test('the JUnit report shows the error of that repetition once, and names the others', () => {
  const [suite] = readJUnit(reportXml(repeated().record)).suites
  const own = suite?.cases.find(({ attributes }) => attributes['name'] === '(file)')
  expect(own?.children.map(({ tag, attributes }) => [tag, attributes['message']])).toEqual([
    ['failure', 'cannot import it'],
  ])
  expect(suite?.outputs).toEqual([])
  expect(suite?.properties).toMatchObject({ shard: '1', 'attempt 1': 'passed', 'attempt 3': 'passed' })
  expect(suite?.properties).not.toHaveProperty('attempt 2')
})

test('what a quarantined file failed with is said, and an error beside excused tests is not lost', () => {
  expect(quarantined(repeated({ quarantine: [entry] }).record)).toMatchObject([
    { file: FILE, test: null, message: 'cannot import it' },
  ])
  const { record } = journal()
    .tier('standard')
    .file(
      FILE,
      (file) => file.attempt((it) => it.failed('known').error('a hook that broke')).attempt((it) => it.passed('known')),
      { plan: { repeated: { times: 2, untilFailure: false }, quarantine: [{ ...entry, test: 'known' }] } },
    )
    .build()
  expect(failures(record)).toMatchObject([{ test: null, message: 'AssertionError: a hook that broke' }])
  expect(record.exitCode).toBe(1)
})

test('where an attempt decides, the file ended as it did', () => {
  fc.assert(
    fc.property(arbitraryRun(), ({ record }) => {
      for (const { file } of planned(record)) {
        const ending = fileEnding(file)
        const deciding = decidingAttempt(file)
        if (deciding === null) expect(file.attempts).toEqual([])
        if (isTestFailure(ending) || ending.kind === 'passed') expect(deciding?.ending).toEqual(ending)
      }
    }),
  )
})
