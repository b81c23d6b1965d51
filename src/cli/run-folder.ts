import { randomBytes } from 'node:crypto'
import { accessSync, appendFileSync, constants, mkdtempSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { makeFolder } from '../core/files.ts'

/** The files of a run's folder. */
export interface RunFolder {
  readonly path: string
  readonly journal: string
  readonly junit: string
  readonly summaryJson: string
  readonly summaryMarkdown: string
  readonly html: string
  readonly ctrf: string
  readonly trace: string
  readonly metrics: string
  /** A folder: the logs of services. */
  readonly services: string
}

export type OpenedFolder =
  | { readonly ok: true; readonly folder: RunFolder }
  | { readonly ok: false; readonly message: string }

/**
 * A new run's id: the time it starts in UTC, to the millisecond, to sort and to read, and six characters against a twin:
 * 20261120-055301042-ab12cd.
 */
export function newRunId(now: Date = new Date()): string {
  const [date, time] = now.toISOString().slice(0, -1).replaceAll(/[-:.]/g, '').split('T')
  return `${date}-${time}-${randomBytes(3).toString('hex')}`
}

/** Creates the folder of a run, and proves that it and its parent, where `latest` is, can be written. */
export function createRunFolder(reportsDir: string, runId: string): OpenedFolder {
  const advice = 'Choose another folder with --reports or `reports` in the config, or mend its permissions.'
  return opened(runFolder(reportsDir, runId), [reportsDir], `The reports folder ${reportsDir}`, advice)
}

/** Creates a folder for a report alone, unless it is there: it need not be new, and its parent need not be writable. */
export function createReportFolder(place: string): OpenedFolder {
  const advice = 'Choose another folder with --output, or mend its permissions.'
  return opened(runFolder(path.dirname(place), path.basename(place)), [], `The folder ${place}`, advice)
}

/** @param name what cannot be written, if so */
function opened(folder: RunFolder, others: readonly string[], name: string, advice: string): OpenedFolder {
  try {
    makeFolder(folder.path)
    for (const place of [...others, folder.path]) accessSync(place, constants.W_OK)
    return { ok: true, folder }
  } catch (error) {
    return { ok: false, message: `${name} cannot be written: ${reasonOf(error)}. ${advice}` }
  }
}

/** Creates a folder for what a run needs as long as it goes on. */
export function createScratchFolder():
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly message: string } {
  const place = tmpdir()
  try {
    return { ok: true, path: mkdtempSync(path.join(place, 'tiershard-run-')) }
  } catch (error) {
    const advice = 'Mend it, or name another folder in TMPDIR.'
    return {
      ok: false,
      message: `The folder for temporary files, ${place}, cannot be written: ${reasonOf(error)}. ${advice}`,
    }
  }
}

/** A leftover in the folder for temporary files is no reason to fail. */
export function removeScratchFolder(place: string): void {
  try {
    rmSync(place, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  } catch {
    // Something that a test has left there still writes, or may not be touched.
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return REASONS[code ?? ''] ?? message
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the disk',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file',
}

export function runFolder(reportsDir: string, runId: string): RunFolder {
  const folder = path.join(reportsDir, runId)
  return {
    path: folder,
    journal: path.join(folder, 'journal.ndjson'),
    junit: path.join(folder, 'junit.xml'),
    summaryJson: path.join(folder, 'summary.json'),
    summaryMarkdown: path.join(folder, 'summary.md'),
    html: path.join(folder, 'report.html'),
    ctrf: path.join(folder, 'ctrf.json'),
    trace: path.join(folder, 'trace.json'),
    metrics: path.join(folder, 'metrics.prom'),
    services: path.join(folder, 'services'),
  }
}

/**
 * Points `latest` at a run, in one step: a reader finds the old run or the new one, never none. Returns a note when the
 * link cannot be made; the run goes on without it.
 */
export function pointLatest(reportsDir: string, runId: string): string | null {
  const link = path.join(reportsDir, 'latest')
  const fresh = path.join(reportsDir, `.latest-${runId}`)
  try {
    symlinkSync(runId, fresh, 'dir')
    renameSync(fresh, link)
    return null
  } catch (error) {
    rmSync(fresh, { force: true })
    return `${link} still points elsewhere: ${(error as Error).message}`
  }
}

/** GitHub drops the whole summary of a step above this size, bytes. */
const STEP_SUMMARY_LIMIT = 1024 * 1024

/** Appends to the file of GITHUB_STEP_SUMMARY. Returns a note when that is not possible. */
export function appendStepSummary(file: string, markdown: string): string | null {
  const text = `${markdown.trimEnd()}\n\n`
  try {
    const stats = statSync(file, { throwIfNoEntry: false })
    // Nobody may ever read it, and writing waits until then. /dev/stdout may be a pipe too, and is read.
    if (stats?.isFIFO() && !/^\/(?:dev|proc)\//.test(file)) {
      return 'the summary was not added to GITHUB_STEP_SUMMARY: it is a pipe, not a file'
    }
    const before = stats?.size ?? 0
    if (before + Buffer.byteLength(text) >= STEP_SUMMARY_LIMIT) {
      return 'the summary was not added to GITHUB_STEP_SUMMARY: it would be over 1 MiB, and GitHub would drop all of it'
    }
    appendFileSync(file, text)
    return null
  } catch (error) {
    return `the summary was not added to GITHUB_STEP_SUMMARY: ${(error as Error).message}`
  }
}
