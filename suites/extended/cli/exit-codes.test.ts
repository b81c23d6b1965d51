import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { startTiershard, tiershard, vitestProject } from '../../support/cli/binary.ts'
import { appeared, FAILS, HANGS, IMPORTS, PASSES, project, summary } from '../../support/cli/project.ts'
import { journalLines } from '../../support/cli/runs.ts'

/** docs/exit-codes.md, code by code and where several apply, with the real command. */

const reached = new Set<number>()

/** Fails its first test, says so, and goes on until it is ended. */
const FAILS_AND_HANGS = HANGS.replace("test('hangs'", `test('fails', () => expect(1).toBe(2))\ntest('hangs'`)

function check(exitCode: number | null, code: number): void {
  expect(exitCode).toBe(code)
  reached.add(code)
}

/** A run that is ended from outside once its last test hangs, and its first one has failed or passed. */
async function ended(
  first: string,
  signal: NodeJS.Signals,
): Promise<{ readonly cwd: string; readonly exitCode: number | null }> {
  const cwd = project({ 'suites/fast/a/one.test.ts': first, 'suites/fast/a/two.test.ts': HANGS })
  const started = startTiershard(cwd, ['run', '--shards', '2'])
  await started.saw('one.test.ts')
  await appeared(path.join(cwd, 'hanging'))
  started.child.kill(signal)
  return { cwd, exitCode: (await started.finished).exitCode }
}

test('0: all passed', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': PASSES })
  check((await tiershard(cwd, ['run'])).exitCode, 0)
})

test.for([
  ['a failed test', FAILS],
  ['a file that holds no test', 'export {}\n'],
  ['a process that ends itself', `${IMPORTS}test('dies', () => process.kill(process.pid, 'SIGKILL'))\n`],
])('1: %s', async ([, text]) => {
  const cwd = project({ 'suites/fast/a/one.test.ts': text!, 'suites/fast/a/two.test.ts': PASSES })
  check((await tiershard(cwd, ['run'])).exitCode, 1)
  expect(summary(cwd)).toMatchObject({ exitCode: 1, verdict: 'failed' })
})

test('2: nothing to run', async () => {
  check((await tiershard(vitestProject({}), ['run', '--tier', 'fast'])).exitCode, 2)
})

test('3: no Redis where one was asked for', async () => {
  const cwd = vitestProject({ 'suites/fast/a/one.test.ts': PASSES })
  check((await tiershard(cwd, ['run', '--redis', 'redis://127.0.0.1:1'])).exitCode, 3)
})

test('4: the deadline, before a failed test', async () => {
  const cwd = project({ 'suites/fast/a/one.test.ts': FAILS_AND_HANGS })
  const hasFailed = (): boolean =>
    journalLines(path.join(cwd, 'reports/latest')).some((line) => line.includes('"outcome":"failed"'))
  // Long enough for vitest to start and the test to fail: how long that takes is the machine's business.
  for (const deadline of ['6s', '20s', '60s']) {
    check((await tiershard(cwd, ['run', '--deadline', deadline])).exitCode, 4)
    if (hasFailed()) break
  }
  expect(hasFailed()).toBe(true)
  expect(summary(cwd)).toMatchObject({ exitCode: 4, verdict: 'deadline' })
})

test('5: a killed run, as `report` tells; its failed test comes first: 1', async () => {
  const good = await ended(PASSES, 'SIGKILL')
  expect(good.exitCode).toBe(null)
  check((await tiershard(good.cwd, ['report'])).exitCode, 5)
  expect(summary(good.cwd)).toMatchObject({ exitCode: 5, verdict: 'incomplete' })
  const bad = await ended(FAILS, 'SIGKILL')
  expect((await tiershard(bad.cwd, ['report'])).exitCode).toBe(1)
  expect(readFileSync(path.join(bad.cwd, 'reports/latest/junit.xml'), 'utf8')).toContain('incomplete:killed')
})

test.for([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 143],
] as const)('%s: %i, before a failed test', async ([signal, code]) => {
  const { cwd, exitCode } = await ended(FAILS, signal)
  check(exitCode, code)
  expect(summary(cwd)).toMatchObject({ exitCode: code, verdict: 'interrupted', counts: { failed: 1 } })
  expect((await tiershard(cwd, ['report'])).exitCode).toBe(code)
})

test('every code of the documented table has been reached', () => {
  const docs = readFileSync(path.resolve(import.meta.dirname, '../../../docs/exit-codes.md'), 'utf8')
  const table = docs.split('\n## ')[0]!
  const codes = [...table.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]))
  expect(codes).toHaveLength(8)
  expect(reached).toEqual(new Set(codes))
})
