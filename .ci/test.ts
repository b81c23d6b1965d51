/**
 * `npm test`: what every change must pass. Static checks, then the fast and the standard tier run by tiershard itself, then
 * the same files by plain vitest, because a runner that hid failures would hide its own. Ends with one line of totals.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { ROOT, runTiers } from './tiershard.ts'

const TIERS = ['fast', 'standard'] as const
/** Files at once, for both runners: many of them wait for processes more than they compute. */
const WORKERS = Math.min(8, Math.max(3, availableParallelism()))
/** No step takes longer than this, ms. */
const STEP_LIMIT_MS = 10 * 60_000

interface Totals {
  passed: number
  failed: number
  skipped: number
}

/** file + test name -> passed, failed or skipped. */
type Outcomes = Map<string, string>

const totals: Totals = { passed: 0, failed: 0, skipped: 0 }
const scratch = await mkdtemp(path.join(tmpdir(), 'tiershard-test-'))
try {
  await step('build', ['npm', 'run', '--silent', 'build'])
  await step('types', ['npm', 'run', '--silent', 'typecheck'])
  await step('lint', ['npm', 'run', '--silent', 'lint'])
  await step('format', ['npm', 'run', '--silent', 'format:check'])
  await step('dependency rule', ['npm', 'run', '--silent', 'dependencies'])
  await step('dead code', ['npm', 'run', '--silent', 'deadcode'])
  const ours = await runByTiershard()
  const plain = await runByVitest()
  compare(ours, plain)
} finally {
  await rm(scratch, { recursive: true, force: true })
}
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
process.exitCode = totals.failed === 0 ? 0 : 1

/** A static check counts as one test. */
async function step(name: string, command: readonly string[]): Promise<void> {
  const startedAt = performance.now()
  const code = await run(command)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
  totals[code === 0 ? 'passed' : 'failed']++
}

async function runByTiershard(): Promise<Outcomes> {
  console.log(`\ntiershard run --tier ${TIERS.join(',')}`)
  const { code, summary } = await runTiers(TIERS, STEP_LIMIT_MS, ['--shards', String(WORKERS)])
  const outcomes: Outcomes = summary?.run ? await outcomesOf(summary.run.run) : new Map()
  for (const outcome of outcomes.values()) count(outcome)
  // A run can end badly without a failed test: an infrastructure error, a deadline, something without a result.
  if (code !== 0 && totals.failed === 0) {
    console.log(`FAILED tiershard ended with exit code ${code}`)
    totals.failed++
  }
  return outcomes
}

async function outcomesOf(id: string): Promise<Outcomes> {
  const { readJournal } = await import('../src/reports/journal.ts')
  const { foldAll } = await import('../src/core/record.ts')
  const { column, testVerdicts } = await import('../src/core/verdict.ts')
  const { events } = readJournal(path.join(ROOT, 'reports', id, 'journal.ndjson'))
  const outcomes: Outcomes = new Map()
  for (const tier of foldAll(events).tiers.values()) {
    for (const file of tier.files.values()) {
      const tests = testVerdicts(file)
      if (tests.length === 0) outcomes.set(`${file.plan.path} (the file)`, 'failed')
      for (const test of tests) outcomes.set(`${file.plan.path} ${test.name}`, column(test.outcome))
    }
  }
  return outcomes
}

async function runByVitest(): Promise<Outcomes> {
  console.log('\nvitest run, over the same files')
  const report = path.join(scratch, 'vitest.json')
  const folders = TIERS.map((tier) => `suites/${tier}/`)
  const code = await run([
    'npx',
    'vitest',
    'run',
    ...folders,
    `--maxWorkers=${WORKERS}`,
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ])
  const text = await readFile(report, 'utf8').catch(() => '{ "testResults": [] }')
  const { testResults } = JSON.parse(text) as {
    testResults: { name: string; assertionResults: { ancestorTitles: string[]; title: string; status: string }[] }[]
  }
  const outcomes: Outcomes = new Map()
  for (const file of testResults) {
    const name = path.relative(ROOT, file.name).replaceAll(path.sep, '/')
    if (file.assertionResults.length === 0) outcomes.set(`${name} (the file)`, 'failed')
    for (const { ancestorTitles, title, status } of file.assertionResults) {
      const full = [...ancestorTitles, title].join(' > ')
      outcomes.set(unused(outcomes, `${name} ${full}`), status === 'passed' || status === 'failed' ? status : 'skipped')
    }
  }
  // Every test can pass, and vitest fail: an error that no test caught, a teardown.
  if (code !== 0 && ![...outcomes.values()].includes('failed')) {
    console.log(`FAILED vitest ended with exit code ${code}, and no test had failed`)
    totals.failed++
  }
  return outcomes
}

/** tiershard numbers repeated names; so does the comparison. */
function unused(outcomes: Outcomes, name: string): string {
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? name : `${name} #${n}`
    if (!outcomes.has(candidate)) return candidate
  }
}

/** Both runners must know the same tests and agree on every one of them. */
function compare(ours: Outcomes, plain: Outcomes): void {
  const differences = [...new Set([...ours.keys(), ...plain.keys()])]
    .filter((test) => ours.get(test) !== plain.get(test))
    .map(
      (test) =>
        `  ${test}: tiershard ${ours.get(test) ?? 'does not know it'}, vitest ${plain.get(test) ?? 'does not know it'}`,
    )
  for (const difference of differences.slice(0, 50)) console.log(difference)
  const verdict = differences.length === 0 && ours.size > 0
  console.log(
    `${verdict ? 'ok    ' : 'FAILED'} tiershard and vitest agree on ${ours.size} tests, differ on ${differences.length}`,
  )
  totals[verdict ? 'passed' : 'failed']++
}

function count(outcome: string): void {
  if (outcome === 'passed') totals.passed++
  else if (outcome === 'skipped') totals.skipped++
  else totals.failed++
}

/** Runs a command of the project with its output shown; the exit code, or 1 after the limit. */
async function run([command, ...args]: readonly string[]): Promise<number> {
  const child = spawn(command!, args, { cwd: ROOT, stdio: 'inherit', timeout: STEP_LIMIT_MS })
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`)
      resolve(127)
    })
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
