import path from 'node:path'
import { foldAll } from '../core/record.ts'
import { EXIT } from '../core/verdict.ts'
import { openHistory } from '../history/index.ts'
import { createPaint } from '../reports/console/paint.ts'
import { renderSlow } from '../reports/console/slow.ts'
import { readJournal } from '../reports/journal.ts'
import { analyseSlow } from '../reports/slow.ts'
import { printJson, tell, type Io } from './io.ts'
import { historyFile } from './prepare.ts'
import { noSuchTier, openProject } from './project.ts'
import type { SlowOptions } from './options.ts'
import { runFolder } from './run-folder.ts'
import { findRun, tellOfDeadRuns } from './runs.ts'

/** How many tests and files are listed without --top. */
const TOP = 20

/** `tiershard slow`: returns the exit code. `runId` null: the newest run. */
export async function slowCommand(runId: string | null, options: SlowOptions, io: Io): Promise<number> {
  const settings = await openProject(options, io)
  if (settings === null) return EXIT.usage
  const found = findRun(runId, settings.reportsDir, io.cwd)
  if (!found.ok) {
    tell(io, found.message)
    return EXIT.usage
  }
  tellOfDeadRuns(settings.reportsDir, found.run, io)
  const { journal } = runFolder(path.dirname(found.folder), found.run)
  const { events, notes } = readJournal(journal)
  const { history, past, notes: historyNotes } = await openHistory(historyFile(settings))
  for (const note of [...notes, ...historyNotes]) tell(io, `note: ${note}`)
  const record = foldAll(events)

  const names = [...record.tiers.keys()]
  const strange = (options.tier ?? []).filter((tier) => !names.includes(tier))
  if (strange.length > 0) {
    const ran = `The run ${found.run} has ${names.join(', ') || 'no tier'}.`
    tell(io, [...strange.map((tier) => noSuchTier(tier, names)), ran].join('\n'))
    return EXIT.usage
  }
  const all = analyseSlow(record, history, options.top ?? TOP, settings.tiers, [past(record)])
  const report = { tiers: all.tiers.filter(({ tier }) => options.tier?.includes(tier) ?? true) }
  if (options.json) printJson(io, { version: 1, run: record.meta?.run ?? null, ...report })
  else io.stdout.write(renderSlow(report, io.stdout.columns ?? 120, createPaint(io.stdout, io.env)))
  return EXIT.passed
}
