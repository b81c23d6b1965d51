import { expect, test } from 'vitest'
import type { ErrorRecord, LeftBehind } from '../../../src/core/events.ts'
import { foldAll } from '../../../src/core/record.ts'
import { departureErrors, leakErrors } from '../../../src/run/findings.ts'
import { planned, suite, tier } from '../../support/run/fakes.ts'

const REF = { tier: 'standard', file: 'a.test.ts', attempt: 1 }
const NOTHING = { kind: 'ok', leftovers: { keys: 0 } } as const

function recordWith(error: Partial<ErrorRecord>) {
  const whole = { name: 'Error', message: '', stack: null, diff: null, frames: [], ...error }
  const forecast = { unknown: 1, makespanMs: null, floorMs: null, floorFile: null, shardsForDeadline: null }
  const result = { name: 't', outcome: 'failed', durationMs: 1, retries: 0, line: 1, note: null } as const
  return foldAll([
    {
      type: 'tier-planned',
      at: 1,
      tier: 'standard',
      settings: tier(),
      suites: [suite()],
      files: [planned('a.test.ts')],
      forecast,
    },
    { type: 'file-started', at: 2, ...REF, shard: 0, database: 3 },
    { type: 'test-ended', at: 3, ...REF, test: { ...result, errors: [whole] } },
  ])
}

test.for([
  "NOPERM this user has no permissions to run the 'flushall' command",
  'ERR ACL failure in script: No permissions to access database',
  "ERR The user executing the script can't run this command or subcommand",
])('a departure has the stack of the test that was told "%s"', (message) => {
  const frames = [{ method: '', file: 'a.test.ts', line: 7, column: 3 }]
  const record = recordWith({ message, stack: 'at a.test.ts:7:3', frames })
  const [error] = departureErrors({ ...NOTHING, departures: ['FLUSHALL'] }, REF, record)
  expect(error).toMatchObject({ stack: 'at a.test.ts:7:3', frames })
  expect(error?.message).toMatch(/^left its database: FLUSHALL\. /)
})

test('a departure that its test swallowed has no stack, and another error lends none', () => {
  const record = recordWith({ message: 'expected 1 to be 2', stack: 'at a.test.ts:9:1' })
  const [error] = departureErrors({ ...NOTHING, departures: ['FLUSHALL', 'CONFIG SET'] }, REF, record)
  expect(error).toMatchObject({ stack: null, message: expect.stringContaining('FLUSHALL, CONFIG SET') })
  expect(departureErrors(NOTHING, REF, record)).toEqual([])
})

test('what would stay for ever, and clients, are a failure where the tier says so', () => {
  const group = { prefix: 'order:*', type: 'hash', keys: 3, withoutTtl: 2, bytes: 30 }
  const detail: LeftBehind = {
    sampled: 3,
    withoutTtl: 2,
    bytes: 30,
    groups: [group],
    clients: ['127.0.0.1:5 (worker)'],
  }
  const cleaned = { kind: 'ok', leftovers: { keys: 3, detail } } as const
  expect(leakErrors(cleaned, tier({ leaks: 'fail' }))).toMatchObject([
    { name: 'Leak', message: expect.stringMatching(/2 keys without a TTL: 2 x order:\* \(hash\); clients.*worker/) },
  ])
  expect(leakErrors(cleaned, tier({ leaks: 'report' }))).toEqual([])
  expect(leakErrors(cleaned, tier())).toEqual([])
})

test('keys that expire are no failure, nor are clients that cannot be told', () => {
  const group = { prefix: 'order:*', type: 'hash', keys: 3, withoutTtl: 0, bytes: 30 }
  const detail: LeftBehind = { sampled: 3, withoutTtl: 0, bytes: 30, groups: [group], clients: null }
  expect(leakErrors({ kind: 'ok', leftovers: { keys: 3, detail } }, tier({ leaks: 'fail' }))).toEqual([])
})
