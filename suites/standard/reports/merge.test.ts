import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { MergeResult } from '../../../src/reports/merge/merge.ts'
import { tiershard as program } from '../../../src/cli/program.ts'
import { tiershard } from '../../support/cli/binary.ts'
import { fakeIo } from '../../support/cli/io.ts'
import { merging, scratch } from '../../support/junit/merging.ts'
import { readJUnit } from '../../support/reports/junit-reader.ts'

const GOOD = '<testsuite name="s" tests="1"><testcase name="a"/></testsuite>'
const FAILED = '<testsuite name="t" tests="1" failures="1"><testcase name="b"><failure/></testcase></testsuite>'
const CUT = '<testsuite name="u"><testcase name="c"/>'

function folder(files: Readonly<Record<string, string>>): string {
  const root = scratch()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    writeFileSync(path.join(root, name), text)
  }
  return root
}

/** Runs the command in this process. */
async function merge(cwd: string, line: string, stdin: readonly Buffer[] = []) {
  const { io, stdout, stderr } = fakeIo(['merge', ...line.split(' ')], cwd, stdin)
  return { code: await program(io), stdout: stdout(), stderr: stderr() }
}

function casesIn(file: string): string[] {
  return readJUnit([readFileSync(file, 'utf8')]).suites.flatMap((suite) =>
    suite.cases.map(({ attributes }) => attributes['name']!),
  )
}

test('Ctrl-C while stdin is still open: exit 130, and nothing is left behind', async () => {
  const cwd = folder({ 'x.xml': GOOD })
  const main = path.resolve(import.meta.dirname, '../../../src/cli/main.ts')
  const child = spawn(process.execPath, [main, 'merge', '-o', 'out.xml', 'x.xml', '-'], { cwd })
  const ended = once(child, 'close')
  const said = text(child.stderr)
  onTestFinished(() => void child.kill('SIGKILL'))
  await vi.waitUntil(() => readdirSync(cwd).length === 2, { timeout: 30_000 })
  child.kill('SIGINT')
  expect(await ended).toEqual([130, null])
  expect(await said).toBe('SIGINT: nothing was written\n')
  expect(readdirSync(cwd)).toEqual(['x.xml'])
})

test('the real command: stdin, a file and a pattern; verdicts are no error', async () => {
  const cwd = folder({ 'x.xml': FAILED, 'd/y.xml': GOOD })
  const { exitCode, stderr, stdout } = await tiershard(cwd, ['merge', '-o', 'out.xml', 'x.xml', 'd/*.xml', '-'])
  // The command's stdin is empty here: that is a damaged report.
  expect(stderr).toContain('partial: stdin:1: there is no element in it')
  expect(stderr).toContain('3 reports (1 partial): 3 tests, 1 passed, 1 failed, 1 errors, 0 skipped -> out.xml')
  expect([exitCode, stdout]).toEqual([5, ''])
  expect(casesIn(path.join(cwd, 'out.xml'))).toEqual(['b', 'a', '(partial report)'])
})

describe('exit codes', () => {
  const cwd = (): string => folder({ 'good.xml': GOOD, 'failed.xml': FAILED, 'cut.xml': CUT })

  test.for([
    ['good.xml failed.xml -o out.xml', 0, ''],
    ['good.xml cut.xml -o out.xml', 5, 'partial: cut.xml:1: the file ends inside of <testsuite>'],
    ['good.xml cut.xml -o out.xml --allow-partial', 0, 'partial: cut.xml:1'],
    ['good.xml nope.xml -o out.xml', 5, 'missing: nope.xml: there is no such file'],
    ['no*.xml -o out.xml', 5, 'missing: no*.xml: no file matches'],
    ['good.xml', 2, '--output FILE'],
    ['good.xml -o nowhere/out.xml', 2, 'There is no folder'],
    ['good.xml -o .', 2, 'is no file'],
  ] as const)('`merge %s`: %i', async ([line, code, text]) => {
    const root = cwd()
    const found = await merge(root, line)
    expect(found.stderr).toContain(text)
    expect(found.code).toBe(code)
    expect(readdirSync(root).filter((name) => name.includes('.tmp'))).toEqual([])
  })
})

