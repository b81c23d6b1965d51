import { expect, test } from 'vitest'
import type { Event } from '../../../../src/core/events.ts'
import { foldAll } from '../../../../src/core/record.ts'
import { settle } from '../../../../src/core/settle.ts'
import { readReport, rendered } from '../../../support/html/read.ts'
import { aCause, journal, START } from '../../../support/reports/journal-builder.ts'

type Sample = Extract<Event, { type: 'server-sampled' }>

function sample(values: Partial<Sample> = {}): Sample {
  return { type: 'server-sampled', role: 'master', usedBytes: 5e6, maxBytes: 0, clients: 3, writeMs: 0.5, ...values }
}

const short = () =>
  journal()
    .tier('standard')
    .file('a.test.ts', (file) => file.attempt((it) => it.passed('a').takes(4000)))

test('samples of the server become columns, with operations a second between them', async () => {
  const run = short()
    .meanwhile(1000, sample({ commands: 1000 }))
    .meanwhile(2000, sample({ commands: 4000, usedBytes: 6e6, maxBytes: 2e7, clients: null }))
    .meanwhile(2500, sample({ commands: 4100 }))
    .meanwhile(3500, sample({ commands: 7 }))
    .meanwhile(4500, sample())
  const { head } = await readReport(await rendered(run.build().record))
  expect(head.redis).toEqual({
    at: [1000, 2000, 2500, 3500, 4500],
    bytes: [5e6, 6e6, 5e6, 5e6, 5e6],
    clients: [3, null, 3, 3, 3],
    // A server that counts from the beginning again was started anew; one that does not count says nothing.
    operations: [null, 3000, 200, null, null],
    writeMs: [0.5, 0.5, 0.5, 0.5, 0.5],
    maxBytes: 0,
  })
})

test('a single sample is no curve', async () => {
  const { head } = await readReport(await rendered(short().meanwhile(1000, sample()).build().record))
  expect(head.redis).toBeNull()
})

test('of a long run at most 1,000 points are kept, in order, and no peak is lost', async () => {
  const run = short()
  for (let second = 0; second < 5000; second++) {
    run.meanwhile(second * 1000, sample({ usedBytes: second === 3333 ? 9e9 : 5e6, clients: second % 40 }))
  }
  const { head } = await readReport(await rendered(run.build().record))
  const { at, bytes, clients } = head.redis!
  expect(at.length).toBeLessThanOrEqual(1000)
  expect(at.length).toBeGreaterThan(900)
  expect(at).toEqual(at.toSorted((a, b) => a - b))
  expect(bytes.filter((value) => value === 9e9)).toHaveLength(1)
  expect(Math.max(...clients.map((value) => value ?? 0))).toBe(39)
})

test('pauses of the run: how long they lasted, and one that the end of the run cut', async () => {
  const cause = aCause({ message: 'gone \u{1b}[31maway' })
  const { events } = short()
    .meanwhile(1000, { type: 'dispatch-paused', cause, limitMs: 60_000 })
    .meanwhile(1700, { type: 'dispatch-resumed', cause, pausedMs: 700 })
    .meanwhile(3000, { type: 'dispatch-paused', cause, limitMs: 60_000 })
    .killed()
    .build()
  const record = settle(foldAll(events))
  const { head } = await readReport(await rendered(record))
  const said = { code: 'redis-unreachable', message: 'gone away' }
  expect(head.pauses).toEqual([
    { ...said, from: 1000, ms: 700, isOver: true },
    { ...said, from: 3000, ms: record.lastAt! - START - 3000, isOver: false },
  ])
})
