/**
 * `npm run test:kubernetes`: the tests that need a real cluster, in suites/kubernetes. It is the one that kubectl reaches;
 * with a cluster beside the checkout (../shared/kube/cluster, or TIERSHARD_KUBE) that one, started if need be. Ends with
 * one line of totals.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

const ROOT = path.join(import.meta.dirname, '..')
/** Building a cluster from its sources takes 2 minutes, 7 on a busy machine. */
const START_LIMIT_MS = 10 * 60_000
const RUN_LIMIT_MS = 4 * 60_000

const beside = process.env['TIERSHARD_KUBE'] ?? path.join(ROOT, '..', 'shared', 'kube', 'cluster')
const own = existsSync(beside)
const scratch = await mkdtemp(path.join(tmpdir(), 'tiershard-kubernetes-'))
try {
  const started = own ? run([beside, 'up'], START_LIMIT_MS) : 0
  const report = path.join(scratch, 'vitest.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const tests = ['npx', 'vitest', 'run', '--config', 'suites/kubernetes/vitest.config.ts', ...reporters]
  const status = started === 0 ? run(own ? [beside, 'exec', ...tests] : tests, RUN_LIMIT_MS) : started
  const { passed, failed, skipped } = await totals(report)
  // A cluster is there: nothing may be skipped, and something must have passed.
  if (skipped > 0) console.log(`${skipped} tests were skipped; here nothing may be`)
  const bad = failed + skipped
  const green = status === 0 && bad === 0 && passed > 0
  console.log(`\n${passed} passed, ${green ? 0 : Math.max(bad, 1)} failed, 0 skipped`)
  process.exitCode = green ? 0 : 1
} finally {
  await rm(scratch, { recursive: true, force: true })
}

/** What the report counts; without one, nothing passed. */
async function totals(report: string): Promise<{ passed: number; failed: number; skipped: number }> {
  const text = await readFile(report, 'utf8').catch(() => '{}')
  const counts = JSON.parse(text) as Record<string, number>
  const { numTotalTests: total = 0, numPassedTests: passed = 0, numFailedTests: failed = 0 } = counts
  return { passed, failed, skipped: total - passed - failed }
}

function run([command, ...args]: readonly string[], limitMs: number): number {
  const { status, error } = spawnSync(command!, args, { cwd: ROOT, stdio: 'inherit', timeout: limitMs })
  if (error) console.error(`${command}: ${error.message}`)
  return status ?? 1
}
