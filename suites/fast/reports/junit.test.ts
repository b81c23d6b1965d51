import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from '../../support/property.ts'
import { expect, onTestFinished, test } from 'vitest'
import { countRun } from '../../../src/core/verdict.ts'
import { reportXml, writeJUnit } from '../../../src/reports/junit.ts'
import { clean, cleanOutput, MAX_TEXT } from '../../../src/reports/junit/text.ts'
import { arbitraryRun, nastyText } from '../../support/reports/arbitrary-run.ts'
import { journal, type Built } from '../../support/reports/journal-builder.ts'
import {
  readJUnit,
  recount,
  type ReadCase,
  type ReadReport,
  type ReadSuite,
} from '../../support/reports/junit-reader.ts'
import { mixedRun } from '../../support/reports/sample-runs.ts'

const read = ({ record }: Built): ReadReport => readJUnit(reportXml(record))

function suite(report: ReadReport, name: string): ReadSuite {
  const found = report.suites.find(({ attributes }) => attributes['name'] === name)
  if (!found)
    throw new Error(`no suite ${name} among ${report.suites.map(({ attributes }) => attributes['name']).join(', ')}`)
  return found
}

function one(report: ReadReport, file: string, name: string): ReadCase {
  const found = suite(report, file).cases.find(({ attributes }) => attributes['name'] === name)
  if (!found) throw new Error(`no case ${name} in ${file}`)
  return found
}

const elements = (found: ReadCase): { tag: string; type: string | undefined; message: string | undefined }[] =>
  found.children.map(({ tag, attributes }) => ({ tag, type: attributes['type'], message: attributes['message'] }))

test('a passed test has its class, file, line and time in seconds', () => {
  const found = one(read(mixedRun()), 'suites/standard/storm.test.ts', 'storm > counts alerts')
  expect(found.attributes).toEqual({
    name: 'storm > counts alerts',
    classname: 'suites/standard/storm.test.ts',
    file: 'suites/standard/storm.test.ts',
    line: '10',
    time: '0.22',
  })
  expect(found.children).toEqual([])
})

test('a suite says where it ran, and holds the output of its file once', () => {
  const found = suite(read(mixedRun()), 'suites/standard/storm.test.ts')
  expect(found.properties).toEqual({
    tier: 'standard',
    suite: 'gateway',
    shard: '0',
    database: '1',
    attempts: '1',
    ending: 'failed',
  })
  expect(found.attributes['timestamp']).toMatch(/^2026-11-20T06:00:0\d\.\d{3}Z$/)
  expect(found.outputs.map(({ tag, text }) => [tag, text])).toEqual([
    ['system-out', 'gate: 49 of 50\n'],
    ['system-err', 'warning: slow script\n'],
  ])
})

test('a failed test has its message, its stack and its difference', () => {
  const found = one(read(mixedRun()), 'suites/standard/storm.test.ts', 'storm > opens the gate')
  expect(elements(found)).toEqual([{ tag: 'failure', type: 'AssertionError', message: 'expected 49 to be 50' }])
  expect(found.children[0]?.text).toContain('storm.test.ts:14:9')
  expect(found.children[0]?.text).toContain('+ Received')
})

test('several errors of one try are one failure', () => {
  const errors = ['first', 'second'].map((message) => ({ name: 'E', message, stack: null, diff: null, frames: [] }))
  const run = journal()
    .tier('standard')
    .file('a.test.ts', (file) => file.attempt((it) => it.test({ name: 'soft', outcome: 'failed', errors })))
  const found = one(read(run.build()), 'a.test.ts', 'soft')
  expect(elements(found)).toEqual([{ tag: 'failure', type: 'E', message: 'first' }])
  expect(found.children[0]?.text).toBe('E: first\n\nE: second')
})

test('a skipped test has the reason', () => {
  const found = one(read(mixedRun()), 'suites/standard/storm.test.ts', 'storm > cluster')
  expect(elements(found)).toEqual([{ tag: 'skipped', type: undefined, message: 'needs a cluster' }])
})

test('a test that passed in the end is a pass with the failures beside it', () => {
  const report = read(mixedRun())
  const across = one(report, 'suites/standard/flaky.test.ts', 'sometimes')
  expect(elements(across)).toEqual([
    { tag: 'flakyFailure', type: 'AssertionError', message: 'connection reset by peer' },
  ])
  const inside = one(report, 'suites/standard/inside.test.ts', 'settles at the second try')
  expect(elements(inside).map(({ tag }) => tag)).toEqual(['flakyFailure'])
  expect(suite(report, 'suites/standard/flaky.test.ts').properties).toMatchObject({
    attempts: '2',
    'attempt 1': 'failed',
  })
})

