import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { gaps } from '../../../src/core/completeness.ts'
import type { Stamped } from '../../../src/core/events.ts'
import { foldAll, type RunRecord } from '../../../src/core/record.ts'
import { continued, settle } from '../../../src/core/settle.ts'
import { countRun, exitCode, fileEnding, firstExitCode, testVerdicts } from '../../../src/core/verdict.ts'
import { arbitraryRun } from '../../support/reports/arbitrary-run.ts'
import { aCause, journal, type JournalBuilder } from '../../support/reports/journal-builder.ts'

function run(id: string, describe: (run: JournalBuilder) => JournalBuilder): RunRecord {
  return settle(describe(journal({ run: id }).tier('standard')).build().record)
}

/** Three files: one passed, one failed, one lost with the run. */
const killed = (): RunRecord =>
  run('first', (it) =>
    it
      .file('good.test.ts', (file) => file.attempt((at) => at.passed('g')))
      .file('bad.test.ts', (file) => file.attempt((at) => at.passed('b1').failed('b2')))
      .file('lost.test.ts', (file) => file.attempt((at) => at.passed('l1').pending('l2').ends(null)))
      .killed(),
  )

test('a run without an end was killed: never green, and it says so', () => {
  const whole = journal()
    .tier('standard')
    .file('a.test.ts', (file) => file.attempt((at) => at.passed('a')))
  expect(settle(whole.build().record)).toMatchObject({ exitCode: 0, missing: [] })
  const record = settle(whole.killed().build().record)
  expect(record).toMatchObject({ exitCode: 5, missing: [{ kind: 'killed' }] })
  expect(countRun(record)).toMatchObject({ passed: 1, notRun: 1 })
})

test('a tier that needs fewer shards for its last files had as many as it had', () => {
  const { events } = journal().tier('standard').build()
  const rounds = events.flatMap((event): Stamped[] =>
    event.type === 'tier-started' ? [4, 1].map((shards) => ({ ...event, shards })) : [event],
  )
  expect(foldAll(rounds).tiers.get('standard')!.shards).toBe(4)
})

test('what comes before in the order of the exit codes applies to a killed run too', () => {
  expect(killed().exitCode).toBe(1)
  expect(run('x', (it) => it.cause(aCause()).killed()).exitCode).toBe(3)
  expect(run('x', (it) => it.interrupted('SIGINT').killed()).exitCode).toBe(130)
})

test('a test that had passed before its file was lost keeps its result', () => {
  const lost = killed().tiers.get('standard')!.files.get('lost.test.ts')!
  expect(fileEnding(lost)).toEqual({ kind: 'not-run', why: 'lost' })
  expect(testVerdicts(lost).map(({ name, outcome }) => [name, outcome])).toEqual([
    ['l1', 'passed'],
    ['l2', 'not-run'],
  ])
  expect(gaps(killed()).map(({ file, test: name }) => [file, name])).toEqual([['lost.test.ts', 'l2']])
})

test('a run that continues another: every file once, with the attempts of both, and green only if all have passed', () => {
  const again = run('second', (it) =>
    it
      .file('bad.test.ts', (file) => file.attempt((at) => at.passed('b1').passed('b2')))
      .file('lost.test.ts', (file) => file.attempt((at) => at.passed('l1').passed('l2'))),
  )
  const whole = continued(killed(), again)
  expect(whole).toMatchObject({ exitCode: 0, missing: [], meta: { run: 'second' } })
  expect(countRun(whole)).toEqual({ passed: 5, failed: 0, skipped: 0, notRun: 0, flaky: 0 })
  const files = whole.tiers.get('standard')!.files
  expect([...files.keys()]).toEqual(['bad.test.ts', 'good.test.ts', 'lost.test.ts'])
  expect(files.get('bad.test.ts')!.attempts.map(({ attempt, run: of }) => [attempt, of])).toEqual([
    [1, 'first'],
    [2, undefined],
  ])

  const half = run('second', (it) => it.file('bad.test.ts', (file) => file.attempt((at) => at.passed('b2'))))
  expect(continued(killed(), half).exitCode).toBe(5)
  const worse = run('second', (it) =>
    it.file('bad.test.ts').file('lost.test.ts', (file) => file.attempt((at) => at.passed('l1').failed('l2'))),
  )
  expect(continued(killed(), worse).exitCode).toBe(1)
})

test('a file that was planned again and did not start is not saved by what it was before', () => {
  const again = run('second', (it) => it.file('good.test.ts', (file) => file.notRun('tier-deadline')))
  const file = continued(killed(), again).tiers.get('standard')!.files.get('good.test.ts')!
  expect(fileEnding(file)).toEqual({ kind: 'not-run', why: 'tier-deadline' })
})

test('an error outside of any file goes away only when every file of the tier has run again', () => {
  const before = run('first', (it) =>
    it
      .file('a.test.ts', (file) => file.attempt((at) => at.passed('a')))
      .file('b.test.ts', (file) => file.attempt((at) => at.passed('b')))
      .stray('too late'),
  )
  expect(before.exitCode).toBe(1)
  const a = run('second', (it) => it.file('a.test.ts', (file) => file.attempt((at) => at.passed('a'))))
  expect(continued(before, a).exitCode).toBe(1)
  const both = run('second', (it) =>
    it
      .file('a.test.ts', (file) => file.attempt((at) => at.passed('a')))
      .file('b.test.ts', (file) => file.attempt((at) => at.passed('b'))),
  )
  expect(continued(before, both).exitCode).toBe(0)
})

test('the gaps are what is counted as not run', () => {
  fc.assert(
    fc.property(arbitraryRun(), fc.nat(), ({ events }, cut) => {
      const record = settle(foldAll(events.slice(0, cut % (events.length + 1))))
      expect(gaps(record).length + record.missing.length).toBe(countRun(record).notRun)
      expect(record.exitCode).not.toBe(null)
      if (gaps(record).length > 0) expect(record.exitCode).not.toBe(0)
    }),
    { numRuns: 100 },
  )
})

test('a file that ended in a journal that lost its beginning is lost', () => {
  const { events } = journal()
    .tier('standard')
    .file('a.test.ts', (file) => file.attempt((at) => at.passed('a')))
    .build()
  const record = settle(foldAll(events.filter(({ type }) => type !== 'file-started')))
  expect(record.exitCode).toBe(5)
  expect(gaps(record)).toMatchObject([{ file: 'a.test.ts', test: null }])
  const unplanned = settle(foldAll(events.filter(({ type }) => type !== 'tier-planned')))
  expect(unplanned).toMatchObject({ exitCode: 5, missing: [{ kind: 'journal' }] })
})

test('of several exit codes the first of the documented order counts', () => {
  const order = [130, 143, 2, 3, 4, 1, 5, 0]
  fc.assert(
    fc.property(fc.subarray(order, { minLength: 1 }), (codes) => {
      expect(firstExitCode(codes.toReversed())).toBe(codes[0])
    }),
  )
  expect(exitCode(foldAll([]))).toBe(5)
})
