/**
 * `node bench/merge.ts`: `tiershard merge` beside others, on 100 reports of 10,000 cases and on one of 1 GB; then its
 * reader alone beside saxes. The others are npm's junit-report-merger and junit-merge, installed into a temporary folder,
 * and Debian's junitparser (python3-junitparser) when it is installed. Prints figures and judges nothing.
 *
 *   node bench/merge.ts [--cases 10000] [--only many|huge|reader]
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { SaxesParser } from 'saxes'
import { XmlReader } from '../src/reports/merge/xml.ts'
import { writeReport } from '../suites/support/junit/generate.ts'
import { megabytes, seconds } from './table.ts'

const root = path.join(import.meta.dirname, '..')
const { values } = parseArgs({ options: { cases: { type: 'string', default: '10000' }, only: { type: 'string' } } })
const cases = Number(values.cases)
const HUGE_CASES = 600 * cases
/** Longest time for one of them, s. */
const LIMIT_S = 120
/** Prints CPU time and peak memory of a command as its last line on stderr: `user system kilobytes`. */
const TIME = '/usr/bin/time'

const folder = mkdtempSync(path.join(tmpdir(), 'tiershard-merge-bench-'))
try {
  execFileSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], { cwd: root })
  say(`node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim() ?? 'cpu'}`)
  if (values.only === undefined || values.only === 'reader') readers()
  if (values.only !== 'reader') {
    execFileSync('npm', ['init', '-y'], { cwd: folder, stdio: 'ignore' })
    const peers = ['junit-report-merger@9.0.4', 'junit-merge@2.0.0']
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', ...peers], { cwd: folder, stdio: 'ignore' })
  }
  if (values.only === undefined || values.only === 'many') {
    mkdirSync(path.join(folder, 'many'))
    const files = Array.from({ length: 100 }, (_, n) => path.join(folder, 'many', `r${n}.xml`))
    for (const [n, file] of files.entries()) writeReport(file, n, cases)
    await compare(`100 files x ${cases} cases`, files, 100 * cases)
  }
  if (values.only === undefined || values.only === 'huge') {
    const file = path.join(folder, 'huge.xml')
    writeReport(file, 1, HUGE_CASES)
    await compare(`one file of ${HUGE_CASES} cases`, [file], HUGE_CASES)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Prints a table: who, CPU, memory, and how many cases are in what they wrote. */
async function compare(what: string, files: readonly string[], expected: number): Promise<void> {
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
  say(`\n${what}, ${megabytes(bytes)}\n\n| who | CPU | ratio | memory | cases |\n| --- | --- | --- | --- | --- |`)
  const out = path.join(folder, 'out.xml')
  const bin = (name: string): string => path.join(folder, 'node_modules/.bin', name)
  const ways: readonly (readonly [name: string, command: readonly string[]])[] = [
    ['tiershard merge', [process.execPath, path.join(root, 'dist/cli/main.js'), 'merge', ...files, '-o', out]],
    ['junit-report-merger', [bin('jrm'), out, ...files]],
    ['junit-merge', [bin('junit-merge'), '-o', out, ...files]],
    ...(hasJUnitParser()
      ? [['junitparser', ['/usr/bin/python3', '-m', 'junitparser', 'merge', ...files, out]] as const]
      : []),
  ]
  let ours = 0
  for (const [name, command] of ways) {
    rmSync(out, { force: true })
    const { cpuMs, bytes, code } = await measured(command)
    ours ||= cpuMs
    const found =
      code === 0 ? `${casesIn(out)} of ${expected}` : code === 124 ? `none in ${LIMIT_S} s` : `none: ended with ${code}`
    say(`| ${name} | ${seconds(cpuMs)} | ${(cpuMs / ours).toFixed(1)}x | ${megabytes(bytes)} | ${found} |`)
  }
}

function hasJUnitParser(): boolean {
  return spawnSync('/usr/bin/python3', ['-c', 'import junitparser'], { stdio: 'ignore' }).status === 0
}

async function measured(command: readonly string[]): Promise<{ cpuMs: number; bytes: number; code: number | null }> {
  const child = spawn(TIME, ['-f', '%U %S %M', 'timeout', String(LIMIT_S), ...command], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [errors, [code]] = (await Promise.all([text(child.stderr), once(child, 'close')])) as [string, [number | null]]
  const [user = 0, system = 0, kilobytes = 0] = (errors.trim().split('\n').at(-1) ?? '').split(' ').map(Number)
  return { cpuMs: (user + system) * 1000, bytes: kilobytes * 1024, code }
}

/** By reading what was written in pieces: some write a gigabyte. */
function casesIn(file: string): number {
  if (!existsSync(file)) return 0
  return Number(execFileSync('sh', ['-c', 'grep -o "<testcase" "$1" | wc -l', 'sh', file], { encoding: 'utf8' }))
}

/** Both parse the same text in pieces of the same length, with handlers that only count. */
function readers(): void {
  const file = path.join(folder, 'reader.xml')
  writeReport(file, 1, 20 * cases)
  const whole = readFileSync(file, 'utf8')
  const pieces = Array.from({ length: Math.ceil(whole.length / 32_768) }, (_, n) =>
    whole.slice(n * 32_768, (n + 1) * 32_768),
  )
  say(`\nReading alone, ${megabytes(whole.length)} of text\n\n| who | MB per CPU second |\n| --- | --- |`)
  const ways = {
    'our reader': () => {
      let count = 0
      const nothing = (): void => {}
      const reader = new XmlReader({
        endsBefore: () => 0,
        open: () => count++,
        text: nothing,
        close: nothing,
        damage: nothing,
      })
      for (const piece of pieces) reader.write(piece)
      reader.end()
      return count
    },
    saxes: () => {
      let count = 0
      const parser = new SaxesParser({ xmlns: false })
      parser.on('opentag', () => count++)
      parser.on('text', () => {})
      for (const piece of pieces) parser.write(piece)
      parser.close()
      return count
    },
  }
  for (const [name, read] of Object.entries(ways)) {
    read() // warms up
    const before = process.cpuUsage()
    const count = read()
    const { user, system } = process.cpuUsage(before)
    say(`| ${name} | ${Math.round(whole.length / (user + system))} (${count} elements) |`)
  }
}

function say(line: string): void {
  console.log(line)
}
