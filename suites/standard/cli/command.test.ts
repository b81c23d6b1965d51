import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { expect, test, vi } from 'vitest'
import type { Stamped } from '../../../src/core/events.ts'
import { tiershard, vitestProject } from '../../support/cli/binary.ts'
import { tempProject } from '../../support/config/project.ts'
import { journalLines } from '../../support/cli/runs.ts'
import { readJUnit } from '../../support/reports/junit-reader.ts'
import { ofType } from '../../support/run/fakes.ts'

// Several real runs one after the other, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const NODE_TEST =
  'node --test --test-reporter=junit --test-reporter-destination={junit} --test-name-pattern={testName} {file}'
const CONFIG = `export default {
  tiers: { standard: { shards: 2 }, hang: { fileTimeout: '2s', shards: 2 } },
  suites: {
    vt: { tier: 'standard', files: 'vt/**' },
    nt: { tier: 'standard', engine: 'command', files: 'nt/**', run: '${NODE_TEST}', env: { CACHE_URL: '{redis.url}' } },
    hang: { tier: 'hang', engine: 'command', files: 'hang/**', run: '${NODE_TEST}' },
  },
}\n`
/** Finds an empty database of its own, and leaves a key behind. */
const GUEST = (assertion: string): string => `
  import Redis from 'ioredis'
  const redis = new Redis(process.env.REDIS_URL)
  const before = await redis.dbsize()
  await redis.set('guest', '1')
  redis.disconnect()
  ${assertion}`
const NODE = `import assert from 'node:assert'\nimport { existsSync } from 'node:fs'\nimport test, { describe } from 'node:test'\n`
const FILES = {
  'tiershard.config.js': CONFIG,
  'vt/a.test.ts': `import { expect, test } from 'vitest'\n${GUEST(`test('is alone', () => expect(before).toBe(0))`)}`,
  'nt/a.test.mjs': `${NODE}${GUEST(`test('is alone', () => assert.equal(before, 0))`)}`,
  'nt/b.test.mjs': `${NODE}${GUEST(`test('is alone', () => assert.equal(process.env.CACHE_URL, process.env.REDIS_URL))`)}`,
  'nt/broken.test.mjs': `${NODE}
    describe('outer', () => test('may fail', () => assert.equal(existsSync('broken'), false)))`,
  'hang/h.test.mjs': `${NODE}test('hangs', () => new Promise(() => setInterval(() => {}, 1000)))`,
  broken: '',
}

function eventsOf(cwd: string): Stamped[] {
  return journalLines(path.join(cwd, 'reports/latest')).map((line) => JSON.parse(line) as Stamped)
}

test('vitest and node:test share the shards of a run; one test fails, one file hangs; a rerun makes it good', async () => {
  const cwd = vitestProject(FILES)
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--tier', 'standard,hang', '--redis', 'embedded'])
  expect(exitCode, stdout).toBe(1)
  const events = eventsOf(cwd)
  const endings = Object.fromEntries(ofType(events, 'file-ended').map(({ file, ending }) => [file, ending.kind]))
  expect(endings, stdout).toEqual({
    'vt/a.test.ts': 'passed',
    'nt/a.test.mjs': 'passed',
    'nt/b.test.mjs': 'passed',
    'nt/broken.test.mjs': 'failed',
    'hang/h.test.mjs': 'timed-out',
  })
  const started = ofType(events, 'file-started')
  expect(started.every(({ database }) => database !== null)).toBe(true)
  expect(new Set(started.map(({ shard }) => shard)).size).toBeLessThanOrEqual(2)
  for (const { file, leftovers } of ofType(events, 'file-cleaned')) {
    expect(leftovers.keys, file).toBe(/a\.test|b\.test/.test(file) ? 1 : 0)
  }
  // Whatever was planned is in the report.
  const report = readJUnit([readFileSync(path.join(cwd, 'reports/latest/junit.xml'), 'utf8')])
  const cases = report.suites.flatMap((suite) => suite.cases)
  expect(cases).toHaveLength(5)
  expect(stdout).toContain('✗ failed nt/broken.test.mjs > outer > may fail')
  expect(stdout).toContain('hang/h.test.mjs: over its deadline of 2s')
  expect(ofType(events, 'run-started')[0]!.engine).toMatch(/^vitest 5\.\S+, command$/)

  rmSync(path.join(cwd, 'broken'))
  const again = await tiershard(cwd, ['run', '--rerun-failed', '--tier', 'standard', '--redis', 'embedded'])
  expect(ofType(eventsOf(cwd), 'file-started').map(({ file }) => file)).toEqual(['nt/broken.test.mjs'])
  // The file that hangs is of another tier, and the verdict is on both runs together.
  expect(again.exitCode, again.stdout).toBe(1)
  expect(again.stdout).toContain('passed  nt/broken.test.mjs')
})

test('a project without vitest needs none; --test-name reaches a command that takes it', async () => {
  const config = (run: string): string => `export default { suites: {
    nt: { tier: 'fast', engine: 'command', files: 'nt/**', run: '${run}', isolation: 'none' } } }\n`
  const cwd = tempProject({
    'tiershard.config.js': config(NODE_TEST),
    'deaf.config.js': config(NODE_TEST.replace('--test-name-pattern={testName} ', '')),
    'lacks.config.js': config('no-such-program-here {file} {junit}'),
    'nt/a.test.mjs': `${NODE}test('adds', () => {})\ntest('fails', () => assert.fail())`,
  })
  expect(await tiershard(cwd, ['run', '-t', 'adds'])).toMatchObject({ exitCode: 0, stderr: '' })
  expect((await tiershard(cwd, ['run'])).exitCode).toBe(1)

  const deaf = await tiershard(cwd, ['run', '--config', 'deaf.config.js', '-t', 'adds'])
  expect(deaf).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('suite nt: its run has no {testName}') })
  const lacks = await tiershard(cwd, ['run', '--config', 'lacks.config.js'])
  expect(lacks).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringContaining('there is no program "no-such-program-here" on PATH'),
  })
})
