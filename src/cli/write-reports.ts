import { rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { History } from '../core/ports.ts'
import type { RunRecord } from '../core/record.ts'
import type { Settings } from '../core/settings.ts'
import { EXIT } from '../core/verdict.ts'
import { recordHistory } from '../history/index.ts'
import { writeHtml } from '../reports/html/index.ts'
import { checkJUnit } from '../reports/junit-check.ts'
import { annotations } from '../reports/exports/annotations.ts'
import { ctrf } from '../reports/exports/ctrf.ts'
import { prometheus } from '../reports/exports/prometheus.ts'
import { trace } from '../reports/exports/trace.ts'
import { writeJUnit } from '../reports/junit.ts'
import { summaryMarkdown } from '../reports/markdown.ts'
import { analyseSlow, type SlowReport } from '../reports/slow.ts'
import { summaryJson, type Summary } from '../reports/summary.ts'
import { printJson, tell, type Io } from './io.ts'
import { historyFile } from './prepare.ts'
import { appendStepSummary, type RunFolder } from './run-folder.ts'

/** How many tests and files the lists of a summary hold. */
const TOP = 20

export interface Written {
  readonly slow: SlowReport
  /** The names of those that people look for, and that were written. */
  readonly files: readonly string[]
  /** Reports that could not be written. */
  readonly problems: readonly string[]
  /** Reports that were written and do not hold what the record does. */
  readonly gaps: readonly string[]
  /** What both mean for the exit code. */
  readonly exitCodes: readonly number[]
}

/**
 * Writes every report of a run that is over, and its timings into the history. One report that cannot be written stops
 * no other; `problems` says which ones are missing.
 *
 * @param record with the runs that it continues, or those of several nodes; `owns` are the runs alone, for the history
 */
export async function writeReports(
  record: RunRecord,
  {
    owns,
    settings,
    history,
  }: { readonly owns: readonly RunRecord[]; readonly settings: Settings; readonly history: History },
  folder: RunFolder,
  json: boolean,
  io: Io,
): Promise<Written> {
  // A few tests of a file say nothing about how long the whole file takes.
  const timed = owns.filter(({ meta }) => meta?.testName === undefined)
  const { past, notes } = await recordHistory(historyFile(settings), ...timed)
  const slow = analyseSlow(record, history, TOP, settings.tiers, owns.map(past))
  const summary = summaryJson(record, slow)
  const markdown = summaryMarkdown(record, slow)
  const reports = [
    await attempt(folder.html, (place) => writeHtml(record, slow, place)),
    await attempt(folder.junit, (place) => writeJUnit(record, place)),
    await attempt(folder.summaryMarkdown, (place) => writeFile(place, markdown)),
    await attempt(folder.summaryJson, (place) => writeFile(place, `${JSON.stringify(summary, null, 2)}\n`)),
  ]
  const exports = await writeExports(record, summary, folder)
  const problems = [...reports, ...exports].flatMap(({ problem }) => problem ?? [])

  const isThere = reports.some(({ file, problem }) => file === folder.junit && problem === null)
  const gap = isThere ? await checkJUnit(record, folder.junit) : null
  const stepSummary = io.env['GITHUB_STEP_SUMMARY']
  const note = stepSummary ? appendStepSummary(stepSummary, markdown) : null
  for (const text of [...notes, ...(note === null ? [] : [note])]) tell(io, `note: ${text}`)

  if (io.env['GITHUB_ACTIONS']) {
    const marks = annotations(summary, settings.root, io.env['GITHUB_WORKSPACE'] ?? settings.root)
    const stream = json ? io.stderr : io.stdout
    stream.write(marks)
  }
  if (json) printJson(io, summary)
  const gaps = gap === null ? [] : [gap]
  const exitCodes = [
    ...(problems.length > 0 ? [EXIT.infrastructure] : []),
    ...(gaps.length > 0 ? [EXIT.incomplete] : []),
  ]
  const files = reports.flatMap(({ file, problem }) => (problem === null ? [path.basename(file)] : []))
  return { slow, files, problems, gaps, exitCodes }
}

/** The run in the formats of other tools: a few ms for thousands of tests, so that nobody has to ask for them. */
async function writeExports(record: RunRecord, summary: Summary, folder: RunFolder): Promise<Attempt[]> {
  return [
    await attempt(folder.ctrf, (place) => writeFile(place, JSON.stringify(ctrf(record)))),
    await attempt(folder.trace, (place) => writeFile(place, JSON.stringify(trace(record)))),
    await attempt(folder.metrics, (place) => writeFile(place, prometheus(summary))),
  ]
}

interface Attempt {
  readonly file: string
  /** null: it was written. */
  readonly problem: string | null
}

/** A report is whole or not there at all: it is written beside its place and renamed. */
async function attempt(file: string, write: (place: string) => Promise<void>): Promise<Attempt> {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    await write(temporary)
    await rename(temporary, file)
    return { file, problem: null }
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    return { file, problem: `${file} could not be written: ${(error as Error).message}` }
  }
}
