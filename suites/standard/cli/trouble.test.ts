import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { tiershard, vitestProject } from '../../support/cli/binary.ts'
import { HANGS, PASSES, project, summary } from '../../support/cli/project.ts'

test('no tests found: exit 2, and where they would be', async () => {
  const empty = await tiershard(vitestProject({}), ['run', '--tier', 'fast'])
  expect(empty.exitCode).toBe(2)
  expect(empty.stderr).toContain('No tests found')
  expect(empty.stderr).toContain('suites/fast/')
  const cwd = project({ 'suites/fast/a/one.test.ts': PASSES })
  const filtered = await tiershard(cwd, ['run', 'nowhere'])
  expect(filtered.exitCode).toBe(2)
  expect(filtered.stderr).toContain('"nowhere"')
})

test('several tiers have suites and none is named: exit 2, and the tiers', async () => {
  const cwd = vitestProject({ 'suites/fast/a/x.test.ts': PASSES, 'suites/standard/b/x.test.ts': PASSES })
  const { exitCode, stderr } = await tiershard(cwd, ['run'])
  expect(exitCode).toBe(2)
  expect(stderr).toContain('Which tier? Say it with --tier')
})

test('a path after --changed is taken for a file by everybody but the option: it says so', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': PASSES })
  const { exitCode, stderr } = await tiershard(cwd, ['run', '--changed', 'suites/fast/a/one.test.ts'])
  expect(exitCode).toBe(2)
  expect(stderr).toContain('--changed=REF')
})

test.for([
  ['a file', 'occupied', 'a part of the path is a file'],
  ['a folder that is not there', 'nowhere', 'there is no such folder'],
  ['a place where no folder can be made', '/proc/nowhere', 'there is no such folder'],
])('temporary files would go to %s: exit 2 before anything runs', async ([, place, reason]) => {
  const cwd = project({ 'suites/fast/a/one.test.ts': HANGS, occupied: 'a file' })
  const { exitCode, stdout, stderr } = await tiershard(cwd, ['run'], { TMPDIR: path.resolve(cwd, place!) })
  expect(stderr).toContain(`cannot be written: ${reason}. Mend it, or name another folder in TMPDIR.`)
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
  expect(existsSync(path.join(cwd, 'hanging'))).toBe(false)
  expect(existsSync(path.join(cwd, 'reports'))).toBe(false)
})

test('a reports folder that cannot be written: exit 2 before anything runs', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': HANGS, occupied: 'a file' })
  const { exitCode, stdout, stderr } = await tiershard(cwd, ['run', '--reports', 'occupied/reports'])
  expect(exitCode).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain('cannot be written: a part of the path is a file')
  expect(existsSync(path.join(cwd, 'hanging'))).toBe(false)
})

test('a history that cannot be read is a note; the run goes on', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': PASSES, 'reports/history.json': '{ "version": 1, "runs' })
  const { exitCode, stderr } = await tiershard(cwd, ['run'])
  expect(exitCode).toBe(0)
  expect(stderr).toContain('note: ')
  expect(stderr).toContain('history.json')
})

test('a Redis that was asked for and is not there: exit 3, with a report of everything planned', async () => {
  const cwd = vitestProject({ 'suites/fast/a/one.test.ts': PASSES })
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--redis', 'redis://user:hunter2@127.0.0.1:1'])
  expect(exitCode).toBe(3)
  expect(stdout).toContain('redis-unreachable')
  expect(summary(cwd)).toMatchObject({ verdict: 'infrastructure', exitCode: 3 })
  const reports = readdirSync(path.join(cwd, 'reports/latest')).map((name) =>
    readFileSync(path.join(cwd, 'reports/latest', name), 'utf8'),
  )
  expect(reports.join('\n')).not.toContain('hunter2')
})
