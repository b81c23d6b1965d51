import { existsSync, readdirSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { foldAll } from '../core/record.ts'
import type { Settings } from '../core/settings.ts'
import { EXIT } from '../core/verdict.ts'
import { openHistory } from '../history/index.ts'
import { createPaint } from '../reports/console/paint.ts'
import { renderSlow } from '../reports/console/slow.ts'
import { readJournal } from '../reports/journal.ts'
import { analyseSlow } from '../reports/slow.ts'
import { printJson, tell, type Io } from './io.ts'
import { historyFile } from './prepare.ts'
import { noSuchTier, openProject } from './project.ts'
import type { SlowOptions } from './program.ts'
import { runFolder } from './run-folder.ts'

/** How many tests and files are listed without --top. */
const TOP = 20

/** `tiershard slow`: returns the exit code. `runId` null: the newest run. */
export async function slowCommand(runId: string | null, options: SlowOptions, io: Io): Promise<number> {
  const settings = await openProject(options, io)
  if (settings === null) return EXIT.usage
  const { journal } = runFolder(settings.reportsDir, runId ?? 'latest')
  if (!existsSync(journal)) {
    tell(io, noSuchRun(runId, settings))
    return EXIT.usage
  }
  const { events, notes } = readJournal(journal)
  const { history, notes: historyNotes } = await openHistory(historyFile(settings))
  for (const note of [...notes, ...historyNotes]) tell(io, `note: ${note}`)
  const record = foldAll(events)

  const names = [...record.tiers.keys()]
  const strange = (options.tier ?? []).filter((tier) => !names.includes(tier))
  if (strange.length > 0) {
    const ran = `The run ${path.basename(realpathSync(path.dirname(journal)))} has ${names.join(', ') || 'no tier'}.`
    tell(io, [...strange.map((tier) => noSuchTier(tier, names)), ran].join('\n'))
    return EXIT.usage
  }
  const all = analyseSlow(record, history, options.top ?? TOP, settings.tiers)
  const report = { tiers: all.tiers.filter(({ tier }) => options.tier?.includes(tier) ?? true) }
  if (options.json) printJson(io, { version: 1, run: record.meta?.run ?? null, ...report })
  else io.stdout.write(renderSlow(report, io.stdout.columns ?? 120, createPaint(io.stdout, io.env)))
  return EXIT.passed
}

function noSuchRun(runId: string | null, { reportsDir }: Settings): string {
  const runs = runsIn(reportsDir)
  if (runs.length === 0) return `There is no run in ${reportsDir} yet. \`tiershard run\` makes one.`
  const newest = `The newest ${runs.length === 1 ? 'is' : 'are'} ${runs.slice(-3).toReversed().join(', ')}.`
  return runId === null
    ? `${path.join(reportsDir, 'latest')} points nowhere; name a run. ${newest}`
    : `There is no run "${runId}" in ${reportsDir}. ${newest}`
}

/** The ids of the runs, oldest first. */
function runsIn(reportsDir: string): string[] {
  if (!existsSync(reportsDir)) return []
  return readdirSync(reportsDir)
    .filter((name) => name !== 'latest' && existsSync(runFolder(reportsDir, name).journal))
    .toSorted()
}