test('a folder: every .xml in it, but for what is no JUnit and for what a merge has left there', async () => {
  const cwd = folder({
    'r/a.xml': GOOD,
    'r/deep/b.XML': FAILED,
    'r/coverage.xml': '<coverage><line/>x</coverage>',
    'r/c.txt': 'x',
  })
  const first = await merge(cwd, 'r -o r/merged.xml')
  expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining('note: r/coverage.xml: left alone') })
  expect(await merge(cwd, 'r -o r/merged.xml')).toEqual(first)
  expect(casesIn(path.join(cwd, 'r/merged.xml'))).toEqual(['a', 'b'])
  expect((await merge(cwd, 'r/coverage.xml -o out.xml')).code).toBe(5)
})

test('a file is read once, however often it is named', async () => {
  const cwd = folder({ 'r/a.xml': GOOD })
  symlinkSync('a.xml', path.join(cwd, 'r/b.xml'))
  await merge(cwd, 'r/a.xml r r/*.xml ./r/a.xml -o out.xml')
  expect(casesIn(path.join(cwd, 'out.xml'))).toEqual(['a'])
})

test('--json says what was found in each input', async () => {
  const cwd = folder({ 'cut.xml': CUT })
  const { stdout, code } = await merge(cwd, '- cut.xml -o out.xml --json', [Buffer.from(GOOD)])
  const found = JSON.parse(stdout) as MergeResult & { exitCode: number }
  expect(found).toMatchObject({ version: 1, exitCode: code, totals: { tests: 3, errors: 1 } })
  expect(found.inputs.map((input) => [input.path, input.state, input.totals.tests])).toEqual([
    ['stdin', 'whole', 1],
    ['cut.xml', 'partial', 1],
  ])
})

test('a report that cannot be written: exit 3, and the one before stays', async () => {
  const cwd = folder({ 'good.xml': GOOD, 'out.xml': 'before' })
  mkdirSync(path.join(cwd, `out.xml.${process.pid}.tmp`))
  const { code, stderr } = await merge(cwd, 'good.xml -o out.xml')
  expect([code, stderr]).toEqual([3, expect.stringContaining('cannot be written')])
  expect(readFileSync(path.join(cwd, 'out.xml'), 'utf8')).toBe('before')
})

test('--split-size: no file is larger, every case is there once, totals and names are right', async () => {
  const cases = Array.from(
    { length: 2000 },
    (_, n) => `<testcase name="case ${n}"><system-out>${'ö'.repeat(n % 500)}</system-out></testcase>`,
  )
  const inputs = { one: `<testsuite name="s">${cases.join('')}</testsuite>`, two: GOOD, three: GOOD }
  const { result, reports } = await merging(inputs, { split: 50_000 })
  expect(result.output.length).toBeGreaterThan(10)
  expect(result.oversized).toBe(0)
  for (const report of reports) expect(report.suites.length).toBeGreaterThan(0)
  const names = reports.flatMap(({ suites }) =>
    suites.flatMap(({ cases }) => cases.map(({ attributes }) => `${attributes['classname']} ${attributes['name']}`)),
  )
  expect(names.length).toBe(2002)
  expect(new Set(names).size).toBe(2002)
  const suites = reports.flatMap((report) => report.suites.map(({ attributes }) => attributes['name']))
  expect(new Set(suites).size).toBe(suites.length)
})

test('--split-size writes FILE-2, FILE-3..., and says when one case alone is too large', async () => {
  const big = '<testcase name="big"><system-out>' + 'x'.repeat(30_000) + '</system-out></testcase>'
  const cwd = folder({ 'a.xml': `<testsuite name="s"><testcase name="a"/>${big}<testcase name="z"/></testsuite>` })
  const { stderr, code } = await merge(cwd, 'a.xml -o out.xml --split-size 10KB')
  expect(code).toBe(0)
  expect(stderr).toContain('note: 1 of the files')
  expect(['out.xml', 'out-2.xml', 'out-3.xml'].map((file) => casesIn(path.join(cwd, file)))).toEqual([
    ['a'],
    ['big'],
    ['z'],
  ])
  expect(statSync(path.join(cwd, 'out.xml')).size).toBeLessThan(10_000)
})
