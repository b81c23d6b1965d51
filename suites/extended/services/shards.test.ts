import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { Stamped } from '../../../src/core/events.ts'
import type { Summary } from '../../../src/reports/summary.ts'
import { tiershard, vitestProject } from '../../support/cli/binary.ts'

/** Counts in its Redis what it was asked, and says who it is. */
const SERVICE = `import http from 'node:http'
import { Redis } from 'ioredis'
const redis = new Redis(process.env.REDIS_URL)
redis.on('error', () => {})
await redis.ping()
http.createServer(async (request, response) => {
  response.end(JSON.stringify({ pid: process.pid, count: await redis.incr('count') }))
}).listen(process.env.PORT, '127.0.0.1')\n`

const ASKS = `import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
test('counts from 1 in the database of the shard', async () => {
  const redis = new Redis(process.env.REDIS_URL)
  expect(await redis.dbsize()).toBe(0)
  const { pid, count } = await (await fetch(process.env.API)).json()
  console.log('served by ' + pid)
  expect(count).toBe(1)
  expect(await redis.get('count')).toBe('1')
  await redis.del('count')
  redis.disconnect()
})\n`

function counters(per: string, vitest: string): string {
  return vitestProject({
    'tiershard.config.js': `export default {
  tiers: { fast: { shards: 2 } },
  suites: { main: { tier: 'fast', files: 'main/*.test.js', services: ['api'], env: { API: '{services.api.url}' } } },
  services: {
    api: { kind: 'command', command: [process.execPath, 'service.js'], needs: ['redis'], port: 'free', per: '${per}' },
  },
}\n`,
    'vitest.config.js': vitest,
    'service.js': SERVICE,
    ...Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`main/${name}.test.js`, ASKS])),
  })
}

function outcome(cwd: string) {
  const run = path.join(cwd, 'reports/latest')
  const summary = JSON.parse(readFileSync(path.join(run, 'summary.json'), 'utf8')) as Summary
  const events = readFileSync(path.join(run, 'journal.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Stamped)
  const output = events.flatMap((event) => (event.type === 'file-output' ? [event.text] : [])).join('')
  const pids = [...output.matchAll(/served by (\d+)/g)].map((match) => match[1])
  const shards = new Set(events.flatMap((event) => (event.type === 'file-started' ? [event.shard] : [])))
  return { summary, pids, shards: shards.size, logs: readdirSync(path.join(run, 'services')) }
}

test.for([
  ['isolated files', `export default {}\n`],
  ['files that share a process', `export default { test: { isolate: false } }\n`],
] as const)('a service that lives for a file, with %s', { timeout: 120_000 }, async ([, vitest]) => {
  const cwd = counters('file', vitest)
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--tier', 'fast'])
  const { summary, pids } = outcome(cwd)
  expect({ exitCode, passed: summary.counts.passed }, stdout).toEqual({ exitCode: 0, passed: 5 })
  expect(new Set(pids).size).toBe(5)
  expect(summary.leaks).toEqual([])
})

test(
  'a service that lives for a shard keeps its process, and its connections are nobody’s leak',
  { timeout: 120_000 },
  async () => {
    const cwd = counters('shard', `export default {}\n`)
    const { exitCode, stdout } = await tiershard(cwd, ['run', '--tier', 'fast'])
    const { summary, pids, shards, logs } = outcome(cwd)
    expect({ exitCode, passed: summary.counts.passed }, stdout).toEqual({ exitCode: 0, passed: 5 })
    expect(new Set(pids).size).toBe(shards)
    expect(logs).toHaveLength(shards)
    expect(summary.services).toMatchObject([{ service: 'api', per: 'shard', starts: shards }])
    expect(summary.leaks).toEqual([])
  },
)

test('repetitions of a file at once each have a service of their own', { timeout: 120_000 }, async () => {
  const cwd = counters('file', `export default {}\n`)
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--tier', 'fast', '--repeat', '4', 'main/a'])
  const { pids } = outcome(cwd)
  expect(exitCode, stdout).toBe(0)
  expect(new Set(pids).size).toBe(4)
})
