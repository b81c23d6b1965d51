import { expect, test } from 'vitest'
import { roleInInfo, roleOf } from '../../../src/redis/role.ts'

test('the reply of ROLE', () => {
  expect(roleOf(['master', 98, [['10.0.0.1', '6379', '98']]])).toEqual({ kind: 'master', replicas: 1 })
  expect(roleOf(['slave', '10.0.0.9', 6379, 'connected', 98])).toEqual({ kind: 'replica', master: '10.0.0.9:6379' })
  expect(roleOf(['sentinel', ['mymaster']])).toEqual({ kind: 'sentinel' })
  for (const other of [null, 'master', [], ['primary']]) expect(roleOf(other)).toBeNull()
})

test('INFO, where ROLE is not allowed', () => {
  const said = (table: Readonly<Record<string, string>>) => roleInInfo(new Map(Object.entries(table)))
  expect(said({ role: 'master', connected_slaves: '2' })).toEqual({ kind: 'master', replicas: 2 })
  expect(said({ role: 'slave', master_host: '10.0.0.9', master_port: '6379' })).toEqual({
    kind: 'replica',
    master: '10.0.0.9:6379',
  })
  expect(said({ role: 'slave' })).toEqual({ kind: 'replica', master: null })
  expect(said({ redis_mode: 'sentinel' })).toEqual({ kind: 'sentinel' })
  expect(said({})).toBeNull()
  expect(roleInInfo(null)).toBeNull()
})
