import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { tiershard } from '../../support/cli/binary.ts'
import { PASSES, project, summary } from '../../support/cli/project.ts'

/** Beside the point, and never the answer to what a machine or a config does. */
const A_BUG = /This is a bug|^ {4}at /m

const COMMAND = `export default {
  suites: { main: { tier: 'fast', engine: 'command', discover: 'echo a', run: 'cp {file} {junit}', isolation: 'none' } },
}\n`
const REPORT = '<testsuite name="s"><testcase name="t" classname="s" time="0.01"/></testsuite>'

/** A project of one command, which is the quickest to run. */
const commandProject = (): string => project({ 'tiershard.config.js': COMMAND, a: REPORT })

test.skipIf(!existsSync('/dev/full'))('the output goes to a full disk: the run goes on, and ends with 3', async () => {
  const cwd = commandProject()
  const { exitCode, stderr } = await tiershard(cwd, ['run'], {}, 'exec >/dev/full')
  expect(stderr).toMatch(/^! the output could not be written: ENOSPC/m)
  expect(stderr).not.toMatch(A_BUG)
  expect(exitCode).toBe(3)
  expect(summary(cwd).verdict).toBe('passed')
})

test.skipIf(!existsSync('/dev/full'))('a document that is lost on a full disk is no success', async () => {
  const { exitCode, stderr } = await tiershard(commandProject(), ['plan', '--json'], {}, 'exec >/dev/full')
  expect(stderr).toContain('! the output could not be written: ENOSPC')
  expect(exitCode).toBe(3)
})

test('a working directory that was removed: exit 2, and what to do', async () => {
  const cwd = commandProject()
  mkdirSync(path.join(cwd, 'gone'))
  const { exitCode, stderr } = await tiershard(cwd, ['plan'], {}, 'cd gone; rmdir ../gone')
  expect(stderr).toContain('The working directory cannot be used: it was removed')
  expect(stderr).not.toMatch(A_BUG)
  expect(exitCode).toBe(2)
})

test.for([
  ['ends the process', 'process.exit(0)', 'ended the process (process.exit, with 0)'],
  ['throws null', 'throw null', 'it threw null'],
  ['throws where nobody waits', `Promise.reject(new Error('lost'))`, 'tiershard.config.js:1:16\n  Error: lost\n'],
  [
    'throws later',
    `setTimeout(() => { throw new Error('redis://me:hunter22@host') })\nawait new Promise(() => {})`,
    'tiershard.config.js:1:26\n  Error: redis://***********@host\n',
  ],
])('a config that %s: exit 2, and it is the config that is named', async ([, config, message]) => {
  const cwd = project({ 'suites/fast/a/one.test.ts': PASSES, 'tiershard.config.js': config! })
  const { exitCode, stdout, stderr } = await tiershard(cwd, ['run'])
  expect(stderr).toContain(message)
  expect(stderr).not.toMatch(A_BUG)
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
})
