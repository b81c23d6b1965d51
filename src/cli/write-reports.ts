import { writeFile } from 'node:fs/promises'
import type { History } from '../core/ports.ts'
import type { RunRecord } from '../core/record.ts'
import type { Settings } from '../core/settings.ts'
import { recordHistory } from '../history/index.ts'
import { writeJUnit } from '../reports/junit.ts'
import { summaryMarkdown } from '../reports/markdown.ts'
import { analyseSlow, type SlowReport } from '../reports/slow.ts'
import { summaryJson } from '../reports/summary.ts'
import { printJson, tell, type Io } from './io.ts'
import { historyFile } from './prepare.ts'
import { appendStepSummary, type RunFolder } from './run-folder.ts'

/** How many tests and files the lists of a summary hold. */
const TOP = 20

/**
 * Writes every report of a run that is over, and its timings into the history. One report that cannot be written stops
 * no other; `problems` says which ones are missing.
 */
export async function writeReports(
  record: RunRecord,
  { settings, history }: { readonly settings: Settings; readonly history: History },
  folder: RunFolder,
  json: boolean,
  io: Io,
): Promise<{ readonly slow: SlowReport; readonly problems: readonly string[] }> {
  const slow = analyseSlow(record, history, TOP, settings.tiers)
  const summary = summaryJson(record, slow)
  const markdown = summaryMarkdown(record, slow)
  const problems = [
    await attempt(folder.junit, () => writeJUnit(record, folder.junit)),
    await attempt(folder.summaryJson, () => writeFile(folder.summaryJson, `${JSON.stringify(summary, null, 2)}\n`)),
    await attempt(folder.summaryMarkdown, () => writeFile(folder.summaryMarkdown, markdown)),
  ].filter((problem) => problem !== null)

  // A few tests of a file say nothing about how long the whole file takes.
  const whole = record.meta?.testName === undefined
  const { notes } = whole ? await recordHistory(historyFile(settings), record) : { notes: [] }
  const stepSummary = io.env['GITHUB_STEP_SUMMARY']
  const note = stepSummary ? appendStepSummary(stepSummary, markdown) : null
  for (const text of [...notes, ...(note === null ? [] : [note])]) tell(io, `note: ${text}`)

  if (json) printJson(io, summary)
  return { slow, problems }
}

async function attempt(file: string, write: () => Promise<void>): Promise<string | null> {
  try {
    await write()
    return null
  } catch (error) {
    return `${file} could not be written: ${(error as Error).message}`
  }
}
