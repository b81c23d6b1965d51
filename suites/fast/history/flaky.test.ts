import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import type { HistoryData } from '../../../src/history/data.ts'
import { packFlaky, unpackFlaky } from '../../../src/history/flaky.ts'
import { pastOf } from '../../../src/history/past.ts'
import type { RunRecord } from '../../../src/core/record.ts'
import { START } from '../../support/reports/journal-builder.ts'
import { historyOf, runOf, type Did } from '../../support/history/runs.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const one = (id: string, at: number, did: Did, meta: Parameters<typeof runOf>[3] = {}): RunRecord =>
  runOf(id, at, { 'a.test.ts': { t: did } }, meta)

/** The flaky tests of a history, after a last run. */
function flakyOf(data: HistoryData, last: RunRecord): unknown {
  return pastOf(data, last)
    .tier('fast')
    ?.flaky.map(({ file, name, lastAt, passes }) => [`${file} > ${name}`, (lastAt - START) / HOUR, passes])
}

test.each<[string, RunRecord[], unknown]>([
  ['failed and passed on one commit', [one('1', 0, 'failed', { commit: 'c' }), one('2', HOUR, 5, { commit: 'c' })], 1],
  ['passed and failed on one commit', [one('1', 0, 5, { commit: 'c' }), one('2', HOUR, 'failed', { commit: 'c' })], 1],
  ['passed at the second try', [one('1', 0, 5), one('2', HOUR, 'again')], 1],
  ['was mended by a commit', [one('1', 0, 'failed', { commit: 'c' }), one('2', HOUR, 5, { commit: 'd' })], null],
  ['always failed', [one('1', 0, 'failed', { commit: 'c' }), one('2', HOUR, 'failed', { commit: 'c' })], null],
  ['has no commit', [one('1', 0, 'failed', { commit: null }), one('2', HOUR, 5, { commit: null })], null],
  [
    'was mended in the working tree',
    [one('1', 0, 'failed', { commit: 'c' }), one('2', HOUR, 5, { commit: 'c', changed: true })],
    null,
  ],
])('a test that %s', (_, runs, hour) => {
  expect(flakyOf(historyOf(...runs), runs.at(-1)!)).toEqual(hour === null ? [] : [['a.test.ts > t', hour, 0]])
})

/** Runs after the evidence at 0, so many, so far apart; every one on a commit of its own. */
function after(count: number, apart: number): RunRecord[] {
  const runs = Array.from({ length: count }, (_, i) => one(`after-${i}`, (i + 1) * apart, 5, { commit: `c${i}` }))
  return [one('flaky', 0, 'again'), ...runs]
}

test.each([
  ['20 passes within 7 days do not clear it', 20, 8 * HOUR, 1],
  ['19 passes in 19 days do not clear it', 19, DAY, 1],
  ['20 passes in 20 days clear it', 20, DAY, 0],
  ['a busy day pushes the failure out of the samples, and it stays flaky', 60, HOUR / 4, 1],
])('%s', (_, count, apart, flaky) => {
  const runs = after(count, apart)
  expect(flakyOf(historyOf(...runs), runs.at(-1)!)).toHaveLength(flaky)
  const inOneGo = historyOf(...runs.toReversed())
  expect(flakyOf(inOneGo, runs.at(-1)!)).toHaveLength(flaky)
})

test('of a flaky test the last runs are known, newest last, up to the one that is looked at', () => {
  const runs = [one('1', 0, 5), one('2', HOUR, 'failed'), one('3', 2 * HOUR, 'again'), one('4', 3 * HOUR, 5)]
  const recent = (last: RunRecord): unknown =>
    pastOf(historyOf(...runs.toReversed()), last)
      .tier('fast')
      ?.flaky.map((test) => test.recent)
  expect(recent(runs[3]!)).toEqual(['pfkp'])
  expect(recent(runs[2]!)).toEqual(['pfk'])
  const many = after(40, HOUR)
  expect(recentOf(many)).toEqual(['p'.repeat(25)])
})

function recentOf(runs: RunRecord[]): unknown {
  return pastOf(historyOf(...runs), runs.at(-1)!)
    .tier('fast')
    ?.flaky.map((test) => test.recent)
}

test('evidence is packed without loss, in an order of its own', () => {
  const names = fc.uniqueArray(fc.tuple(fc.string({ unit: 'binary' }), fc.nat(2_000_000_000)), {
    selector: ([name]) => name,
    maxLength: 5,
  })
  fc.assert(
    fc.property(names, (entries) => {
      const packed = packFlaky(new Map(entries))
      expect(packFlaky(new Map(entries.toReversed()))).toBe(packed)
      expect(unpackFlaky(packed)).toEqual(new Map(entries))
    }),
    { numRuns: 50 },
  )
  const now = START
  expect(unpackFlaky(packFlaky(new Map([['t', now]])))).toEqual(new Map([['t', now]]))
  expect(unpackFlaky('t|!|u|5|v')).toEqual(new Map([['u', 5]]))
})
