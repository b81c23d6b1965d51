import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { Stamped } from '../../../src/core/events.ts'
import { countRun } from '../../../src/core/verdict.ts'
import { readJournal } from '../../../src/reports/journal.ts'
import { readRun } from '../../../src/reports/read-run.ts'
import { tiershard } from '../../support/cli/binary.ts'
import { FAILS, PASSES, project } from '../../support/cli/project.ts'

test(
  'the journal of a real run, torn at every byte: readable, never green, and no result that is not in it',
  { timeout: 120_000 },
  async () => {
    const cwd = project({ 'suites/fast/a/one.test.ts': PASSES, 'suites/fast/a/two.test.ts': FAILS })
    expect((await tiershard(cwd, ['run', '--shards', '2'])).exitCode).toBe(1)
    const folder = path.join(cwd, 'reports/latest')
    const journal = path.join(folder, 'journal.ndjson')
    const bytes = readFileSync(journal)
    const { events } = readJournal(journal)
    const wrong: string[] = []
    // Backwards, so that each step only has to cut one byte off.
    for (let length = bytes.length; length >= 0; length--) {
      truncateSync(journal, length)
      const read = readJournal(journal)
      const problem = contradiction(read.events, events) ?? verdictProblem(folder, read.events)
      if (problem !== null) wrong.push(`${length} bytes: ${problem}`)
    }
    writeFileSync(journal, bytes)
    expect(wrong).toEqual([])
    expect(readJournal(journal).events).toEqual(events)
  },
)

/** What is read is the beginning of what was written, event by event. */
function contradiction(read: readonly Stamped[], written: readonly Stamped[]): string | null {
  const whole = read.length <= written.length && JSON.stringify(read) === JSON.stringify(written.slice(0, read.length))
  return whole ? null : 'reads something that was not written'
}

function verdictProblem(folder: string, read: readonly Stamped[]): string | null {
  const { whole, ended } = readRun(folder)
  const results = read.filter((event) => event.type === 'test-ended')
  const failed = results.filter((event) => event.test.outcome === 'failed').length
  const counts = countRun(whole)
  if (counts.failed !== failed || counts.passed !== results.length - failed) return 'counts other results than it holds'
  const expected = failed > 0 ? 1 : 5
  if (whole.exitCode !== expected) return `exit code ${whole.exitCode} instead of ${expected}`
  return ended === whole.missing.some(({ kind }) => kind === 'killed') ? 'does not tell whether the run ended' : null
}
