/**
 * `npm run bench`: tiershard measured beside what it is compared with, in one run on this machine. Prints figures with
 * their budgets and a table in markdown at the end. It judges nothing: the exit code is 0 whatever the figures are, and
 * 1 only when something could not be measured.
 *
 *   node bench/main.ts [--rounds 5] [--only help|planning|lease|trivial|even|skewed]
 */
import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { nativeServer, startNative } from '../suites/support/redis/servers.ts'
import { leaseAndFlush, planning } from './inside.ts'
import { alternate, cost, peakMemory, type Command, type Cost } from './measure.ts'
import { createProject, EVEN, SKEWED, TRIVIAL, typicalNaming, type Load } from './projects.ts'
import { line, markdown, megabytes, seconds, type Row } from './table.ts'

const cli = path.join(import.meta.dirname, '..', 'dist', 'cli', 'main.js')
const repository = path.join(import.meta.dirname, '..')
const SHARDS = 4

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, only: { type: 'string' } } })
const rounds = Math.max(1, Number(values.rounds) || 5)
const rows: Row[] = []

if (nativeServer === null) {
  say('The bench needs a redis-server or valkey-server on PATH.')
  process.exitCode = 1
} else {
  const server = await startNative()
  try {
    await bench(server.url)
  } finally {
    await server.stop()
  }
  say(`\n${markdown(rows)}`)
}

async function bench(redis: string): Promise<void> {
  const memory = Math.round(totalmem() / 1024 ** 3)
  say(
    `node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim() ?? 'cpu'}, ${memory} GB, ${process.platform}`,
  )
  say('Building dist: that is what users run.')
  execFileSync(path.join(repository, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], { cwd: repository })

  const parts: Readonly<Record<string, () => Promise<void>>> = {
    help: compareHelp,
    planning: async () => add('planning 100,000 files with history', await planning(100_000, 5), 1, 's'),
    lease: async () => add('lease + guarded flush, by shard', await leaseAndFlush(`${redis}/0`, 8, 50), 2, 'ms'),
    trivial: () => compareTrivial(redis),
    even: () => compareEven(redis),
    skewed: () => compareSkewed(redis),
  }
  for (const [name, measure] of Object.entries(parts)) {
    if (values.only === undefined || values.only === name) await attempt(measure)
  }
}

/** What could not be measured is said, and leaves the rest alone. It is no figure: the exit code tells. */
async function attempt(measurement: () => Promise<void>): Promise<void> {
  try {
    await measurement()
  } catch (error) {
    say(`NOT MEASURED: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}

async function compareHelp(): Promise<void> {
  const cwd = repository
  const { help, nothing } = await alternate(15, {
    help: () => cost({ program: process.execPath, args: [cli, '--help'], cwd }),
    nothing: () => cost({ program: process.execPath, args: ['-e', '0'], cwd }),
  })
  compare('`tiershard --help`, wall', help, nothing, 'wallMs', '`node -e 0`', 2)
}

async function compareTrivial(redis: string): Promise<void> {
  using project = createProject(TRIVIAL)
  const { ours, theirs } = await alternate(2 * rounds, {
    ours: () => cost(tiershard(project.folder, redis)),
    theirs: () => cost(vitest(project.folder, redis)),
  })
  compare('one trivial file, wall', ours, theirs, 'wallMs', '`vitest run`', 1.6)
}

async function compareEven(redis: string): Promise<void> {
  using project = createProject(EVEN)
  const { ours, theirs } = await alternate(rounds, {
    ours: () => cost(tiershard(project.folder, redis)),
    theirs: () => cost(vitest(project.folder, redis)),
  })
  const against = `\`vitest run\`, ${SHARDS} workers`
  compare(describe(EVEN, 'wall'), ours, theirs, 'wallMs', against, 1.05)
  compare(describe(EVEN, 'CPU'), ours, theirs, 'cpuMs', against, 1.05)
}

/** tiershard has seen the project before, as in any second run: the round that warms up gives it its timings. */
async function compareSkewed(redis: string): Promise<void> {
  using project = createProject(SKEWED, typicalNaming(SKEWED, SHARDS))
  const ours = [tiershard(project.folder, redis)]
  const theirs = Array.from({ length: SHARDS }, (_, n) =>
    vitest(project.folder, redis, [`--shard=${n + 1}/${SHARDS}`, '--maxWorkers=1'], 15 - n),
  )
  const costs = await alternate(rounds, { ours: () => cost(...ours), theirs: () => cost(...theirs) })
  const what = `${SKEWED.length} skewed files, ${SHARDS} shards`
  const against = `${SHARDS} \`vitest --shard\` processes`
  compare(`${what}, wall`, costs.ours, costs.theirs, 'wallMs', against, 0.7)
  if (process.platform !== 'linux') return say('Peak memory: measured on Linux only (it needs /proc).')
  const peaks = [await peakMemory(...ours), await peakMemory(...theirs)] as const
  compareFigures(`${what}, peak memory`, ...peaks, megabytes, against, 0.7)
}

function tiershard(cwd: string, redis: string): Command {
  const args = [cli, 'run', '--tier', 'standard', '--shards', String(SHARDS), '--redis', `${redis}/0`]
  return { program: process.execPath, args, cwd }
}

function vitest(cwd: string, redis: string, args = [`--maxWorkers=${SHARDS}`], database = 15): Command {
  const script = path.join(repository, 'node_modules', 'vitest', 'vitest.mjs')
  // The last databases of the server: what vitest's tests leave there is not tiershard's, which passes them over.
  return { program: process.execPath, args: [script, 'run', ...args], cwd, env: { REDIS_URL: `${redis}/${database}` } }
}

function compare(what: string, ours: Cost, theirs: Cost, figure: keyof Cost, against: string, budget: number): void {
  compareFigures(what, ours[figure], theirs[figure], seconds, against, budget)
}

function compareFigures(
  what: string,
  ours: number,
  theirs: number,
  format: (figure: number) => string,
  against: string,
  budget: number,
): void {
  const row = { what, ours: format(ours), against: `${format(theirs)}, ${against}` }
  report({ ...row, measured: ours / theirs, budget, unit: 'x' })
}

/** A figure that stands alone. */
function add(what: string, ms: number, budget: number, unit: 's' | 'ms'): void {
  const measured = unit === 's' ? ms / 1_000 : ms
  report({ what, ours: '', against: '', measured, budget, unit })
}

function report(row: Row): void {
  rows.push(row)
  say(line(row))
}

function describe(loads: readonly Load[], figure: string): string {
  return `${loads.length} files of Redis work, ${SHARDS} shards, ${figure}`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
