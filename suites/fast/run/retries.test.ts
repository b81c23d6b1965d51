import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { PlannedFile } from '../../../src/core/events.ts'
import { countRun, exitCode, isFlakyFile } from '../../../src/core/verdict.ts'
import { planRun } from '../../../src/run/plan.ts'
import { stressReport } from '../../../src/reports/stress.ts'
import { verdictSentence } from '../../../src/reports/words.ts'
import { fail, failBeside, fakeEngine, ofType, pass, suite, tier, type Act } from '../../support/run/fakes.ts'
import { inTurn, runScripted } from '../../support/run/runs.ts'

const crash: Act = (file, seat, desk) => {
  desk.started(file, seat)
  desk.stopped(file, { kind: 'died', exitCode: 1, signal: null, outOfMemory: false, running: [], errors: [] })
}

describe('retries', () => {
  test("a suite's own number wins over the tier's", async () => {
    const { record } = await runScripted([{ settings: { retries: 3 }, suite: { retries: 1 }, files: { a: fail } }])
    expect(record.tiers.get('tier-1')?.files.get('a')?.attempts).toHaveLength(2)
  })

  test('end at their limit, and what was not tried again is named', async () => {
    const { record, events } = await runScripted([
      { settings: { retries: 5, retryLimitMs: 0 }, files: { a: fail, b: pass, c: fail } },
    ])
    const attempts = [...record.tiers.get('tier-1')!.files.values()].map((file) => file.attempts.length)
    expect(attempts).toEqual([1, 1, 1])
    const messages = ofType(events, 'notice').map(({ message }) => message)
    expect(messages).toEqual([expect.stringMatching(/^2 failed files were not tried again.*: a, c$/)])
    expect(exitCode(record)).toBe(1)
  })

  test("a flaky test is listed, and fails the run where the tier says 'fail'", async () => {
    const settings = { retries: 1 }
    const files = { a: inTurn(fail, pass) }
    const { record } = await runScripted([{ settings, files }])
    expect([countRun(record).flaky, exitCode(record)]).toEqual([1, 0])
    const strict = await runScripted([{ settings: { ...settings, flaky: 'fail' }, files: { a: inTurn(fail, pass) } }])
    expect([countRun(strict.record).flaky, exitCode(strict.record)]).toEqual([1, 1])
    expect(verdictSentence(strict.record)).toMatch(/^failed: flaky tests, which tier tier-1 does not allow; 1 test/)
  })

  test('a file that crashed before its first test and passed later is flaky as well', async () => {
    const { record } = await runScripted([
      { settings: { retries: 1, flaky: 'fail' }, files: { a: inTurn(crash, pass) } },
    ])
    expect(isFlakyFile(record.tiers.get('tier-1')!.files.get('a')!)).toBe(true)
    expect(exitCode(record)).toBe(1)
  })
})

describe('quarantine', () => {
  const entry = { entry: 'quarantine[0]', test: null, until: '2030-01-01', reason: 'known', expired: false }
  const outcome = async (act: Act, quarantine: PlannedFile['quarantine']) => {
    const { record, events } = await runScripted([{ files: { a: act }, plans: { a: { quarantine: quarantine! } } }])
    const { failed, skipped, quarantined = 0 } = countRun(record)
    const warnings = ofType(events, 'notice').map(({ message }) => message)
    return { exitCode: exitCode(record), failed, skipped, quarantined, warnings }
  }

  test('excuses a failure, until its day is over', async () => {
    expect(await outcome(fail, [entry])).toMatchObject({ exitCode: 0, failed: 0, skipped: 1, quarantined: 1 })
    expect(await outcome(fail, [{ ...entry, expired: true }])).toMatchObject({ exitCode: 1, failed: 1, quarantined: 0 })
    expect(await outcome(pass, [entry])).toMatchObject({ exitCode: 0, failed: 0, quarantined: 0 })
  })

  test('an entry for a file excuses its crash; one for a test does not, nor an error beside the test', async () => {
    expect(await outcome(crash, [entry])).toMatchObject({ exitCode: 0, failed: 0, quarantined: 1 })
    expect(await outcome(crash, [{ ...entry, test: 't' }])).toMatchObject({ exitCode: 1, failed: 1 })
    const failsTwice = failBeside([{ name: 'Error', message: 'unhandled', stack: null, diff: null, frames: [] }])
    expect(await outcome(failsTwice, [{ ...entry, test: 't' }])).toMatchObject({ failed: 1, quarantined: 1 })
    expect(await outcome(failsTwice, [entry])).toMatchObject({ exitCode: 0, failed: 0, quarantined: 2 })
  })

  test('an entry with the name of no test is a warning', async () => {
    const { warnings } = await outcome(pass, [{ ...entry, test: 'nobody' }])
    expect(warnings).toEqual([expect.stringContaining('no test of its files is called "nobody"')])
    expect((await outcome(pass, [{ ...entry, test: 't' }])).warnings).toEqual([])
  })

  test('the plan gives each file its entries, and warns of those that match none or have expired', async () => {
    const engine = {
      ...fakeEngine(() => pass),
      async discover() {
        const files = ['a.test.ts', 'b.test.ts'].map((path) => ({ id: path, path, project: '' }))
        return { ok: true, engine: 'fake', files, warnings: [] } as const
      },
    }
    const until = '2999-01-01'
    const settings = {
      root: '/nowhere',
      configFile: null,
      tiers: [tier()],
      suites: [suite({ files: ['*.test.ts'] })],
      redis: { source: { kind: 'auto' }, control: null, databases: null, waitMs: 0, patienceMs: 0 },
      quarantine: [
        { file: 'a.*', test: null, until, reason: 'one' },
        { file: 'gone/**', test: null, until, reason: 'two' },
        { file: 'b.*', test: 'x > y', until: '2020-02-29', reason: 'three' },
      ],
      reportsDir: '/nowhere',
      vitestConfig: null,
    } as const
    const history = { file: () => null, test: () => [] }
    const planned = await planRun(
      settings,
      { tiers: ['standard'], filters: [], changed: null, testName: null },
      engine,
      history,
    )
    if (!planned.ok) throw new Error(planned.message)
    const byFile = Object.fromEntries(planned.plan.tiers[0]!.files.map((file) => [file.id, file.quarantine]))
    expect(byFile['a.test.ts']).toMatchObject([{ entry: 'quarantine[0]', expired: false }])
    expect(byFile['b.test.ts']).toMatchObject([{ entry: 'quarantine[2]', expired: true, test: 'x > y' }])
    expect(planned.plan.warnings).toEqual([
      expect.stringContaining('quarantine[1] (gone/**) matches no test file'),
      expect.stringContaining('quarantine[2] (b.* > x > y) expired after 2020-02-29'),
    ])
  })
})

