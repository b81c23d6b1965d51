import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test, vi } from 'vitest'
import type { Stamped } from '../../../src/core/events.ts'
import { tiershard, vitestProject } from '../../support/cli/binary.ts'
import { tempProject } from '../../support/config/project.ts'
import { journalLines } from '../../support/cli/runs.ts'
import { ofType } from '../../support/run/fakes.ts'

// Several real runs one after the other, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const RUN = 'node --test --test-reporter=junit --test-reporter-destination={junit} {file}'
const config = (more = ''): string => `export default { suites: {
  nt: { tier: 'fast', engine: 'command', files: 'nt/**', run: '${RUN}', isolation: 'none' }, ${more} } }\n`
const NODE = `import assert from 'node:assert'\nimport { mkdirSync } from 'node:fs'\nimport test from 'node:test'\n`
const PASSES = `${NODE}test('passes', () => {})\n`
/** Fails the first time that it runs. */
const FLAKY = `${NODE}test('settles', () => {
  let isFirst = true
  try { mkdirSync('ticket') } catch { isFirst = false }
  assert.equal(isFirst, false)
})\n`
const HANGS = `${NODE}test('hangs', () => new Promise(() => setInterval(() => {}, 1000)))\n`

function eventsOf(cwd: string): Stamped[] {
  return journalLines(path.join(cwd, 'reports/latest')).map((line) => JSON.parse(line) as Stamped)
}

function summaryOf(cwd: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path.join(cwd, 'reports/latest/summary.json'), 'utf8')) as Record<string, unknown>
}

test('a failed file is tried again, and is flaky when it passes then', async () => {
  const cwd = tempProject({ 'tiershard.config.js': config(), 'nt/a.test.mjs': FLAKY, 'nt/b.test.mjs': PASSES })
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--retries', '1'])
  expect(exitCode, stdout).toBe(0)
  expect(ofType(eventsOf(cwd), 'file-ended').filter(({ file }) => file === 'nt/a.test.mjs')).toMatchObject([
    { attempt: 1, ending: { kind: 'failed' } },
    { attempt: 2, ending: { kind: 'passed' } },
  ])
  expect(stdout).toContain('1 flaky')
})

test('--repeat repeats files of both engines on all shards', async () => {
  const vt = `vt: { tier: 'fast', files: 'vt/**', isolation: 'none' }`
  const cwd = vitestProject({
    'tiershard.config.js': config(vt),
    'nt/a.test.mjs': PASSES,
    'vt/a.test.ts': `import { test } from 'vitest'; test('passes', () => {})`,
  })
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--repeat', '3', '--shards', '2'])
  expect(exitCode, stdout).toBe(0)
  expect(summaryOf(cwd)).toMatchObject({ stress: { total: { runs: 6, failures: 0 } } })
})

test("the tier's deadline ends a command that hangs, and names what never ran: exit 4", async () => {
  const cwd = tempProject({ 'tiershard.config.js': config(), 'nt/a.test.mjs': HANGS, 'nt/b.test.mjs': HANGS })
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--deadline', '3s', '--shards', '1'])
  expect(exitCode, stdout).toBe(4)
  const endings = ofType(eventsOf(cwd), 'file-ended').map(({ ending }) => ending)
  expect(endings.filter(({ kind }) => kind === 'timed-out')).toMatchObject([{ limit: 'tier' }])
  expect(endings.filter(({ kind }) => kind === 'not-run')).toMatchObject([{ why: 'tier-deadline' }])
})

test('--fail-fast ends what runs of the other engine too', async () => {
  const vt = `vt: { tier: 'fast', files: 'vt/**', isolation: 'none' }`
  const cwd = vitestProject({
    'tiershard.config.js': config(vt),
    'nt/a.test.mjs': HANGS,
    'vt/a.test.ts': `import { expect, test } from 'vitest'; test('fails', () => expect(1).toBe(2))`,
  })
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--fail-fast', '--shards', '2'])
  expect(exitCode, stdout).toBe(1)
  const endings = Object.fromEntries(ofType(eventsOf(cwd), 'file-ended').map(({ file, ending }) => [file, ending]))
  expect(endings).toMatchObject({
    'vt/a.test.ts': { kind: 'failed' },
    'nt/a.test.mjs': { kind: 'cancelled', by: 'fail-fast' },
  })
})
