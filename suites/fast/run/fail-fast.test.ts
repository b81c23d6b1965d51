import { describe, expect, test } from 'vitest'
import { countRun, exitCode, fileEnding } from '../../../src/core/verdict.ts'
import { fail, hang, ofType, pass } from '../../support/run/fakes.ts'
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
})
