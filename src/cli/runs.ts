import { closeSync, existsSync, openSync, readSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'
import type { RunMeta } from '../core/events.ts'
import { namesIn } from '../core/files.ts'
import { tell, type Io } from './io.ts'
import { presence } from './process-mark.ts'
import { runFolder } from './run-folder.ts'

/** The runs in a reports folder, as far as their names and the ends of their journals tell. */

export type FoundRun =
  | { readonly ok: true; readonly folder: string; readonly run: string }
  | { readonly ok: false; readonly message: string }

/** The folder of a run that a user named by its id or its path; null: the newest. */
export function findRun(named: string | null, reportsDir: string, cwd: string): FoundRun {
  const places =
    named === null ? [path.join(reportsDir, 'latest')] : [path.join(reportsDir, named), path.resolve(cwd, named)]
  const place = places.find((folder) => existsSync(path.join(folder, 'journal.ndjson')))
  if (place === undefined) return { ok: false, message: noSuchRun(named, reportsDir) }
  const folder = realpathSync(place)
  return { ok: true, folder, run: path.basename(folder) }
}

export type FoundRuns =
  | { readonly ok: true; readonly runs: readonly Extract<FoundRun, { ok: true }>[] }
  | { readonly ok: false; readonly message: string }

/**
 * The runs that a user named by ids or paths, each once; without a name, the newest. A folder that is no run stands for
 * the runs in it: what a node of a CI matrix has uploaded of its reports folder.
 */
export function findRuns(named: readonly string[], reportsDir: string, cwd: string): FoundRuns {
  if (named.length === 0) {
    const newest = findRun(null, reportsDir, cwd)
    return newest.ok ? { ok: true, runs: [newest] } : newest
  }
  const byId = new Map<string, Extract<FoundRun, { ok: true }>>()
  for (const name of named) {
    const found = findRun(name, reportsDir, cwd)
    const folders = found.ok ? [found.folder] : runFoldersIn(path.resolve(cwd, name))
    if (!found.ok && folders.length === 0) return found
    for (const folder of folders) {
      const journal = path.join(folder, 'journal.ndjson')
      const id = headOf(journal)?.run ?? path.basename(folder)
      const known = byId.get(id)
      // `latest` is a copy where an upload has followed the link. Of two copies of a journal the longer says more.
      if (known && statSync(path.join(known.folder, 'journal.ndjson')).size >= statSync(journal).size) continue
      byId.set(id, { ok: true, folder: realpathSync(folder), run: id })
    }
  }
  return { ok: true, runs: [...byId.values()] }
}

function noSuchRun(named: string | null, reportsDir: string): string {
  const runs = runsIn(reportsDir)
  if (runs.length === 0) {
    return named === null
      ? `There is no run in ${reportsDir} yet. \`tiershard run\` makes one.`
      : `There is no run "${named}": no folder of that name holds a journal, and there is no run in ${reportsDir}.`
  }
  const newest = `The newest ${runs.length === 1 ? 'is' : 'are'} ${runs.slice(-3).toReversed().join(', ')}.`
  return named === null
    ? `${path.join(reportsDir, 'latest')} points nowhere; name a run. ${newest}`
    : `There is no run "${named}" in ${reportsDir}. ${newest}`
}

/** The ids of the runs, oldest first. */
function runsIn(reportsDir: string): string[] {
  return runFoldersIn(reportsDir)
    .map((folder) => path.basename(folder))
    .filter((name) => name !== 'latest')
}

/** The folders with a journal, by name; also `latest`, which sorts behind the runs. */
function runFoldersIn(folder: string): string[] {
  return namesIn(folder)
    .toSorted()
    .map((name) => path.join(folder, name))
    .filter((run) => existsSync(path.join(run, 'journal.ndjson')))
}

/** So many of the newest runs are looked at: a reports folder may hold thousands. */
const LOOKED_AT = 10

/**
 * Says in one line which run before this one died: it has no reports, its process is gone, and nobody has gone on with
 * it since.
 *
 * @param except the run that the command itself is about
 */
export function tellOfDeadRuns(reportsDir: string, except: string | null, io: Io): void {
  const heads = runsIn(reportsDir)
    .slice(-LOOKED_AT)
    .map((run) => ({ run, head: headOf(runFolder(reportsDir, run).journal) }))
  const continued = new Set(heads.map(({ head }) => head?.continues))
  const dead = heads.filter(
    ({ run, head }) =>
      head?.process &&
      run !== except &&
      !continued.has(run) &&
      !existsSync(runFolder(reportsDir, run).summaryJson) &&
      presence(head.process) === 'gone',
  )
  const last = dead.at(-1)?.run
  if (last === undefined) return
  const others = dead.length > 1 ? ` (and ${dead.length - 1} before it)` : ''
  tell(
    io,
    `note: the run ${last}${others} died before its reports were written: \`tiershard report ${last}\` shows what is known, \`tiershard run --resume ${last}\` goes on with it`,
  )
}

/** Larger than any first line: it holds a command line and little more. */
const FIRST_LINE_BYTES = 64 * 1024

/** The first event of a journal; null when it cannot be read. */
function headOf(journal: string): RunMeta | null {
  try {
    const [line = ''] = beginning(journal).split('\n', 1)
    const event = JSON.parse(line) as Partial<RunMeta> & { type?: unknown }
    return event.type === 'run-started' ? (event as RunMeta) : null
  } catch {
    return null
  }
}

function beginning(file: string): string {
  if (!statSync(file).isFile()) return ''
  const fd = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(FIRST_LINE_BYTES)
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(fd)
  }
}
