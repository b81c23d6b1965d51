import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test, vi } from 'vitest'
import { startTiershard, tiershard, type Finished } from '../../support/cli/binary.ts'
import { appeared, FAILS, HANGS, IMPORTS, PASSES, project } from '../../support/cli/project.ts'
import { inProcess, runsOf } from '../../support/cli/runs.ts'

// Several real runs, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 })

interface Account {
  readonly verdict: string
  readonly exitCode: number
  readonly counts: object
  readonly tiers: readonly { readonly suites: readonly { readonly suite: string; readonly files: number }[] }[]
  readonly failures: readonly { readonly file: string; readonly test: string }[]
}

function accountOf(folder: string): object {
  const text = readFileSync(path.join(folder, 'summary.json'), 'utf8')
  const { verdict, exitCode, counts, tiers, failures } = JSON.parse(text) as Account
  const suites = tiers.flatMap((tier) => tier.suites.map(({ suite, files }) => [suite, files]))
  return { verdict, exitCode, counts, suites, failures: failures.map(({ file, test: name }) => [file, name]) }
}

/** One node of n: its reports are its own. */
function node(cwd: string, index: number, of: number): Promise<Finished> {
  return tiershard(cwd, ['run', '--slice', `${index}/${of}`, '--reports', `nodes/${index}`, '--shards', '1'])
}

test('three nodes, each in a process of its own, have the account of one run of everything', async () => {
  const a = 'suites/fast/a'
  const cwd = project({
    [`${a}/1.test.ts`]: PASSES,
    [`${a}/2.test.ts`]: `${IMPORTS}test('one', () => expect(1).toBe(1))\ntest.skip('two', () => {})\n`,
    [`${a}/3.test.ts`]: FAILS,
    [`${a}/4.test.ts`]: PASSES,
    [`${a}/5.test.ts`]: IMPORTS,
  })
  const nodes = [1, 2, 3].map((index) => node(cwd, index, 3))
  const ends = await Promise.all(nodes)
  expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 1, 1])
  expect(ends[1]!.stdout).toMatch(/^slice 2\/3 of 5 files, plan [0-9a-f]{12}, history [0-9a-f]{12}$/m)
  expect((await tiershard(cwd, ['run', '--reports', 'whole', '--shards', '2'])).exitCode).toBe(1)

  const report = await inProcess(cwd, ['report', '-o', 'all', 'nodes/1', 'nodes/2', 'nodes/3'])
  expect(report.exitCode).toBe(1)
  expect(accountOf(path.join(cwd, 'all'))).toEqual(accountOf(path.join(cwd, 'whole/latest')))

  // What the report has added to the history is what the nodes' own histories hold together.
  const histories = [1, 2, 3].map((index) => `nodes/${index}/history.json`)
  expect((await inProcess(cwd, ['history', 'merge', '-o', 'a.json', ...histories])).exitCode).toBe(0)
  expect((await inProcess(cwd, ['history', 'merge', '-o', 'b.json', 'reports/history.json'])).exitCode).toBe(0)
  expect(readFileSync(path.join(cwd, 'a.json'), 'utf8')).toBe(readFileSync(path.join(cwd, 'b.json'), 'utf8'))
})

test('a node that was killed makes the matrix incomplete, until its slice has been resumed; an empty one does not', async () => {
  const hanging = 'suites/fast/a/2.test.ts'
  const cwd = project({ 'suites/fast/a/1.test.ts': PASSES, [hanging]: HANGS })
  const killed = startTiershard(cwd, ['run', '--slice', '2/3', '--reports', 'nodes/2'])
  const others = Promise.all([node(cwd, 1, 3), node(cwd, 3, 3)])
  await appeared(path.join(cwd, 'hanging'))
  killed.child.kill('SIGKILL')
  await killed.finished
  const [first, empty] = await others
  expect(first.exitCode).toBe(0)
  expect(empty).toMatchObject({ exitCode: 0, stderr: '' })
  expect(empty.stdout).toContain('tier fast, no file in slice 3/3 of 2 files: nothing to run')

  const all = ['report', '-o', 'all', 'nodes/1', 'nodes/2', 'nodes/3']
  const lost = await inProcess(cwd, all)
  expect(lost.exitCode).toBe(5)
  expect(lost.stdout).toContain('slice 2/3: this run was killed: its journal has no end')
  expect(lost.stdout).toContain(`${hanging}: `)

  writeFileSync(path.join(cwd, hanging), `${IMPORTS}test('hangs', () => expect(1).toBe(1))\n`)
  writeFileSync(path.join(cwd, 'suites/fast/a/3.test.ts'), PASSES)
  const [run] = runsOf(cwd, 'nodes/2')
  const again = ['run', '--resume', run!, '--reports', 'nodes/2']
  expect((await tiershard(cwd, [...again, '--slice', '2/3'])).exitCode).toBe(2)
  const resumed = await tiershard(cwd, again)
  expect(resumed.exitCode).toBe(0)
  expect(resumed.stdout).toMatch(/^slice 2\/3 of 2 files, plan/m)
  expect(resumed.stdout).toContain('the plan is not the one of which slice 2/3 was cut: other files or suites')
  expect(resumed.stdout).toContain('1 test in 1 file')
  const good = await inProcess(cwd, all)
  expect(good.exitCode).toBe(0)
  expect(good.stdout).toContain('passed: 2 tests in 2 files')
})
