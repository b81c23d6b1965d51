import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { startTiershard } from '../../support/cli/binary.ts'
import { appeared, HANGS, PASSES, pidIn, project, summary } from '../../support/cli/project.ts'
import { isAlive } from '../../support/processes/alive.ts'

test.for([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 143],
] as const)('%s once: the reports say what is known, exit %i', async ([signal, code]) => {
  const cwd = project({ 'suites/fast/a/one.test.ts': PASSES, 'suites/fast/a/two.test.ts': HANGS })
  const started = startTiershard(cwd, ['run', '--shards', '2'])
  await started.saw('one.test.ts')
  await appeared(path.join(cwd, 'hanging'))
  started.child.kill(signal)
  const { exitCode } = await started.finished
  expect(exitCode).toBe(code)
  expect(summary(cwd)).toMatchObject({ verdict: 'interrupted', exitCode: code })
  const junit = readFileSync(path.join(cwd, 'reports/latest/junit.xml'), 'utf8')
  expect(junit).toContain('one.test.ts')
  expect(junit).toContain('two.test.ts')
  expect(isAlive(pidIn(cwd))).toBe(false)
})

test('a second signal ends at once: no reports, but the journal, and no process is left', async () => {
  const cwd = project({ 'suites/fast/a/two.test.ts': HANGS })
  const started = startTiershard(cwd, ['run'])
  await appeared(path.join(cwd, 'hanging'))
  started.child.kill('SIGINT')
  started.child.kill('SIGTERM')
  const { exitCode } = await started.finished
  // Which of two signals sent together arrives first is not defined.
  expect([130, 143]).toContain(exitCode)
  const files = readdirSync(path.join(cwd, 'reports/latest'))
  expect(files).toEqual(['journal.ndjson'])
  expect(readFileSync(path.join(cwd, 'reports/latest/journal.ndjson'), 'utf8')).toContain('"file-started"')
  await expect.poll(() => isAlive(pidIn(cwd))).toBe(false)
})

test('a signal while the config of vitest loads without end: nothing waits for it, no process is left', async () => {
  const cwd = project({
    'suites/fast/a/one.test.ts': PASSES,
    'vitest.config.js': `import { writeFileSync } from 'node:fs'
writeFileSync(new URL('hanging', import.meta.url), String(process.pid))
await new Promise(() => setInterval(() => {}, 1000))\n`,
  })
  const started = startTiershard(cwd, ['run'])
  await appeared(path.join(cwd, 'hanging'))
  started.child.kill('SIGTERM')
  const { exitCode, stdout, stderr } = await started.finished
  expect(stderr).toContain('SIGTERM: ending')
  expect({ exitCode, stdout }).toEqual({ exitCode: 143, stdout: '' })
  await expect.poll(() => isAlive(pidIn(cwd)), { timeout: 20_000 }).toBe(false)
})

test('killed hard, it leaves no process and no temporary folder', async () => {
  const cwd = project({ 'suites/fast/a/two.test.ts': HANGS })
  const temporary = path.join(cwd, 'it is "temporary"')
  mkdirSync(temporary)
  const ours = (): string[] => readdirSync(temporary).filter((name) => name.startsWith('tiershard-'))
  const started = startTiershard(cwd, ['run'], { TMPDIR: temporary })
  await appeared(path.join(cwd, 'hanging'))
  expect(ours()).toHaveLength(1)
  started.child.kill('SIGKILL')
  await started.finished
  await expect.poll(() => isAlive(pidIn(cwd)) || ours().length > 0, { timeout: 20_000 }).toBe(false)
})

test('a reader that goes away does not stop the run', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': PASSES })
  const started = startTiershard(cwd, ['run'])
  started.child.stdout!.destroy()
  const { exitCode, stderr } = await started.finished
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(summary(cwd)).toMatchObject({ verdict: 'passed' })
})
