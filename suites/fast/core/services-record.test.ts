import { expect, test } from 'vitest'
import type { ServicePart, Stamped } from '../../../src/core/events.ts'
import { combineRuns } from '../../../src/core/matrix.ts'
import { foldAll } from '../../../src/core/record.ts'
import { serviceWords } from '../../../src/reports/services.ts'

const API = { service: 'api', part: 'process', per: 'file', what: 'node api.js', shard: 0 } as const
const DB = { service: 'db', part: 'server', per: 'run', what: 'Postgres 15.1, local: /bin', shard: null } as const

function ready(...parts: ServicePart[]): Stamped[] {
  return parts.map((part, at) => ({ type: 'service-ready', at, ...part }))
}

test('the starts of a part are one entry, with how often and how long', () => {
  const record = foldAll(
    ready(
      { ...DB, where: '127.0.0.1:5433', readyMs: 900 },
      { ...API, where: 'http://127.0.0.1:1', readyMs: 200 },
      { ...API, shard: 1, where: 'http://127.0.0.1:2', readyMs: 300 },
    ),
  )
  expect(record.services).toMatchObject([
    { service: 'db', starts: 1, totalMs: 900, slowestMs: 900 },
    { service: 'api', starts: 2, totalMs: 500, slowestMs: 300 },
  ])
  expect(record.services.map(serviceWords)).toEqual([
    'service db: Postgres 15.1, local: /bin at 127.0.0.1:5433, ready after 900ms',
    'service api: node api.js, one for every file, made 2 times, ready after 300ms at most',
  ])
})

test('of several nodes the starts are added up, and an address stands only where all had it', () => {
  const runs = [10, 20].map((readyMs) =>
    foldAll(ready({ ...DB, where: `127.0.0.1:${readyMs}`, readyMs }, { ...API, where: 'http://api', readyMs })),
  )
  expect(combineRuns(runs).services).toMatchObject([
    { service: 'db', where: null, starts: 2, totalMs: 30, slowestMs: 20 },
    { service: 'api', where: 'http://api', starts: 2, totalMs: 30, slowestMs: 20 },
  ])
})
