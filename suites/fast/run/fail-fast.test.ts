import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { forecast } from '../../../src/core/plan.ts'
import { countRun, exitCode, fileEnding } from '../../../src/core/verdict.ts'
import { type Halt, watchFailures } from '../../../src/run/fail-fast.ts'
import { openLedger } from '../../../src/run/ledger.ts'
import { fail, failAndHang, fakeServices, hang, ofType, pass, planned, suite, tier } from '../../support/run/fakes.ts'
import { play } from '../../support/run/play.ts'
import { inTurn, runScripted } from '../../support/run/runs.ts'

describe('fail-fast', () => {
  test('running files are ended, waiting files and later tiers never start, and each says why', async () => {
    const { record, events } = await runScripted([
      { settings: { failFast: 1 }, files: { hangs: hang, fails: fail, waits: pass } },
      { files: { later: pass } },
    ])
    const endings = [...record.tiers.values()].flatMap((tier) =>
      [...tier.files.values()].map((file) => [file.plan.id, fileEnding(file)]),
    )
    expect(Object.fromEntries(endings)).toEqual({
      hangs: { kind: 'cancelled', by: 'fail-fast' },
      fails: { kind: 'failed' },
      waits: { kind: 'not-run', why: 'fail-fast' },
      later: { kind: 'not-run', why: 'fail-fast' },
    })
    expect(exitCode(record)).toBe(1)
    const [notice] = ofType(events, 'notice')
    expect(notice).toMatchObject({ code: 'fail-fast', message: expect.stringContaining('fails > t') })
  })

  test('counts tests up to the limit', async () => {
    const { record } = await runScripted([
      { settings: { failFast: 2, shards: 1 }, files: { a: fail, b: pass, c: fail, d: pass } },
    ])
    expect(countRun(record)).toMatchObject({ passed: 1, failed: 2, notRun: 1 })
  })

  test('a failure that is going to be tried again does not count yet', async () => {
    const { record } = await runScripted([
      { settings: { failFast: 1, retries: 1, shards: 1 }, files: { a: inTurn(fail, pass), b: pass, c: fail, d: fail } },
    ])
    // Both c and d failed once; c fails for good, and d is not tried again.
    expect(countRun(record)).toMatchObject({ passed: 2, failed: 2, flaky: 1 })
    expect(record.tiers.get('tier-1')?.files.get('d')?.attempts).toHaveLength(1)
    expect(record.tiers.get('tier-1')?.end).toBe('cancelled')
    expect(exitCode(record)).toBe(1)
  })

  test('a known failure does not count', async () => {
    const quarantine = [{ entry: 'quarantine[0]', test: 't', until: '2030-01-01', reason: 'known', expired: false }]
    const { record } = await runScripted([
      { settings: { failFast: 1, shards: 1 }, files: { a: fail, b: pass }, plans: { a: { quarantine } } },
    ])
    expect(countRun(record)).toMatchObject({ passed: 1, failed: 0, skipped: 1, quarantined: 1 })
    expect(exitCode(record)).toBe(0)
  })

  test('repetitions of one test are one failure', async () => {
    const stress = { times: 4, untilFailure: false }
    const { record } = await runScripted([{ settings: { failFast: 2, stress, shards: 2 }, files: { a: fail } }])
    expect(record.tiers.get('tier-1')?.files.get('a')?.attempts).toHaveLength(4)
    expect(record.tiers.get('tier-1')?.end).toBe('completed')
    expect(countRun(record)).toMatchObject({ failed: 1 })
  })

  test('failures count together, on whatever shard they happen', async () => {
    const stress = { times: 1, untilFailure: false }
    const { record } = await runScripted([
      { settings: { failFast: 3, stress, shards: 4 }, files: { d: hang, a: fail, b: fail, c: fail } },
    ])
    expect(record.tiers.get('tier-1')?.end).toBe('cancelled')
    expect(countRun(record)).toMatchObject({ failed: 3 })
    expect(fileEnding(record.tiers.get('tier-1')!.files.get('d')!)).toEqual({ kind: 'cancelled', by: 'fail-fast' })
  })

  test('nothing starts while it is decided whether enough has failed', async () => {
    const { record } = await runScripted([{ settings: { failFast: 1, shards: 1 }, files: { a: fail, b: hang } }])
    expect(record.tiers.get('tier-1')?.files.get('b')?.attempts).toEqual([])
    expect(record.tiers.get('tier-1')?.end).toBe('cancelled')
  })

  test('what its attempt is excused from while it is decided does not count', async () => {
    const ledger = openLedger({ append: () => {}, close: () => {} }, [])
    const files = [planned('a')]
    const plan = { settings: tier({ failFast: 1 }), suites: [suite()], files, forecast: forecast(files, 1, 1) }
    const ref = { tier: 'standard', file: 'a', attempt: 1 }
    ledger.emit({ type: 'tier-planned', tier: 'standard', ...plan })
    const halts: Halt[] = []
    const watch = watchFailures(plan, ledger, (why) => halts.push(why))
    const asked = Promise.withResolvers<null>()
    const failed = { name: 't', outcome: 'failed', durationMs: 1, retries: 0, line: 1, errors: [], note: null } as const
    ledger.emit({ type: 'file-started', ...ref, shard: 0, database: null })
    ledger.emit({ type: 'test-ended', ...ref, test: failed })
    watch.tested(ref, failed, async () => asked.promise)
    const ending = { kind: 'infrastructure', cause: { code: 'redis-went-away', message: 'gone', remedy: '' } } as const
    ledger.emit({ type: 'file-ended', ...ref, ending, durationMs: 1, running: [], errors: [] })
    await watch.ended(ref)
    asked.resolve(null)
    await setImmediate()
    expect(halts).toEqual([])
  })

  test('a service that died is to blame for what failed with it, also in a file that fail-fast ends', async () => {
    const died = { code: 'service-went-away', message: 'api has ended', remedy: 'look at its log' } as const
    const services = { ...fakeServices, close: async () => ({ usesRedis: false, died }) }
    const { record } = await play(
      { a: failAndHang },
      { services, suites: [suite({ services: ['api'] })], settings: { failFast: 1, shards: 1 } },
    )
    expect(fileEnding(record.tiers.get('standard')!.files.get('a')!)).toEqual({ kind: 'infrastructure', cause: died })
  })
})
