import { existsSync } from 'node:fs'
import path from 'node:path'
import { combineRuns } from '../core/matrix.ts'
import type { RunRecord } from '../core/record.ts'
import type { Settings } from '../core/settings.ts'
import { EXIT, firstExitCode } from '../core/verdict.ts'
import { openHistory } from '../history/index.ts'
import { createConsole } from '../reports/console/index.ts'
import { readRun, type ReadRun } from '../reports/read-run.ts'
import { sliceName } from '../reports/words.ts'
import { tell, type Io } from './io.ts'
import { historyFile } from './prepare.ts'
import { presence } from './process-mark.ts'
import { openProject } from './project.ts'
import type { ReportOptions } from './options.ts'
import { createReportFolder, runFolder, type OpenedFolder } from './run-folder.ts'
import { findRuns } from './runs.ts'
import { writeReports } from './write-reports.ts'

/** A run that was named, with all that its journals say. */
interface Given extends ReadRun {
  readonly run: string
  readonly folder: string
}

/**
 * `tiershard report`: makes the reports of a run from its journal, or one report of several runs, and returns the exit
 * code of the verdict. `named` empty: the newest run.
 */
export async function reportCommand(named: readonly string[], options: ReportOptions, io: Io): Promise<number> {
  const settings = await openProject(options, io)
  if (settings === null) return EXIT.usage
  const found = findRuns(named, settings.reportsDir, io.cwd)
  if (!found.ok) return wrong(found.message, io)
  const folders = new Map(found.runs.map(({ run, folder }) => [run, folder]))
  const given = found.runs.map((one): Given => ({ ...one, ...readRun(one.folder, (run) => folders.get(run) ?? null) }))
  const live = given.find(({ ended, writer }) => !ended && writer !== null && presence(writer) === 'alive')
  if (live) {
    return wrong(
      `The run ${live.run} is still going on (process ${live.writer!.pid}): its reports come with its end.`,
      io,
    )
  }

  const runs = standing(given)
  // Where a report of a matrix was asked for, one slice is a matrix in which the others are missing.
  const isNode = options.output !== undefined && runs[0]?.whole.meta?.slice !== undefined
  const alone = runs.length === 1 && !isNode ? runs[0]! : null
  const record = alone ? alone.whole : combineRuns(runs.map(({ whole }) => whole))
  const isOwn = alone !== null && options.output === undefined
  const opened = isOwn ? ownFolder(alone) : openFolder(record, options, settings, io)
  if (!opened.ok) return wrong(opened.message, io)
  const { history, notes } = await openHistory(historyFile(settings))
  for (const note of new Set([...given.flatMap((one) => one.notes), ...notes])) tell(io, `note: ${note}`)

  const owns = given.map(({ own }) => own)
  const { folder } = opened
  const written = await writeReports(record, { owns, settings, history }, folder, options.json ?? false, io)
  createConsole({
    stream: options.json ? io.stderr : io.stdout,
    env: io.env,
    interactive: false,
    root: settings.root,
    reportsDir: path.dirname(folder.path),
    folder: folder.path,
  }).finish(record, written.slow, [...written.files, ...(isOwn ? [path.basename(folder.journal)] : [])])
  for (const problem of [...written.problems, ...written.gaps]) tell(io, `! ${problem}`)
  if (alone) tellOfSlice(record, io)
  return firstExitCode([record.exitCode ?? EXIT.incomplete, ...written.exitCodes])
}

/** The runs without those that another one continues: the later one speaks for both. */
function standing(given: readonly Given[]): Given[] {
  const continued = new Set(given.flatMap(({ continues }) => continues))
  return given.filter(({ run }) => !continued.has(run))
}

/** The reports of one run are made anew where they were. */
function ownFolder({ folder }: Given): OpenedFolder {
  return { ok: true, folder: runFolder(path.dirname(folder), path.basename(folder)) }
}

/** The folder for a report that is not made in the place of its run. */
function openFolder({ meta }: RunRecord, { output }: ReportOptions, settings: Settings, io: Io): OpenedFolder {
  // The id comes from journals, which come from elsewhere: as a name it must not lead out of the folder.
  const name = (meta?.run ?? 'matrix').replaceAll(/[^\w.-]/g, '_')
  const folder = output === undefined ? path.join(settings.reportsDir, name) : path.resolve(io.cwd, output)
  if (existsSync(path.join(folder, 'journal.ndjson'))) {
    const message = `${folder} is the folder of a run, whose own reports would be lost. Choose another one with --output.`
    return { ok: false, message }
  }
  return createReportFolder(folder)
}

function tellOfSlice({ meta }: RunRecord, io: Io): void {
  if (!meta?.slice) return
  const advice = 'name the runs of the other slices too, or use --output, for the account of all'
  tell(io, `note: this run is slice ${sliceName(meta.slice)}: ${advice}`)
}

function wrong(message: string, io: Io): number {
  tell(io, message)
  return EXIT.usage
}