test('a test that crashed its first attempt and passed the second is a flaky error', () => {
  const run = journal()
    .tier('standard')
    .file('a.test.ts', (file) =>
      file
        .attempt((it) =>
          it.running('dies').ends({ kind: 'crashed', exitCode: null, signal: 'SIGSEGV', outOfMemory: false }),
        )
        .attempt((it) => it.passed('dies')),
    )
  expect(elements(one(read(run.build()), 'a.test.ts', 'dies'))).toEqual([
    { tag: 'flakyError', type: 'crashed', message: 'running when its file ended: crashed: signal SIGSEGV' },
  ])
})

test('a test that never passed has its first failure as the failure and the later ones as reruns', () => {
  const found = one(read(mixedRun()), 'suites/standard/never.test.ts', 'never passes')
  expect(elements(found)).toEqual([
    { tag: 'failure', type: 'AssertionError', message: 'first reason' },
    { tag: 'rerunFailure', type: 'AssertionError', message: 'second reason' },
  ])
  expect(found.children[1]?.text).toContain('second reason')
})

test.each([
  ['loop', 'loops for ever', 'timed-out', 'running when its file ended: timed out: over its deadline of 5m'],
  ['loop', 'after', 'not-run', 'without a result; its file ended: timed out: over its deadline of 5m'],
  ['memory', 'eats everything', 'crashed', 'running when its file ended: crashed: out of memory'],
  ['empty', '(file)', 'no-tests', 'no tests: the file holds no test'],
  ['late', '(file)', 'not-run', 'not run: the deadline of the tier came first'],
])('%s.test.ts: "%s" is an error of type %s', (file, name, type, message) => {
  const found = one(read(mixedRun()), `suites/standard/${file}.test.ts`, name)
  expect(elements(found)).toEqual([{ tag: 'error', type, message }])
})

test('an error of the file itself is a failure of a case for the file', () => {
  const found = one(read(mixedRun()), 'suites/standard/syntax.test.ts', '(file)')
  expect(elements(found)).toEqual([{ tag: 'failure', type: 'SyntaxError', message: 'Unexpected token (3:7)' }])
})

test('infrastructure is named with its code and its remedy, and never looks like a failed test', () => {
  const run = journal()
    .tier('standard')
    .cause({ code: 'redis-read-only', message: 'it is a replica', remedy: 'point at the master' })
    .file('a.test.ts', (file) =>
      file.attempt((it) =>
        it
          .passed('before')
          .running('writes')
          .ends({ kind: 'infrastructure', cause: { code: 'redis-went-away', message: 'gone', remedy: 'look' } }),
      ),
    )
    .file('b.test.ts', (file) => file.notRun('infrastructure'))
    .file('c.test.ts', (file) => file.attempt((it) => it.ends({ kind: 'lease-lost', message: 'fence 4 is not 3' })))
  const report = read(run.build())
  expect(elements(one(report, 'a.test.ts', 'writes'))).toMatchObject([
    { tag: 'error', type: 'infrastructure:redis-went-away' },
  ])
  const [never] = one(report, 'b.test.ts', '(file)').children
  expect(never?.attributes).toEqual({
    type: 'not-run',
    message: 'not run: the infrastructure failed: redis-read-only: it is a replica',
  })
  expect(never?.text).toBe('point at the master')
  expect(elements(one(report, 'c.test.ts', '(file)'))).toMatchObject([{ tag: 'error', type: 'lease-lost' }])
  expect(report.attributes['failures']).toBe('0')
})

test('an error beside failed tests, and an error of the engine, are not lost', () => {
  const run = journal()
    .tier('standard')
    .file('a.test.ts', (file) => file.attempt((it) => it.failed('fails').error('unhandled rejection')))
    .stray('vitest broke')
  const report = read(run.build())
  expect(suite(report, 'a.test.ts').outputs[0]?.text).toContain('unhandled rejection')
  const stray = one(report, 'standard (outside of any file)', '(error)')
  expect(elements(stray)).toEqual([{ tag: 'failure', type: 'AssertionError', message: 'vitest broke' }])
})

test('a file in two tiers, and names that XML cannot tell apart, stay apart', () => {
  const run = journal()
  for (const tier of ['standard', 'extended']) {
    run.tier(tier).file('a.test.ts', (file) => file.attempt((it) => it.passed('a\u{1}').passed('a\u{2}').passed('')))
  }
  const report = read(run.build())
  expect(report.suites.map(({ attributes }) => attributes['name'])).toEqual(['a.test.ts', 'a.test.ts #2'])
  expect(report.suites[0]?.cases.map(({ attributes }) => attributes['name'])).toEqual([
    'a\u{fffd}',
    'a\u{fffd} #2',
    '(no name)',
  ])
})

test('a file of 10,000 tests is one suite with all of them', () => {
  const run = journal()
    .tier('standard')
    .file('a.test.ts', (file) =>
      file.attempt((it) => {
        for (let i = 0; i < 10_000; i++) it.passed(`test ${i}`, 1)
        it.failed('the last').output('said once')
      }),
    )
  const report = read(run.build())
  expect(report.suites).toHaveLength(1)
  expect(report.suites[0]?.attributes).toMatchObject({ tests: '10001', failures: '1', errors: '0', skipped: '0' })
  expect(report.suites[0]?.cases.map(({ attributes }) => attributes['name'])).toEqual([
    ...Array.from({ length: 10_000 }, (_, i) => `test ${i}`),
    'the last',
  ])
  expect(report.suites[0]?.outputs.map(({ text }) => text)).toEqual(['said once'])
})

