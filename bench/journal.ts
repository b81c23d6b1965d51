/**
 * `node bench/journal.ts`: what the journal costs a run of 10,000 trivial tests. One real run gives the wall time and
 * the events; then the same events go through the ledger once more, at the times at which they happened, with and
 * without a journal behind it. The difference is what the journal takes from the run's own thread: making the lines, writing them, and
 * asking for syncs; the syncs themselves take place beside it.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Stamped } from '../src/core/events.ts'
import type { JournalSink } from '../src/core/ports.ts'
import { openJournal, readJournal } from '../src/reports/journal.ts'
import { openLedger, type Listener } from '../src/run/ledger.ts'
import { linkPackages } from '../suites/support/isolation/project.ts'
import { cost } from './measure.ts'
import { seconds } from './table.ts'

const FILES = 50
const TESTS_A_FILE = 200
/** Of the wall time of the run; issue: "journal and syncing <= 2%". */
const BUDGET = 0.02

const folder = mkdtempSync(path.join(tmpdir(), 'tiershard-bench-'))
try {
  linkPackages(folder, ['vitest'])
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module", "private": true }\n')
  writeFileSync(
    path.join(folder, 'tiershard.config.js'),
    `export default { suites: { trivial: { tier: 'fast', files: 'tests/*.test.ts', isolation: 'none' } } }\n`,
  )
  mkdirSync(path.join(folder, 'tests'))
  for (let n = 0; n < FILES; n++) {
    writeFileSync(
      path.join(folder, 'tests', `${n}.test.ts`),
      `import { expect, test } from 'vitest'\n` +
        `test.each(Array.from({ length: ${TESTS_A_FILE} }, (_, n) => n))('adds %s', (n) => expect(n + 1).toBe(1 + n))\n`,
    )
  }
  const main = path.join(import.meta.dirname, '..', 'src', 'cli', 'main.ts')
  const { wallMs } = await cost({ program: process.execPath, args: [main, 'run', '--shards', '2'], cwd: folder })
  const run = readdirSync(path.join(folder, 'reports')).find((name) => /^\d/.test(name))
  const { events } = readJournal(path.join(folder, 'reports', run!, 'journal.ndjson'))
  const tests = events.filter(({ type }) => type === 'test-ended').length
  if (tests !== FILES * TESTS_A_FILE) throw new Error(`the run has ${tests} tests`)

  const journal = openJournal(path.join(folder, 'replay.ndjson'))
  const withJournal = await replay(events, journal, [journal.see])
  const without = await replay(events, { append: () => {}, close: () => {} }, [])
  const takes = withJournal - without
  console.log(`${tests} tests, ${events.length} events, ${seconds(wallMs)} of wall time`)
  const part = takes / wallMs
  const percent = (share: number): string => `${(100 * share).toFixed(2)}%`
  console.log(
    `the journal takes ${takes.toFixed(0)} ms, ${percent(part)} of it; budget ${percent(BUDGET)}, ${part <= BUDGET ? 'within' : 'OVER'}`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Time that emitting takes, with the closing of the journal, ms. */
async function replay(events: readonly Stamped[], sink: JournalSink, listeners: readonly Listener[]): Promise<number> {
  const ledger = openLedger(sink, listeners)
  const startedAt = performance.now()
  const first = events[0]!.at
  let spent = 0
  for (const event of events) {
    const early = event.at - first - (performance.now() - startedAt)
    if (early > 0) await setTimeout(early)
    spent += timed(() => ledger.emit(event))
  }
  return spent + timed(() => sink.close())
}

function timed(work: () => void): number {
  const from = performance.now()
  work()
  return performance.now() - from
}
