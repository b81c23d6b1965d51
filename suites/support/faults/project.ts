import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { foldAll, type RunRecord } from '../../../src/core/record.ts'
import { fileEnding, testVerdicts } from '../../../src/core/verdict.ts'
import { readJournal } from '../../../src/reports/journal.ts'
import { until, type Version } from '../engines/rig.ts'
import { outsideEnvironment } from '../processes/environment.ts'
import { client } from '../redis/servers.ts'

const checkout = path.resolve(import.meta.dirname, '../../..')

/** The command line of tiershard, from its sources. */
export const MAIN = path.join(checkout, 'src/cli/main.ts')

/** Ends and removes what a test has made, last first, when the test is over. */
export type Cleanup = (work: () => void | Promise<void>) => void

/** @param files their text by name; null: the project of suites/support/projects/faults */
export function makeProject(
  version: Version,
  files: Readonly<Record<string, string>> | null,
  cleanup: Cleanup,
): string {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'tiershard-faults-')))
  cleanup(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }))
  if (files === null) cpSync(path.join(checkout, 'suites/support/projects/faults'), root, { recursive: true })
  for (const [name, text] of Object.entries(files ?? {})) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    writeFileSync(path.join(root, name), text)
  }
  mkdirSync(path.join(root, 'node_modules'))
  symlinkSync(version.folder, path.join(root, 'node_modules/vitest'))
  symlinkSync(path.join(checkout, 'node_modules/ioredis'), path.join(root, 'node_modules/ioredis'))
  return root
}

const BLOCKS = `while (!existsSync('block')) await new Promise((resolve) => setTimeout(resolve, 20))
  writeFileSync('blocked', '')`

/**
 * Files that are finished, running and waiting when something happens: unknown files start with the largest.
 * One of the running ones is blocked and has started a daemon: neither notices that anybody is gone.
 *
 * @param patience how long the run waits for its server, as the config writes it
 */
export function threeStates(patience = '10s'): Record<string, string> {
  const waitOn = {
    a: 'await new Promise((resolve) => setTimeout(resolve, 20))',
    b: 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)',
  }
  const daemon = `spawn('sh', ['-c', 'setsid sh -c "trap : TERM; while :; do sleep 1; done" </dev/null >/dev/null 2>&1 &'])`
  const runs = (name: 'a' | 'b'): string => `import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { test } from 'vitest'
test('first', () => {})
test('runs', { timeout: 600_000 }, async ({ annotate }) => {
  // vitest sends results in batches; an annotation sends at once what there is.
  await annotate('begun')
  ${name === 'b' ? daemon : ''}
  writeFileSync('running-${name}', String(process.pid))
  ${name === 'b' ? BLOCKS : ''}
  while (!existsSync('gate')) ${waitOn[name]}
})
test('third', () => {})
`
  const waits = `import { test } from 'vitest'\ntest('first', () => {})\n`
  const sized = (text: string, size: number): string => `${text}//${' '.repeat(size - text.length)}\n`
  return {
    'package.json': '{ "type": "module" }',
    'tiershard.config.js': `export default {
      tiers: { standard: { shards: 2 } },
      suites: { all: { tier: 'standard', files: 'tests/**/*.test.ts' } },
      redis: { patience: '${patience}' },
    }`,
    'vitest.config.js': `export default { test: { include: ['tests/**/*.test.ts'] } }`,
    'tests/done.test.ts': sized(waits, 4000),
    'tests/a.test.ts': sized(runs('a'), 3000),
    'tests/b.test.ts': sized(runs('b'), 2000),
    'tests/c.test.ts': waits,
    'tests/d.test.ts': waits,
  }
}

export interface FaultRun {
  readonly child: ChildProcess
  /** The exit code; null: a signal ended it. */
  readonly exit: Promise<number | null>
  /** What it printed so far. */
  output(): string
}

/** Starts a command of the test, such as tiershard's own, in a group of its own. */
export function start(command: string, args: readonly string[], cwd: string, cleanup: Cleanup): FaultRun {
  const child = spawn(command, args, {
    cwd,
    env: outsideEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  cleanup(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const exit = once(child, 'close').then(([code]) => code as number | null)
  return { child, exit, output: () => output }
}

export function startRun(root: string, url: string, cleanup: Cleanup): FaultRun {
  return start(process.execPath, [MAIN, 'run', '--redis', url], root, cleanup)
}

/** Waits until one file is finished, two are running and two wait; returns the run's id. */
export async function inTheMiddle(root: string, run?: FaultRun): Promise<string> {
  const ready = (): boolean => {
    if (run?.child.exitCode != null) throw new Error(`the run has ended: ${run.output()}`)
    return ['running-a', 'running-b'].every((name) => existsSync(path.join(root, name)))
  }
  await until('two files running', ready, 120_000)
  // Only then may one of them block its process, which could report nothing more.
  await until('their first tests reported', () => testCount(root) >= 3)
  writeFileSync(path.join(root, 'block'), '')
  await until('one of them blocked', () => existsSync(path.join(root, 'blocked')))
  return runId(root)
}

function testCount(root: string): number {
  return readFileSync(journalOf(root), 'utf8').split('"type":"test-ended"').length - 1
}

export function runId(root: string): string {
  return readdirSync(path.join(root, 'reports'), { withFileTypes: true }).find((entry) => entry.isDirectory())!.name
}

function journalOf(root: string): string {
  return path.join(root, 'reports', runId(root), 'journal.ndjson')
}

/** What the journal says. */
export function recordOf(root: string): RunRecord {
  return foldAll(readJournal(journalOf(root)).events)
}

/** How every planned file ended, and what became of each test that is known, by the file's name. */
export function account(record: RunRecord): Record<string, { ending: string; tests: Record<string, string> }> {
  const files = [...record.tiers.values()].flatMap((tier) => [...tier.files.values()])
  return Object.fromEntries(
    files.map((file) => [
      path.basename(file.plan.path, '.test.ts'),
      {
        ending: fileEnding(file).kind,
        tests: Object.fromEntries(testVerdicts(file).map(({ name, outcome }) => [name, outcome])),
      },
    ]),
  )
}

/** The code that the summary of a run says; for a run whose exit code nobody could see. */
export function summaryExitCode(root: string): number {
  const file = path.join(root, 'reports', runId(root), 'summary.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { exitCode: number }).exitCode
}

/** Living processes of a run, and with `host` only its vitest hosts. Linux only. */
export function processesOf(run: string, host = false): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || !read(`/proc/${entry}/environ`).includes(run)) return []
    if (/^\d+ \(.*\) [ZX]/s.test(read(`/proc/${entry}/stat`))) return []
    return !host || read(`/proc/${entry}/cmdline`).includes('/host.ts') ? [pid] : []
  })
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Resolves when no process of the run is left: within 5 s, and more on a machine that is very busy. */
export async function nothingLeft(run: string): Promise<void> {
  await until(`no process of ${run} left`, () => processesOf(run).length === 0)
}

/** How long the leases of a server still count, ms; [] when all were given back. */
export async function leasesOf(server: { readonly port: number }): Promise<number[]> {
  const redis = client(server)
  try {
    const [seconds, micros] = await redis.time()
    const now = Number(seconds) * 1000 + Number(micros) / 1000
    const records = await Promise.all((await redis.keys('tiershard:lease:*')).map((key) => redis.hget(key, 'expires')))
    return records.map((expires) => Number(expires) - now).filter((left) => left > 0)
  } finally {
    redis.disconnect()
  }
}
