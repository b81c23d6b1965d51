import { closeSync, fstatSync, fsync, fsyncSync, mkdirSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import { JOURNAL_VERSION, type Stamped } from '../core/events.ts'
import { notPlain } from '../core/files.ts'
import type { JournalSink } from '../core/ports.ts'
import { column, JOURNAL_FAILED } from '../core/verdict.ts'
import { parseLine } from './journal-shape.ts'

/** What has been written reaches the disk within so many ms, whatever it says; a failure at once. */
const SYNC_INTERVAL_MS = 1000

const NEWLINE = 0x0a

/** The journal of a run in the making. Nothing of it throws: a full disk must not end the tests. */
export interface Journal extends JournalSink {
  /**
   * To be called with every event after it was appended, as a listener of the run: what matters after a power cut
   * (failures, infrastructure, the end of the run) is synced to the disk at once, and everything else within a second;
   * in the background, one sync at a time, so that a hundred failures do not stall the run.
   */
  readonly see: (event: Stamped) => void
  /** The first thing that went wrong with the file, for the user; null while all is well. */
  readonly failure: string | null
}

/**
 * Opens a journal for appending; the folder is made when it is missing. Each line goes to the kernel in one write before
 * `append` returns, so that a run that is killed loses nothing. When the file cannot be opened, `failure` says why, and
 * what is appended goes nowhere.
 */
export function openJournal(file: string): Journal {
  let fd: number | null = null
  let failure: string | null = null
  /** Something that is not a whole line stands at the end of the file: the next line must not be glued to it. */
  let torn = false
  /** Lines that went nowhere since the last one that was written. */
  let lost = 0
  const failed = (what: string, error: unknown): void => {
    failure ??= `cannot ${what} ${file}: ${(error as Error).message}`
  }
  try {
    mkdirSync(path.dirname(file), { recursive: true })
    fd = openSync(file, 'a+')
    torn = endsTorn(fd)
  } catch (error) {
    failed('open', error)
  }
  const syncer = fd === null ? null : openSyncer(fd, (error) => failed('sync', error))

  return {
    append(line) {
      if (fd === null) return
      try {
        const gap = lost === 0 ? '' : `${gapLine(lost, failure)}\n`
        writeLine(fd, `${torn ? '\n' : ''}${gap}${line}\n`)
        torn = false
        lost = 0
      } catch (error) {
        torn = true
        lost++
        failed('write to', error)
      }
      syncer?.soon()
    },
    see(event) {
      if (isWorthSyncing(event)) syncer?.now()
    },
    close() {
      fd = null
      syncer?.close()
    },
    get failure() {
      return failure
    },
  }
}

/** Says in the journal itself that something is missing from it, once there is room again. */
function gapLine(lost: number, why: string | null): string {
  const message = `${lost} ${lost === 1 ? 'event' : 'events'} before this line could not be written: ${why}`
  const notice: Stamped = { at: Date.now(), type: 'notice', level: 'warning', code: JOURNAL_FAILED, message }
  return JSON.stringify(notice)
}

function isWorthSyncing(event: Stamped): boolean {
  if (event.type === 'test-ended') return column(event.test.outcome) === 'failed'
  if (event.type === 'file-ended') return event.ending.kind !== 'passed'
  return event.type === 'infrastructure' || event.type === 'run-ended'
}

interface Syncer {
  /** Within the interval. */
  soon(): void
  /** At once, or right after the sync that is under way. */
  now(): void
  close(): void
}

/** Syncs a file in the background, one sync at a time; owns the closing of it. */
function openSyncer(fd: number, onError: (error: Error) => void): Syncer {
  let timer: NodeJS.Timeout | null = null
  let busy = false
  let again = false
  let closed = false

  const now = (): void => {
    if (closed) return
    if (timer) clearTimeout(timer)
    timer = null
    if (busy) again = true
    else sync()
  }
  const sync = (): void => {
    busy = true
    fsync(fd, (error) => {
      busy = false
      if (error) onError(error)
      if (closed) return closeSync(fd)
      if (!again) return
      again = false
      sync()
    })
  }
  return {
    now,
    soon() {
      // The timer holds no run open: closing syncs whatever is left.
      if (!closed) timer ??= setTimeout(now, SYNC_INTERVAL_MS).unref()
    },
    close() {
      if (closed) return
      closed = true
      if (timer) clearTimeout(timer)
      try {
        fsyncSync(fd)
      } catch (error) {
        onError(error as Error)
      }
      if (!busy) closeSync(fd)
    },
  }
}

/** One write; what a nearly full disk did not take is tried again, so that the error says what is wrong. */
function writeLine(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  let written = writeSync(fd, bytes)
  while (written < bytes.length) written += writeSync(fd, bytes, written)
}

/** Whether the file ends in the middle of a line: its last writer was killed, or its disk was full. */
function endsTorn(fd: number): boolean {
  const { size } = fstatSync(fd)
  if (size === 0) return false
  const last = Buffer.alloc(1)
  readSync(fd, last, 0, 1, size - 1)
  return last[0] !== NEWLINE
}

/**
 * Reads what a journal holds. A line that is torn or damaged, or of a type that only a newer tiershard knows, is left
 * out with a note; a journal of a newer version, whose events may mean something else, is left out whole.
 */
export function readJournal(file: string): { events: Stamped[]; notes: string[] } {
  const { events, notes } = scanJournal(file)
  return { events, notes }
}

/** As {@link readJournal}; `damage` are those of the notes that say that something the run wrote cannot be read. */
export function scanJournal(file: string): { events: Stamped[]; notes: string[]; damage: string[] } {
  const events: Stamped[] = []
  const damaged: number[] = []
  const unknown = new Set<string>()
  let total = 0
  let torn = false
  try {
    for (const line of readLines(file)) {
      total++
      const parsed = parseLine(line.text)
      if (parsed.kind === 'event') {
        const { event } = parsed
        if (event.type === 'run-started' && event.version > JOURNAL_VERSION) {
          const note = newerVersion(file, event.version)
          return { events: [], notes: [note], damage: [note] }
        }
        events.push(event)
      } else if (parsed.kind === 'unknown') unknown.add(parsed.type)
      else if (line.whole) damaged.push(total)
      else torn = true
    }
  } catch (error) {
    const note = `${file} cannot be read: ${(error as Error).message}`
    return { events, notes: [note], damage: [note] }
  }
  const notes: string[] = []
  const damage: string[] = []
  if (total === 0) notes.push(`${file} is empty: the run was ended before its first event`)
  if (damaged.length > 0) {
    const lines =
      damaged.length === 1 ? `line ${damaged[0]} is` : `${damaged.length} lines (the first is ${damaged[0]}) are`
    notes.push(`${file}: ${lines} damaged and left out`)
    damage.push(`the journal is damaged: ${lines} left out`)
  }
  if (torn) notes.push(`${file}: the last line is torn and left out: its writer was ended in the middle of it`)
  if (unknown.size > 0) {
    notes.push(`${file}: events of a newer tiershard are left out (${[...unknown].toSorted().join(', ')})`)
  }
  return { events, notes, damage }
}

function newerVersion(file: string, version: number): string {
  return (
    `${file} is a journal of version ${version}, and this tiershard reads up to ${JOURNAL_VERSION}: ` +
    'use the tiershard that wrote it, or a newer one'
  )
}

/** The lines of a file that may be larger than any string, without the empty ones. `whole`: it ended with a newline. */
function* readLines(file: string): Generator<{ readonly text: string; readonly whole: boolean }> {
  const problem = notPlain(file, statSync(file))
  if (problem !== null) throw new Error(problem)
  const fd = openSync(file, 'r')
  try {
    let pieces: Buffer[] = []
    for (;;) {
      const chunk = Buffer.allocUnsafe(1 << 20)
      const size = readSync(fd, chunk, 0, chunk.length, null)
      if (size === 0) break
      let from = 0
      for (let to = chunk.indexOf(NEWLINE); to !== -1 && to < size; to = chunk.indexOf(NEWLINE, from)) {
        const text = textOf([...pieces, chunk.subarray(from, to)])
        pieces = []
        from = to + 1
        if (text !== '') yield { text, whole: true }
      }
      if (from < size) pieces.push(chunk.subarray(from, size))
    }
    const text = textOf(pieces)
    if (text !== '') yield { text, whole: false }
  } finally {
    closeSync(fd)
  }
}

function textOf(pieces: readonly Buffer[]): string {
  return pieces.length === 1 ? pieces[0]!.toString('utf8') : Buffer.concat(pieces).toString('utf8')
}
