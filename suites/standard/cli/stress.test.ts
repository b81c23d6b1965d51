import { expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { tiershard } from '../../support/cli/binary.ts'
import { FAILS, HANGS, IMPORTS, PASSES, project } from '../../support/cli/project.ts'

/** Takes a ticket, waits for the process with the one beside it, and fails with an odd one: two must run at once. */
const IN_PAIRS = `${IMPORTS}import { existsSync, mkdirSync } from 'node:fs'
const path = (n) => new URL('../../../ticket-' + n, import.meta.url)
function ticket(n = 0) {
  try { mkdirSync(path(n)) } catch { return ticket(n + 1) }
  return n
}
test('fails now and then', { timeout: 60_000 }, async () => {
  const mine = ticket()
  while (!existsSync(path(mine ^ 1))) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(mine % 2).toBe(0)
})\n`

interface Summary {
  readonly exitCode: number
  readonly stress: {
    readonly total: object
    readonly files: readonly { readonly file: string; readonly tests: readonly object[] }[]
  }
  readonly notRun: readonly { readonly file: string; readonly ending: object }[]
}

function summaryOf(cwd: string): Summary {
  return JSON.parse(readFileSync(path.join(cwd, 'reports/latest/summary.json'), 'utf8')) as Summary
}

test('--repeat runs one file on several shards at once, and says how often it failed', async () => {
  const cwd = project({ 'suites/fast/a/sometimes.test.ts': IN_PAIRS })
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--repeat', '6', '--shards', '2'])
  expect(exitCode, stdout).toBe(1)
  expect(stdout).toContain('repetitions: 3 of 6 failed: 50.0% (18.8% to 81.2%), 95% confidence')
  expect(stdout).toContain('fails now and then: 3 of 6 failed')
  const { stress } = summaryOf(cwd)
  expect(stress.total).toMatchObject({ runs: 6, failures: 3 })
  expect(stress.files).toMatchObject([{ file: 'suites/fast/a/sometimes.test.ts', tests: [{ failures: 3 }] }])
})

test('--fail-fast ends what runs and starts nothing more; exit 1', async () => {
  const cwd = project({
    'suites/fast/a/hangs.test.ts': `${HANGS}${'//'.padEnd(3000)}\n`,
    'suites/fast/a/fails.test.ts': `${FAILS}${'//'.padEnd(2000)}\n`,
    'suites/fast/a/waits.test.ts': PASSES,
  })
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--fail-fast', '--shards', '2'])
  expect(exitCode, stdout).toBe(1)
  expect(stdout).toMatch(
    /fail-fast: 1 failed \(the limit is 1\), the last one in suites\/fast\/a\/fails.test.ts > fails/,
  )
  expect(summaryOf(cwd).notRun).toMatchObject([
    { file: 'suites/fast/a/hangs.test.ts', ending: { kind: 'cancelled', by: 'fail-fast' } },
    { file: 'suites/fast/a/waits.test.ts', ending: { kind: 'not-run', why: 'fail-fast' } },
  ])
})
