import { expect, test } from 'vitest'
import type { RunRecord } from '../../../src/core/record.ts'
import { serialise } from '../../../src/history/data.ts'
import { paces } from '../../../src/history/pace.ts'
import { pastOf } from '../../../src/history/past.ts'
import { historyOf, runOf } from '../../support/history/runs.ts'

/** A run of twelve tests of 100, 200... ms on a machine of that speed, the first of them slower by a factor. */
function runAt(index: number, speed: number, factor = 1, cpus = 4): RunRecord {
  const tests = Array.from({ length: 12 }, (_, i) => [`t${i}`, (i + 1) * 100 * speed * (i === 0 ? factor : 1)] as const)
  return runOf(`run-${index}`, index, { 'a.test.ts': Object.fromEntries(tests) }, { cpus })
}

test('a slow machine is divided out, a slow test is not', () => {
  const runs = [1, 1, 1, 1, 1].map((speed, i) => runAt(i, speed))
  const last = runAt(9, 2, 3)
  const tier = pastOf(historyOf(...runs), last).tier('fast')!
  expect(tier).toMatchObject({ pace: 2, runs: 6 })
  expect(tier.tests[0]).toMatchObject({ name: 't0', ms: [100, 100, 100, 100, 100, 300], isOfRun: true })
  expect(tier.tests[5]).toMatchObject({ name: 't5', ms: Array(6).fill(600) })
})

test('only machines of one class are compared', () => {
  const tier = pastOf(historyOf(runAt(0, 1), runAt(1, 5, 1, 64)), runAt(2, 1)).tier('fast')!
  expect(tier.machine).toBe('linux x64, 4 cpus')
  expect(tier.tests[0]?.ms).toEqual([100, 100])
})

test('what came later does not judge a run, and the history stays as it was', () => {
  const runs = [runAt(0, 1), runAt(1, 1), runAt(2, 1, 9)]
  const data = historyOf(...runs)
  const before = serialise(data)
  expect(pastOf(data, runs[1]!).tier('fast')?.tests[0]).toMatchObject({ ms: [100, 100], isOfRun: true })
  pastOf(data, runAt(7, 1))
  expect(serialise(data)).toBe(before)
  expect(pastOf(data, runs[1]!).tier('extended')).toBe(null)
})

test('few tests, or very short ones, say nothing of a machine', () => {
  const of = (count: number, ms: number): number =>
    paces(Array.from({ length: count }, () => [1, 2, 3, 4, 5].map((run) => ({ run, ms })))).size
  expect([of(9, 100), of(10, 100), of(10, 4)]).toEqual([0, 5, 0])
})
