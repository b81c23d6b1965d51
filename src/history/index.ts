import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { makeFolder, notPlain } from '../core/files.ts'
import type { FileHistory, History, Past } from '../core/ports.ts'
import { median } from '../core/quantile.ts'
import type { RunRecord } from '../core/record.ts'
import { combine } from './combine.ts'
import { emptyHistory, parse, serialise, type HistoryData, type Parsed } from './data.ts'
import { withLock } from './lock.ts'
import { addRun } from './merge.ts'
import { pastOf } from './past.ts'
import { durationsOf, passingSamples, unpackSamples, unpackTests, type TestColumns } from './samples.ts'

/**
 * The expected duration of a file is the median of so many passing attempts. A median, because one run on a busy
 * machine must not move it; five, because it then follows a real change within three runs; passing ones, because a
 * failing file stops early or waits for its timeouts.
 */
const RUNS_EXPECTED_FROM = 5

/** How long to wait for another run that writes the same history, ms. */
const LOCK_WAIT_MS = 5000

export interface OpenHistory {
  readonly history: History
  /** What the history says up to and with a run, which need not be in it. */
  readonly past: (record: RunRecord) => Past
  readonly notes: string[]
}

/** Reads the timings of past runs. A missing file is an empty history; an unreadable one too, with a note for the user. */
export async function openHistory(file: string): Promise<OpenHistory> {
  const read = await readHistory(file)
  const data = read.kind === 'ok' ? read.data : emptyHistory()
  const opened = { history: view(data), past: (record: RunRecord) => pastOf(data, record) }
  if (read.kind === 'ok' || read.kind === 'missing') return { ...opened, notes: [] }
  const then = read.kind === 'damaged' ? '; it will be replaced at the end of this run' : ''
  return { ...opened, notes: [`${file} cannot be read (${read.problem}): planning without timings${then}`] }
}

export type Merged =
  | { readonly ok: true; readonly runs: number; readonly tests: number }
  /** Nothing was written. */
  | { readonly ok: false; readonly message: string }

/**
 * Adds histories to the one at `into`, which need not exist: those that the nodes of a CI matrix wrote each for itself.
 * Merging the same ones again changes nothing, and neither does their order. One that is missing or damaged spoils the
 * whole: half a merge looks like a whole one.
 */
export async function mergeHistories(into: string, files: readonly string[]): Promise<Merged> {
  const all: HistoryData[] = []
  for (const file of files) {
    const read = await readHistory(file)
    if (read.kind !== 'ok') return { ok: false, message: unreadable(file, read) }
    all.push(read.data)
  }
  try {
    makeFolder(path.dirname(into))
    const locked = await withLock(`${into}.lock`, LOCK_WAIT_MS, async (): Promise<Merged> => {
      const before = await readHistory(into)
      if (before.kind !== 'ok' && before.kind !== 'missing') return { ok: false, message: unreadable(into, before) }
      const data = combine(...all, ...(before.kind === 'ok' ? [before.data] : []))
      await replace(into, serialise(data))
      return { ok: true, ...sizeOf(data) }
    })
    return locked.ok ? locked.value : { ok: false, message: `${into} is in use by ${locked.holder}. Try again later.` }
  } catch (error) {
    return { ok: false, message: `${into} cannot be written: ${(error as Error).message}` }
  }
}

function unreadable(file: string, read: Exclude<Read, { kind: 'ok' }>): string {
  return read.kind === 'missing'
    ? `There is no file ${file}. Nothing was merged.`
    : `${file} cannot be read as a history (${read.problem}). Nothing was merged.`
}

function sizeOf(data: HistoryData): { runs: number; tests: number } {
  const runs = new Set<string>()
  let tests = 0
  for (const tier of data.tiers.values()) {
    for (const { id } of tier.runs) runs.add(id)
    for (const file of tier.files.values()) tests += unpackTests(file.tests, 0).size
  }
  return { runs: runs.size, tests }
}

export type RecordedHistory = Pick<OpenHistory, 'past' | 'notes'>

