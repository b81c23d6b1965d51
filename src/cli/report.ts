import path from 'node:path'
import { EXIT, firstExitCode } from '../core/verdict.ts'
import { openHistory } from '../history/index.ts'
import { createConsole } from '../reports/console/index.ts'
import { readRun } from '../reports/read-run.ts'
import { tell, type Io } from './io.ts'
import { historyFile } from './prepare.ts'
import { presence } from './process-mark.ts'
import { openProject } from './project.ts'
import type { ReportOptions } from './options.ts'
import { runFolder } from './run-folder.ts'
import { findRun } from './runs.ts'
import { writeReports } from './write-reports.ts'

/** `tiershard report`: makes the reports of a run from its journal, and returns the exit code of its verdict. `named` null: the newest run. */
export async function reportCommand(named: string | null, options: ReportOptions, io: Io): Promise<number> {
  const settings = await openProject(options, io)
  if (settings === null) return EXIT.usage
  const found = findRun(named, settings.reportsDir, io.cwd)
  if (!found.ok) {
    tell(io, found.message)
    return EXIT.usage
  }
  const { whole, own, notes, writer, ended } = readRun(found.folder)
  if (!ended && writer !== null && presence(writer) === 'alive') {
    tell(io, `The run ${found.run} is still going on (process ${writer.pid}): its reports come with its end.`)
    return EXIT.usage
  }
  const { history, notes: historyNotes } = await openHistory(historyFile(settings))
  for (const note of [...notes, ...historyNotes]) tell(io, `note: ${note}`)

  const folder = runFolder(path.dirname(found.folder), found.run)
  const written = await writeReports(whole, { own, settings, history }, folder, options.json ?? false, io)
  createConsole({
    stream: options.json ? io.stderr : io.stdout,
    env: io.env,
    interactive: false,
    root: settings.root,
    reportsDir: path.dirname(found.folder),
  }).finish(whole, written.slow)
  for (const problem of [...written.problems, ...written.gaps]) tell(io, `! ${problem}`)
  return firstExitCode([whole.exitCode ?? EXIT.incomplete, ...written.exitCodes])
}
