import { expect, test } from 'vitest'
import { foldAll, type RunRecord } from '../../../src/core/record.ts'
import { continued, settle } from '../../../src/core/settle.ts'
import { ctrf } from '../../../src/reports/exports/ctrf.ts'
import { trace } from '../../../src/reports/exports/trace.ts'
import { readReport, rendered } from '../../support/html/read.ts'
import { journal, START } from '../../support/reports/journal-builder.ts'

const HOUR = 3_600_000

/** A run of an hour before, and one that runs again what had failed in it. */
function resumed(): RunRecord {
  const { events } = journal({ run: 'first' })
    .tier('fast')
    .file('quick.test.ts', (file) => file.attempt((it) => it.passed('q').takes(150)))
    .tier('standard', { shards: 1 })
    .file('good.test.ts', (file) => file.attempt((it) => it.passed('g').takes(5000)))
    .file('bad.test.ts', (file) => file.attempt((it) => it.failed('b').takes(4000)))
    .build()
  const before = settle(foldAll(events.map((event) => ({ ...event, at: event.at - HOUR }))))
  const again = journal({ run: 'second', continues: 'first' })
    .tier('standard', { shards: 1 })
    .file('bad.test.ts', (file) => file.attempt((it) => it.passed('b').takes(300)))
    .build()
  return settle(continued(before, again.record))
}

test('on the time axis of a continued run lies only what it did itself', async () => {
  const record = resumed()
  const { head } = await readReport(await rendered(record))
  const attempts = new Map(head.files.map(({ id, attempts }) => [id, attempts]))
  expect(attempts.get('good.test.ts')).toMatchObject([{ run: 'first', from: null, ms: 5000, mark: 'p' }])
  expect(attempts.get('bad.test.ts')).toMatchObject([
    { run: 'first', from: null, ms: 4000, mark: 'f' },
    { run: null, ms: 300, mark: 'p' },
  ])
  const [fast, standard] = head.tiers
  expect(fast).toMatchObject({ name: 'fast', from: null, to: null, pace: null })
  expect(fast?.ms).toBeGreaterThanOrEqual(150)
  expect(standard?.pace).toMatchObject({ makespanMs: 300, floorMs: 300, lanes: [{ attempts: 1, busyMs: 300 }] })
  expect(standard!.pace!.from).toBeGreaterThanOrEqual(standard!.from!)

  const slices = trace(record).traceEvents.filter(({ ph }) => ph === 'X')
  expect(slices.map(({ name, dur }) => [name, dur])).toEqual([['bad.test.ts', 300_000]])
})

test('a run that was killed lasts to the last thing that is known of it', () => {
  const { events } = journal()
    .tier('standard')
    .file('a.test.ts', (file) => file.attempt((it) => it.passed('a', 2000).running('b').ends(null)))
    .killed()
    .build()
  const record = settle(foldAll(events))
  const last = record.lastAt! - START
  expect(ctrf(record)).toMatchObject({ results: { summary: { start: START, stop: START + last, duration: last } } })
  const slice = trace(record).traceEvents.find(({ ph }) => ph === 'X')
  expect(slice!.ts! + slice!.dur!).toBe(last * 1000)
})
