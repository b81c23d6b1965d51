import { chmodSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tiershard } from '../../support/cli/binary.ts'
import { PASSES, project, summary } from '../../support/cli/project.ts'
import { makePipe } from '../../support/processes/pipe.ts'

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

const NO_FILE = 'it is a pipe or a device, not a file'

test('a pipe or a device in the place of a report is named; the other reports are merged', async () => {
  const cwd = project({ 'good.xml': REPORT })
  makePipe(path.join(cwd, 'pipe.xml'))
  const { exitCode, stderr } = await tiershard(cwd, ['merge', '-o', 'out.xml', 'good.xml', 'pipe.xml', '/dev/zero'])
  expect(stderr).toContain(`missing: pipe.xml: it cannot be read: ${NO_FILE}`)
  expect(stderr).toMatch(/^missing: \S*dev\/zero: it cannot be read/m)
  expect(stderr).toContain('3 reports (2 missing): 3 tests, 1 passed')
  expect(exitCode).toBe(5)
})

test('a pipe that the shell has made for this process is read', async () => {
  const cwd = project({ 'good.xml': REPORT })
  const { exitCode, stderr } = await tiershard(
    cwd,
    ['merge', '-o', 'out.xml', '/dev/fd/8'],
    {},
    'exec 8< <(cat good.xml)',
  )
  expect(stderr).toContain('1 report: 1 tests, 1 passed')
  expect(exitCode).toBe(0)
})

test('pipes where history and journals should be: each is named, and nothing waits for them', async () => {
  const cwd = commandProject()
  makePipe(path.join(cwd, 'reports/history.json'))
  makePipe(path.join(cwd, 'reports/20261120-000000000-aaaaaa/journal.ndjson'))
  const [plan, report, merge] = await Promise.all([
    tiershard(cwd, ['plan']),
    tiershard(cwd, ['report', '20261120-000000000-aaaaaa']),
    tiershard(cwd, ['history', 'merge', '-o', 'all.json', 'reports/history.json']),
  ])
  expect(plan.stderr).toContain(`history.json cannot be read (${NO_FILE})`)
  expect(plan.exitCode).toBe(0)
  expect(report.stderr).toContain(`journal.ndjson cannot be read: ${NO_FILE}`)
  expect(report.exitCode).toBe(5)
  expect(merge.stderr).toContain(`history.json cannot be read as a history (${NO_FILE})`)
  expect(merge.exitCode).toBe(2)
})

test.for([
  ['when it is read', 'mkfifo {junit}; echo {file}', [], 1],
  // The command must have begun by then, on a busy machine too.
  ['when the deadline strikes', 'mkfifo {junit}; sleep 600; echo {file}', ['--deadline', '4s'], 4],
] as const)(
  'a command leaves a pipe in the place of its report: nothing waits for it %s',
  async ([, run, more, code]) => {
    const cwd = project({ 'tiershard.config.js': COMMAND.replace('cp {file} {junit}', run), a: '' })
    const { exitCode, stdout, stderr } = await tiershard(cwd, ['run', ...more])
    expect(exitCode, stderr).toBe(code)
    if (code === 4) expect(stdout).toContain('  a: which tests it holds is not known\n')
    expect(summary(cwd).exitCode).toBe(code)
  },
)

test.for(['.', '/dev/zero', 'pipe'])('a config that is no file (%s): exit 2 at once', async (config) => {
  const cwd = commandProject()
  makePipe(path.join(cwd, 'pipe'))
  const { exitCode, stderr } = await tiershard(cwd, ['plan', '--config', config])
  expect(stderr).toContain('is not a file, and no config. Check the path given to --config.')
  expect(exitCode).toBe(2)
})

test('a name that is too long is the name of no run and of no report', async () => {
  const cwd = commandProject()
  const name = 'x'.repeat(5000)
  const [report, merge] = await Promise.all([
    tiershard(cwd, ['report', name]),
    tiershard(cwd, ['merge', '-o', 'out.xml', name]),
  ])
  expect(report.stderr).toContain('There is no run "xxx')
  expect(report.exitCode).toBe(2)
  expect(merge.stderr).toContain('it cannot be read: ENAMETOOLONG')
  expect(merge.exitCode).toBe(5)
})

test.skipIf(process.getuid?.() === 0)('folders that may not be listed: what is in them is used', async () => {
  const cwd = commandProject()
  await tiershard(cwd, ['run'])
  for (const folder of ['.', 'reports']) chmodSync(path.join(cwd, folder), 0o300)
  onTestFinished(() => {
    for (const folder of ['.', 'reports']) chmodSync(path.join(cwd, folder), 0o700)
  })
  expect(await tiershard(cwd, ['plan'])).toMatchObject({ exitCode: 0, stderr: '' })
})

test('a reports folder where no folder can be made: exit 2', async () => {
  const cwd = commandProject()
  const { exitCode, stdout, stderr } = await tiershard(cwd, ['run', '--reports', '/proc/nowhere/reports'])
  expect(stderr).toContain('The reports folder /proc/nowhere/reports cannot be written: ')
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
  await tiershard(cwd, ['run'])
  const merge = await tiershard(cwd, ['history', 'merge', '-o', '/proc/nowhere/all.json', 'reports/history.json'])
  expect(merge.stderr).toContain('/proc/nowhere/all.json cannot be written: ')
  expect(merge.exitCode).toBe(2)
})

test('a config that is reached through a link to its folder: its tests are found', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': PASSES })
  symlinkSync(cwd, path.join(cwd, 'link'))
  const { exitCode, stdout } = await tiershard(cwd, ['plan', '--config', 'link/tiershard.config.js'])
  expect(stdout).toContain('suites/fast/a/one.test.ts')
  expect(exitCode).toBe(0)
})