describe('stress', () => {
  test('repeats every file, each time as an attempt of its own, and one failure fails the run', async () => {
    const stress = { times: 5, untilFailure: false }
    const files = { a: inTurn(pass, fail, pass), b: pass }
    const { record } = await runScripted([{ settings: { stress, shards: 3 }, files }])
    const attempts = [...record.tiers.get('tier-1')!.files.values()].map((file) =>
      file.attempts.map((it) => it.attempt),
    )
    expect(attempts.map((numbers) => numbers.toSorted((a, b) => a - b))).toEqual([
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 5],
    ])
    expect(countRun(record)).toMatchObject({ passed: 1, failed: 1, flaky: 0, notRun: 0 })
    expect(exitCode(record)).toBe(1)
    const report = stressReport(record)!
    expect(report.files.map(({ file, runs, failures }) => [file, runs, failures])).toEqual([
      ['a', 5, 1],
      ['b', 5, 0],
    ])
    expect(report.files[0]!.tests).toMatchObject([{ test: 't', runs: 5, failures: 1 }])
    expect(report.total).toMatchObject({ runs: 10, failures: 1 })
  })

  test('until a failure, a file is repeated no more once it has failed', async () => {
    const stress = { times: 100, untilFailure: true }
    const files = { a: inTurn(pass, pass, fail), b: inTurn(pass, fail) }
    const { record } = await runScripted([{ settings: { stress, shards: 1 }, files }])
    expect([...record.tiers.get('tier-1')!.files.values()].map((file) => file.attempts.length)).toEqual([3, 2])
    expect(exitCode(record)).toBe(1)
  })

  test('without a number it ends before the deadline, as a pass', async () => {
    const stress = { times: null, untilFailure: true }
    // The third repetition takes 20 of 30 seconds, by the clock that the run goes by: a fourth would not fit.
    const now = performance.now.bind(performance)
    let passedMs = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + passedMs)
    onTestFinished(() => clock.mockRestore())
    const slow: Act = (...args) => {
      passedMs += 20_000
      return pass(...args)
    }
    const files = { a: inTurn(pass, pass, slow) }
    const { record } = await runScripted([{ settings: { stress, deadlineMs: 30_000, shards: 1 }, files }])
    expect(record.tiers.get('tier-1')!.files.get('a')!.attempts).toHaveLength(3)
    expect(record.tiers.get('tier-1')!.end).toBe('completed')
    expect(exitCode(record)).toBe(0)
  })

  test('a repetition that is missing makes the run incomplete', async () => {
    const stress = { times: 2, untilFailure: false }
    const { record } = await runScripted([{ settings: { stress }, files: { a: pass } }])
    const file = record.tiers.get('tier-1')!.files.get('a')!
    const cut = { ...file, attempts: file.attempts.slice(0, 1) }
    const tiers = new Map([['tier-1', { ...record.tiers.get('tier-1')!, files: new Map([['a', cut]]) }]])
    expect(exitCode({ ...record, tiers })).toBe(5)
  })
})