test('1 MB of text arrives whole; more than a reader can take is cut in the middle, and says so', () => {
  const mega = 'x]]>\u{1f600}'.repeat(150_000)
  const huge = 'y'.repeat(MAX_TEXT + 1)
  const run = journal()
    .tier('standard')
    .file('a.test.ts', (file) => file.attempt((it) => it.failed('fails', 5, mega).output(mega).output(huge, 'stderr')))
  const report = read(run.build())
  const [stdout, stderr] = suite(report, 'a.test.ts').outputs
  expect(stdout?.text === mega).toBe(true)
  expect(stderr?.text).toContain('y\n[1 characters left out; the journal has them]\ny')
  const [failure] = one(report, 'a.test.ts', 'fails').children
  expect(failure?.attributes['message'] === mega).toBe(true)
  expect(failure?.text).toContain(mega)
})

test('colours of a terminal are taken out of what was printed', () => {
  const run = journal()
    .tier('standard')
    .file('a.test.ts', (file) =>
      file.attempt((it) => it.failed('x', 1, '\u{1b}[31mred\u{1b}[39m').output('\u{1b}[2Khi')),
    )
  const report = read(run.build())
  expect(suite(report, 'a.test.ts').outputs[0]?.text).toBe('hi')
  expect(one(report, 'a.test.ts', 'x').children[0]?.attributes['message']).toBe('red')
})

test('whatever a run holds, the XML is well-formed and its totals are those of the verdict', () => {
  fc.assert(
    fc.property(arbitraryRun(), (built) => {
      const report = read(built)
      expect(recount(report)).toEqual(countRun(built.record))
      const declared = (key: string): number => Number(report.attributes[key])
      const counts = countRun(built.record)
      expect(declared('tests')).toBe(counts.passed + counts.failed + counts.skipped + counts.notRun)
      expect(declared('failures') + declared('errors')).toBe(counts.failed + counts.notRun)
      expect(declared('skipped')).toBe(counts.skipped)
      for (const { attributes, cases } of report.suites) {
        const count = (tag: string): string =>
          String(cases.filter(({ children }) => children.some((child) => child.tag === tag)).length)
        expect(attributes).toMatchObject({
          tests: String(cases.length),
          failures: count('failure'),
          errors: count('error'),
        })
      }
    }),
    { numRuns: 300 },
  )
})

test('whatever a run holds, every planned file has one suite and names are unique in their class', () => {
  fc.assert(
    fc.property(arbitraryRun(), (built) => {
      const report = read(built)
      const tiers = [...built.record.tiers.values()]
      const strays = tiers.filter(({ strayErrors }) => strayErrors.length > 0).length
      expect(report.suites).toHaveLength(tiers.reduce((sum, { files }) => sum + files.size, strays))
      const keys = report.suites.flatMap(({ cases }) =>
        cases.map(({ attributes }) => JSON.stringify([attributes['classname'], attributes['name']])),
      )
      expect(new Set(keys).size).toBe(keys.length)
      expect(keys.every((key) => !key.endsWith(',""]'))).toBe(true)
    }),
    { numRuns: 200 },
  )
})

/** What a CDATA section can hold of a text: a reader sees every line end as a newline. */
const carried = (text: string): string => cleanOutput(text).replaceAll(/\r\n?/g, '\n')

test('whatever is printed or thrown survives as far as XML can carry it', () => {
  fc.assert(
    fc.property(nastyText, nastyText, (name, said) => {
      const error = { name: 'E', message: said, stack: null, diff: null, frames: [] }
      const run = journal()
        .tier('standard')
        .file('a.test.ts', (file) =>
          file.attempt((it) => it.test({ name, outcome: 'failed', errors: [error] }).output(said)),
        )
      const [found] = read(run.build()).suites
      expect(found?.cases[0]?.attributes['name']).toBe(clean(name) || '(no name)')
      expect(found?.cases[0]?.children[0]?.text).toBe(said === '' ? 'E' : carried(`E: ${said}`))
      expect(found?.outputs[0]?.text ?? '').toBe(carried(said))
    }),
    { numRuns: 500 },
  )
})

test('the file holds all of it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'tiershard-junit-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const { record } = mixedRun()
  await writeJUnit(record, path.join(folder, 'junit.xml'))
  expect(await readFile(path.join(folder, 'junit.xml'), 'utf8')).toBe([...reportXml(record)].join(''))
  await expect(writeJUnit(record, path.join(folder, 'missing', 'junit.xml'))).rejects.toMatchObject({ code: 'ENOENT' })
})
