import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { startEmbedded } from '../../../src/redis/embedded/start.ts'
import type { Summary } from '../../../src/reports/summary.ts'
import { tiershard, vitestProject } from '../../support/cli/binary.ts'

const HEAD = `import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
const redis = new Redis(process.env.REDIS_URL, { retryStrategy: () => null })
redis.on('error', () => {})
`

const CONFIG = `export default {
  tiers: { fast: { shards: 2 }, standard: { shards: 1, leaks: 'fail' } },
  suites: {
    strays: { tier: 'fast', files: 'strays/*.test.ts' },
    private: { tier: 'fast', files: 'private/*.test.ts', isolation: 'server' },
    tidy: { tier: 'standard', files: 'tidy/*.test.ts' },
  },
}
`

/** Passes on a server that nobody has touched, and leaves it upside down. */
const UPSIDE_DOWN = `${HEAD}
test('finds a fresh server, and turns it upside down', async () => {
  expect(process.env.REDIS_URL).not.toContain(process.env.SHARED_PORT)
  expect(await redis.config('GET', 'hz')).toEqual(['hz', '10'])
  expect(await redis.info('keyspace')).not.toContain('db')
  expect(await redis.call('FUNCTION', 'LIST')).toEqual([])
  await redis.config('SET', 'hz', '50')
  await redis.flushall()
  await redis.select(2)
  await redis.set('left', 1)
  await redis.call('FUNCTION', 'LOAD', "#!lua name=lib\\nredis.register_function('f', function() return 1 end)")
})
`

test('leaving the database, leaking, and a server of its own', { timeout: 120_000 }, async ({ onTestFinished }) => {
  const started = await startEmbedded(AbortSignal.timeout(30_000))
  if (!started.ok) throw new Error(started.cause.message)
  onTestFinished(() => started.server.stop())
  const { host, port } = started.server
  const cwd = vitestProject({
    'tiershard.config.js': CONFIG,
    'strays/hides.test.ts': `${HEAD}test('hides it', async () => {
  await redis.flushall().catch(() => {})
  await redis.set('kept', 1)
})\n`,
    'strays/tells.test.ts': `${HEAD}test('tells it', () => redis.select(5))\n`,
    'strays/stays.test.ts': `${HEAD}test('stays', async () => {
  await redis.hset('session:17', 'a', 1)
  await redis.set('session:18', 1, 'EX', 100)
})\n`,
    'private/one.test.ts': UPSIDE_DOWN,
    'private/two.test.ts': UPSIDE_DOWN,
    'tidy/leaks.test.ts': `${HEAD}test('leaks', () => redis.set('order:1', 1))\n`,
    'tidy/expires.test.ts': `${HEAD}test('expires', () => redis.set('order:1', 1, 'PX', 60000))\n`,
    'tidy/cleans.test.ts': `${HEAD}test('cleans', async () => {
  await redis.set('order:1', 1)
  await redis.flushdb()
})\n`,
  })
  const url = `redis://${host}:${port}`
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--tier', 'fast,standard', '--redis', url], {
    SHARED_PORT: `:${port}/`,
  })
  const summary = JSON.parse(readFileSync(path.join(cwd, 'reports/latest/summary.json'), 'utf8')) as Summary

  const failures = summary.failures.map(({ file, test, message }) => ({ file, test, message }))
  const own = (file: string): string => failures.find((one) => one.file === file && one.test === null)?.message ?? ''
  expect(new Set(failures.map(({ file }) => file))).toEqual(
    new Set(['strays/hides.test.ts', 'strays/tells.test.ts', 'tidy/leaks.test.ts']),
  )
  expect(own('strays/hides.test.ts')).toContain('left its database: FLUSHALL')
  expect(own('tidy/leaks.test.ts')).toContain('1 key without a TTL: 1 x order:* (string)')
  // Its test shows the failure itself; the file's error has the command, and the stack of the test's error.
  const journal = readFileSync(path.join(cwd, 'reports/latest/journal.ndjson'), 'utf8')
  expect(journal).toMatch(
    /"LeftDatabase","message":"left its database: SELECT of database 5[^\n]*"stack":"ReplyError: NOPERM/,
  )
  expect(exitCode).toBe(1)

  expect(summary.server?.enforcement?.by).toBe('acl')
  expect(stdout).toContain('isolation is enforced by the server: a user of its own for each shard')
  expect(stdout).toMatch(/suites with isolation 'server' get servers of this run's own/)
  expect(summary.leaks.find((leak) => leak.file === 'strays/stays.test.ts')).toMatchObject({
    keys: 2,
    withoutTtl: 1,
    clients: [],
    groups: [
      { prefix: 'session:*', type: 'hash', keys: 1 },
      { prefix: 'session:*', type: 'string', keys: 1 },
    ],
  })
  expect(summary.leaks.map(({ file }) => file)).toContain('private/one.test.ts')
  expect(stdout).toContain('left behind in their databases by')
  const junit = readFileSync(path.join(cwd, 'reports/latest/junit.xml'), 'utf8')
  expect(junit).toContain('name="left behind" value="2 keys (1 without TTL')
})

test('--isolation server gives every suite with Redis servers of its own; a wrong word ends with 2', async () => {
  const cwd = vitestProject({
    'suites/fast/a/one.test.ts': `${HEAD}test('may do anything', async () => {
  expect(process.env.REDIS_DB).toBe('0')
  expect(await redis.flushall()).toBe('OK')
})\n`,
  })
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--redis', 'embedded', '--isolation', 'server'])
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('a server of its own') })
  const wrong = await tiershard(cwd, ['run', '--isolation', 'none'])
  expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("It is 'db' or 'server'") })
})
