import fc from '../../support/property.ts'
import { describe, expect, test } from 'vitest'
import { unfit, type Finding } from '../../../src/core/findings.ts'
import { infoFindings, latencyFindings, roleFindings } from '../../../src/redis/checks.ts'

const LABEL = 'redis://host:6379'
const HEALTHY = {
  used_memory: '1000000',
  maxmemory: '0',
  total_system_memory: '8000000000',
  maxmemory_policy: 'noeviction',
  evicted_keys: '0',
  connected_clients: '3',
  maxclients: '10000',
  blocked_clients: '0',
  rejected_connections: '0',
  rdb_last_bgsave_status: 'ok',
  aof_last_write_status: 'ok',
  latest_fork_usec: '300',
}

function found(changes: Readonly<Record<string, string>>, check: string): Finding | undefined {
  const info = new Map(Object.entries({ ...HEALTHY, ...changes }))
  return infoFindings(info, LABEL).find((finding) => finding.check === check)
}

test('a healthy server: every check is ok', () => {
  const findings = infoFindings(new Map(Object.entries(HEALTHY)), LABEL)
  expect(findings.map(({ check, severity }) => [check, severity])).toEqual([
    ['memory', 'ok'],
    ['eviction', 'ok'],
    ['clients', 'ok'],
    ['persistence', 'ok'],
  ])
})

describe('memory', () => {
  test.for([
    ['79', 'ok'],
    ['80', 'warning'],
    ['94', 'warning'],
    ['95', 'error'],
    ['130', 'error'],
  ])('%s of 100 bytes of maxmemory: %s', ([used, severity]) => {
    expect(found({ used_memory: used!, maxmemory: '100' }, 'memory')?.severity).toBe(severity)
  })

  test('without maxmemory the machine is the limit', () => {
    const finding = found({ used_memory: '96', total_system_memory: '100' }, 'memory')
    expect(finding).toMatchObject({ severity: 'error', cause: { code: 'redis-out-of-memory' } })
  })

  test('without either there is nothing to compare with', () => {
    expect(found({ total_system_memory: '' }, 'memory')?.severity).toBe('ok')
  })
})

test('a policy that evicts is a warning where there is a limit, and evicted keys always', () => {
  expect(found({ maxmemory_policy: 'allkeys-lru' }, 'eviction')?.severity).toBe('ok')
  expect(found({ maxmemory_policy: 'allkeys-lru', maxmemory: '9000000' }, 'eviction')?.severity).toBe('warning')
  expect(found({ evicted_keys: '1' }, 'eviction')).toMatchObject({
    severity: 'warning',
    evidence: expect.stringMatching(/1 key evicted/),
  })
})

test('connections: above 80% of maxclients, or any rejected one, is a warning', () => {
  expect(found({ connected_clients: '80', maxclients: '100' }, 'clients')?.severity).toBe('ok')
  expect(found({ connected_clients: '81', maxclients: '100' }, 'clients')?.severity).toBe('warning')
  expect(found({ rejected_connections: '1' }, 'clients')?.severity).toBe('warning')
})

test('persistence: a failed save, a failed write of the append-only file and a slow fork are warnings', () => {
  for (const bad of [
    { rdb_last_bgsave_status: 'err' },
    { aof_last_write_status: 'err' },
    { latest_fork_usec: '600000' },
  ]) {
    expect(found(bad, 'persistence')?.severity).toBe('warning')
  }
})

test('roles', () => {
  const severities = (findings: Finding[]): string[] => findings.map(({ check, severity }) => `${check}: ${severity}`)
  const master = { kind: 'master', replicas: 0 } as const
  const lagging = new Map([
    ['connected_slaves', '2'],
    ['slave0', 'ip=10.0.0.1,port=6380,state=online,offset=98,lag=0'],
    ['slave1', 'ip=10.0.0.2,port=6380,state=online,offset=4,lag=6'],
  ])
  expect(severities(roleFindings(master, new Map([['connected_slaves', '0']]), LABEL))).toEqual([
    'role: ok',
    'replication: ok',
  ])
  expect(roleFindings(master, lagging, LABEL)[1]).toMatchObject({ severity: 'warning', evidence: /10\.0\.0\.2:6380/ })
  const replica = { kind: 'replica', master: '10.0.0.9:6379' } as const
  expect(roleFindings(replica, new Map([['master_link_status', 'down']]), LABEL)).toMatchObject([
    { check: 'role', severity: 'error', cause: { code: 'redis-read-only', message: /10\.0\.0\.9:6379/ } },
    { check: 'replication', severity: 'warning' },
  ])
  expect(unfit(roleFindings({ kind: 'sentinel' }, null, LABEL))?.code).toBe('redis-sentinel-port')
  expect(severities(roleFindings(null, null, LABEL))).toEqual(['role: ok'])
})

test.for([
  [4, 'ok'],
  [6, 'warning'],
  [51, 'error'],
] as const)('a median round trip of %s ms: %s', ([ms, severity]) => {
  // One outlier is not the median.
  expect(latencyFindings([ms, ms, ms, 900], LABEL)[0]?.severity).toBe(severity)
  // A busy machine is no reason to refuse a run on it.
  expect(latencyFindings([ms], LABEL, true)[0]?.severity).toBe(severity === 'error' ? 'warning' : severity)
})

test('whatever a server says in INFO, nothing throws and every remedy says something', () => {
  const value = fc.oneof(fc.string(), fc.integer().map(String), fc.constantFrom('NaN', '-1', '1e400', 'ok', 'err'))
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...Object.keys(HEALTHY), 'slave0', 'connected_slaves'), value),
      (info) => {
        const table = new Map(Object.entries(info))
        const findings = [...infoFindings(table, LABEL), ...roleFindings({ kind: 'master', replicas: 0 }, table, LABEL)]
        for (const finding of findings) {
          if (finding.severity === 'warning') expect(finding.remedy).not.toBe('')
          if (finding.severity === 'error') expect(finding.cause.message).toContain(LABEL)
        }
      },
    ),
  )
})
