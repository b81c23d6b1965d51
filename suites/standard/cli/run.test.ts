import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { tiershard, vitestProject } from '../../support/cli/binary.ts'
import { FAILS, IMPORTS, PASSES, project } from '../../support/cli/project.ts'

test('a run leaves all of its reports, and latest points at it', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': PASSES, 'suites/fast/a/two.test.ts': PASSES })
  const { exitCode, stdout, stderr } = await tiershard(cwd, ['run'])
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  const run = readlinkSync(path.join(cwd, 'reports/latest'))
  expect(run).toMatch(/^\d{8}-\d{9}-[0-9a-f]{6}$/)
  expect(stdout).toContain(run)
  expect(readdirSync(path.join(cwd, 'reports')).toSorted()).toEqual([run, 'history.json', 'latest'])
  expect(readdirSync(path.join(cwd, 'reports', run)).toSorted()).toEqual([
    'ctrf.json',
    'journal.ndjson',
    'junit.xml',
    'metrics.prom',
    'report.html',
    'summary.json',
    'summary.md',
    'trace.json',
  ])
  expect(readFileSync(path.join(cwd, 'reports/latest/junit.xml'), 'utf8')).toContain('tests="2"')
})

test('a failed test: exit 1; --json prints the summary alone on stdout', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': PASSES, 'suites/fast/a/two.test.ts': FAILS })
  const { exitCode, stdout, stderr } = await tiershard(cwd, ['run', '--json'])
  expect(exitCode).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ verdict: 'failed', exitCode: 1 })
  expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(path.join(cwd, 'reports/latest/summary.json'), 'utf8')))
  expect(stderr).toContain('two.test.ts > fails')
})

test('files on the command line narrow the run, from any folder of the project', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': PASSES, 'suites/fast/a/two.test.ts': FAILS })
  expect((await tiershard(cwd, ['run', 'suites/fast/a/one.test.ts'])).exitCode).toBe(0)
  const below = path.join(cwd, 'suites/fast')
  expect((await tiershard(below, ['run', '--config', '../../tiershard.config.js', 'a/one.test.ts'])).exitCode).toBe(0)
})

test('plan and run --dry-run print the same, run nothing and write nothing', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': FAILS })
  const plan = await tiershard(cwd, ['plan'])
  const dry = await tiershard(cwd, ['run', '--dry-run'])
  expect(plan).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining('suites/fast/a/one.test.ts') })
  expect(dry).toEqual(plan)
  const json = await tiershard(cwd, ['plan', '--json', '--shards', '3', '--deadline', '7m'])
  expect(JSON.parse(json.stdout)).toMatchObject({
    version: 1,
    tiers: [
      { tier: 'fast', settings: { shards: 3, deadlineMs: 420_000 }, files: [{ path: 'suites/fast/a/one.test.ts' }] },
    ],
  })
  expect(existsSync(path.join(cwd, 'reports'))).toBe(false)
})

test('GITHUB_ACTIONS: failures are annotations, relative to the checkout', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': FAILS })
  const env = { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: path.dirname(cwd) }
  const { exitCode, stdout } = await tiershard(cwd, ['run'], env)
  expect(exitCode).toBe(1)
  expect(stdout).toContain(`::error file=${path.basename(cwd)}/suites/fast/a/one.test.ts,line=`)
  expect((await tiershard(cwd, ['run'])).stdout).not.toContain('::error')
})

test('the summary goes to GITHUB_STEP_SUMMARY', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': PASSES })
  const file = path.join(cwd, 'step.md')
  writeFileSync(file, '# before\n')
  await tiershard(cwd, ['run'], { GITHUB_STEP_SUMMARY: file })
  const text = readFileSync(file, 'utf8')
  expect(text).toMatch(/^# before\n/)
  expect(text).toContain(readFileSync(path.join(cwd, 'reports/latest/summary.md'), 'utf8').trimEnd())
})

test('zero config with the embedded server: every file has a database', async () => {
  const cwd = vitestProject({
    'suites/fast/a/one.test.ts': `${IMPORTS}test('has one', () => expect(process.env.REDIS_DB).toMatch(/^[0-9]+$/))\n`,
  })
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--redis', 'embedded'])
  expect(stdout).toContain('embedded')
  expect(exitCode).toBe(0)
})