/**
 * Adds runs to the history on disk, which another run may have changed since it was opened. Recording a run again
 * changes nothing. Nothing here fails a run: whatever goes wrong is a note, and the file is left as it was.
 *
 * @returns with what the history says after it
 */
export async function recordHistory(file: string, ...records: readonly RunRecord[]): Promise<RecordedHistory> {
  const { data, notes } = records.length === 0 ? { data: null, notes: [] } : await record(file, records)
  if (data === null) return { past: (await openHistory(file)).past, notes }
  return { past: (of) => pastOf(data, of), notes }
}

interface Updated {
  /** null: it is not known what is on disk. */
  readonly data: HistoryData | null
  readonly notes: string[]
}

async function record(file: string, records: readonly RunRecord[]): Promise<Updated> {
  try {
    makeFolder(path.dirname(file))
    const locked = await withLock(`${file}.lock`, LOCK_WAIT_MS, async () => await update(file, records))
    return locked.ok ? locked.value : lost(file, `is in use by ${locked.holder}`)
  } catch (error) {
    return lost(file, `cannot be written (${(error as Error).message})`)
  }
}

function lost(file: string, why: string): Updated {
  return { data: null, notes: [`${file} ${why}: the timings of this run are not recorded`] }
}

async function update(file: string, records: readonly RunRecord[]): Promise<Updated> {
  const read = await readHistory(file)
  if (read.kind === 'unreadable') return lost(file, `cannot be read (${read.problem})`)
  const data = read.kind === 'ok' ? read.data : emptyHistory()
  const changed = records.map((one) => addRun(data, one))
  if (!changed.includes(true)) return { data, notes: [] }
  const notes: string[] = []
  if (read.kind === 'damaged') {
    await rename(file, `${file}.bad`)
    notes.push(`${file} could not be read (${read.problem}): it was replaced, and the old one kept as ${file}.bad`)
  }
  await replace(file, serialise(data))
  return { data, notes }
}

/** The file is whole at every moment: it is written beside its place and renamed. */
async function replace(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`
  try {
    await writeFile(temporary, text, { flush: true })
    await rename(temporary, file)
  } finally {
    await rm(temporary, { force: true })
  }
}

type Read =
  | { readonly kind: 'ok'; readonly data: HistoryData }
  | { readonly kind: 'missing' }
  /** Not what we wrote. */
  | { readonly kind: 'damaged'; readonly problem: string }
  /** We cannot even look at it. */
  | { readonly kind: 'unreadable'; readonly problem: string }

async function readHistory(file: string): Promise<Read> {
  let text: string
  try {
    const problem = notPlain(file, await stat(file))
    if (problem !== null) return { kind: 'unreadable', problem }
    text = await readFile(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? { kind: 'missing' } : { kind: 'unreadable', problem: message }
  }
  const parsed: Parsed = parse(text)
  return parsed.ok ? { kind: 'ok', data: parsed.data } : { kind: 'damaged', problem: parsed.problem }
}

/** What the other rooms may ask; unpacks only what is asked for. */
function view(data: HistoryData): History {
  // Tests are asked for file by file: those of the last file stay unpacked.
  let last: { readonly samples: string; readonly tests: string; readonly columns: TestColumns } | null = null
  return {
    file(tier, id) {
      const past = data.tiers.get(tier)?.files.get(id)
      return past ? fileHistory(past.samples) : null
    },
    test(tier, file, name) {
      const past = data.tiers.get(tier)?.files.get(file)
      if (!past) return []
      if (last?.tests !== past.tests || last.samples !== past.samples) {
        last = { ...past, columns: unpackTests(past.tests, unpackSamples(past.samples).length) }
      }
      return durationsOf(last.columns.get(name) ?? [])
    },
  }
}

function fileHistory(samples: string): FileHistory | null {
  const { total, lastMs } = passingSamples(samples, RUNS_EXPECTED_FROM)
  return lastMs.length === 0 ? null : { expectedMs: median(lastMs), samples: total }
}
