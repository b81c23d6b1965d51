import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { ProcessMark, Stamped } from '../../../src/core/events.ts'
import { ownMark } from '../../../src/cli/process-mark.ts'
import { tiershard } from '../../../src/cli/program.ts'
import type { Finished } from './binary.ts'
import { fakeIo } from './io.ts'

/** Puts a run into a reports folder that no process has made. */
export function placeRun(reportsDir: string, run: string, events: readonly Stamped[]): string {
  const folder = path.join(reportsDir, run)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'journal.ndjson'), events.map((event) => `${JSON.stringify(event)}\n`).join(''))
  return folder
}

/** The mark of a process of this machine that is gone: no system numbers so high. */
export function goneMark(): ProcessMark {
  return { ...ownMark(), pid: 2 ** 22 + 1 }
}

/** Runs a command inside of the test's process: for commands that start no engine. */
export async function inProcess(cwd: string, argv: readonly string[]): Promise<Finished> {
  const { io, stdout, stderr } = fakeIo(argv, cwd)
  const exitCode = await tiershard(io)
  return { exitCode, stdout: stdout(), stderr: stderr() }
}

/** The ids of the runs in a project, or in another folder of reports, oldest first. */
export function runsOf(cwd: string, reports = 'reports'): string[] {
  return readdirSync(path.join(cwd, reports))
    .filter((name) => /^\d{8}-/.test(name))
    .toSorted()
}

/** The journal of a run, by line. */
export function journalLines(folder: string): string[] {
  return readFileSync(path.join(folder, 'journal.ndjson'), 'utf8').trimEnd().split('\n')
}

/** Adds to a journal what its writer had no time to end. */
export function tear(folder: string, text: string): void {
  appendFileSync(path.join(folder, 'journal.ndjson'), text)
}
