import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { tiershard } from '../../support/cli/binary.ts'
import { IMPORTS, PASSES, project } from '../../support/cli/project.ts'
import { inProcess, journalLines, runsOf } from '../../support/cli/runs.ts'
import { readJUnit } from '../../support/reports/junit-reader.ts'

/** Fails as long as there is a file `broken` in the project. */
const MAY_FAIL = `${IMPORTS}import { existsSync } from 'node:fs'
test('steady', () => expect(1).toBe(1))
test('may fail', () => expect(existsSync(new URL('../../../broken', import.meta.url))).toBe(false))\n`

function config(suites: Readonly<Record<string, { tier: string; files: string | readonly string[] }>>): string {
  const all = Object.entries(suites).map(([name, suite]) => [name, { ...suite, isolation: 'none' }])
  return `export default { suites: ${JSON.stringify(Object.fromEntries(all))} }\n`
}

/** The files that a run started, by its journal. */
function started(folder: string): string[] {
  return journalLines(folder)
    .filter((line) => line.includes('"type":"file-started"'))
    .map((line) => path.basename((JSON.parse(line) as { file: string }).file))
    .toSorted()
}

test('--rerun-failed: what failed, is new or moved; what changed is named; the account is that of both runs', async () => {
  const a = 'suites/fast/a'
  const cwd = project({
    'tiershard.config.js': config({
      main: { tier: 'fast', files: [`${a}/{good,bad,gone,new}.test.ts`] },
      rest: { tier: 'fast', files: `${a}/*.test.ts` },
    }),
    [`${a}/good.test.ts`]: PASSES,
    [`${a}/gone.test.ts`]: PASSES,
    [`${a}/moves.test.ts`]: PASSES,
    [`${a}/bad.test.ts`]: MAY_FAIL,
    broken: '',
  })
  expect((await tiershard(cwd, ['run', '--shards', '2'])).exitCode).toBe(1)

  rmSync(path.join(cwd, 'broken'))
  rmSync(path.join(cwd, a, 'gone.test.ts'))
  writeFileSync(path.join(cwd, a, 'new.test.ts'), PASSES)
  const moved = config({ main: { tier: 'fast', files: `${a}/*.test.ts` } })
  writeFileSync(path.join(cwd, 'tiershard.config.js'), moved)
  const { exitCode, stdout, stderr } = await tiershard(cwd, ['run', '--rerun-failed'])
  const [first, second] = runsOf(cwd) as [string, string]
  expect({ exitCode, stderr }).toEqual({
    exitCode: 0,
    stderr: `continues the run ${first}: 3 to run, 1 passed before and stays so\n`,
  })
  expect(stdout).toContain(
    `tier fast: 1 file gone since then: what is known of them stays as it was: ${a}/gone.test.ts`,
  )
  expect(stdout).toContain(`tier fast: 1 file new since then: ${a}/new.test.ts`)
  expect(stdout).toContain(
    `tier fast: 1 file in another suite since then: they run again: ${a}/moves.test.ts (rest to main)`,
  )
  expect(stdout).toContain('passed: 6 tests in 5 files')

  const folder = path.join(cwd, 'reports', second)
  expect(started(folder)).toEqual(['bad.test.ts', 'moves.test.ts', 'new.test.ts'])
  const junit = readFileSync(path.join(folder, 'junit.xml'), 'utf8')
  const { suites } = readJUnit([junit])
  expect(
    Object.fromEntries(
      suites.map(({ attributes, properties }) => [path.basename(attributes['name']!), properties['attempts']]),
    ),
  ).toEqual({ 'good.test.ts': '1', 'gone.test.ts': '1', 'moves.test.ts': '2', 'bad.test.ts': '2', 'new.test.ts': '1' })
  const summary = JSON.parse(readFileSync(path.join(folder, 'summary.json'), 'utf8')) as object
  expect(summary).toMatchObject({ run: { run: second, continues: first }, flaky: [], counts: { passed: 6 } })

  expect((await inProcess(cwd, ['report'])).exitCode).toBe(0)
  expect(readFileSync(path.join(folder, 'junit.xml'), 'utf8')).toBe(junit)
})

test('a run can be continued in parts and in turn; it is green when nothing is left', async () => {
  const cwd = project({
    'tiershard.config.js': config({
      fast: { tier: 'fast', files: 'suites/fast/**/*.test.ts' },
      late: { tier: 'standard', files: 'suites/standard/**/*.test.ts' },
    }),
    'suites/fast/a/bad.test.ts': MAY_FAIL,
    'suites/standard/a/bad.test.ts': MAY_FAIL,
    'suites/standard/b/good.test.ts': PASSES,
    broken: '',
  })
  expect((await tiershard(cwd, ['run', '--tier', 'fast,standard'])).exitCode).toBe(1)
  rmSync(path.join(cwd, 'broken'))
  const part = await tiershard(cwd, ['run', '--rerun-failed', '--tier', 'fast'])
  expect(part.exitCode).toBe(1)
  expect(part.stdout).toContain('failed: 1 of 5 tests in 1 of 3 files')
  const rest = await tiershard(cwd, ['run', '--rerun-failed'])
  expect(rest.exitCode).toBe(0)
  expect(rest.stdout).toContain('passed: 5 tests in 3 files')
  const last = runsOf(cwd).at(-1)!
  expect(started(path.join(cwd, 'reports', last))).toEqual(['bad.test.ts'])
  const nothing = await tiershard(cwd, ['run', '--resume', last])
  expect(nothing.exitCode).toBe(0)
  expect(nothing.stderr).toContain('nothing is left to run')
  expect(nothing.stdout).toContain('passed: 5 tests in 3 files')
})
