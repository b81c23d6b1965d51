import { open, stat } from 'node:fs/promises'
import { notPlain } from '../../core/files.ts'
import { clean } from '../junit/text.ts'
import { XmlDecoder } from './decode.ts'
import { escapeText, escapeValue } from './escape.ts'
import { Flattener } from './flatten.ts'
import { InputNotes, type InputReport, type InputState } from './input.ts'
import { UniqueNames } from './names.ts'
import { MergedReport } from './report.ts'
import type { Totals } from './totals.ts'
import { XmlReader } from './xml.ts'

/** Small enough for strings that the garbage collector takes away at once: 124 MB for a million cases; 256 KB: 200 MB. */
const CHUNK = 32 * 1024

/** One report to read. */
export interface MergeInput {
  /** How it is called in the merged report and in messages. */
  readonly label: string
  readonly from:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'stream'; readonly stream: AsyncIterable<Buffer> }
    /** Known to be missing: a folder without reports, a glob without files. */
    | { readonly kind: 'missing'; readonly why: string }
  /** Whether it may be something else than JUnit: a file that was found in a folder. */
  readonly foreignAllowed: boolean
}

export interface MergeResult {
  /** The files that were written. */
  readonly output: readonly string[]
  /** Of the merged report, with the cases that mark damaged and missing inputs. */
  readonly totals: Totals
  readonly suites: number
  readonly inputs: readonly InputReport[]
  /** Files that are larger than the limit, because one case alone is. */
  readonly oversized: number
}

/**
 * Merges JUnit reports of any dialect into one, in one pass and bounded memory. Whatever is wrong with an input is
 * recovered from as far as it goes and said in its report; the input then has an `<error>` case of its own.
 *
 * @param splitBytes the most that one file may have; Infinity: everything in one file
 * @param signal ends the merge at once: whoever aborts it may end the process then
 * @returns rejects with the file system's error when the report cannot be written; nothing is left behind then
 */
export async function mergeReports(
  inputs: readonly MergeInput[],
  file: string,
  splitBytes: number,
  signal: AbortSignal,
): Promise<MergeResult> {
  const report = new MergedReport(file, splitBytes)
  const onAbort = (): void => report.discard()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const names = new UniqueNames()
    const reports: InputReport[] = []
    for (const input of inputs) {
      const read = await readInput(input, report, names, signal)
      if (read.state === 'partial' || read.state === 'missing') mark(read, report, names)
      reports.push(read)
    }
    const output = report.finish()
    return { output, totals: report.totals, suites: report.suites, inputs: reports, oversized: report.oversized }
  } catch (error) {
    report.discard()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Writes one report anew in the plain form of a merged one: suites one after the other, every verdict as an element. Names
 * stay as they are.
 *
 * @returns what was found in it; rejects with the file system's error when the file cannot be written
 */
export async function normalise(input: MergeInput, file: string): Promise<InputReport> {
  const names = new GivenNames()
  const report = new MergedReport(file, Infinity, names)
  try {
    const read = await readInput(input, report, names, new AbortController().signal)
    report.finish()
    return read
  } catch (error) {
    report.discard()
    throw error
  }
}

class GivenNames extends UniqueNames {
  override unique(_scope: string, name: string): string {
    return name
  }
}

async function readInput(
  input: MergeInput,
  report: MergedReport,
  names: UniqueNames,
  signal: AbortSignal,
): Promise<InputReport> {
  const notes = new InputNotes()
  const flattener: Flattener = new Flattener(input.label, report, names, notes, () => reader.currentLine)
  const reader = new XmlReader(flattener)
  const decoder = new XmlDecoder((message) => notes.problem(message, reader.currentLine))
  const failure = await feed(input, signal, (bytes) => reader.write(decoder.write(bytes)))
  let state: InputState = 'whole'
  if (failure === null || flattener.sawJUnit) {
    reader.write(decoder.end())
    reader.end()
  }
  const totals = flattener.finish()
  if (failure !== null) {
    notes.problem(failure, 0)
    state = flattener.sawJUnit ? 'partial' : 'missing'
  } else if (!flattener.sawJUnit && notes.problemCount === 0 && input.foreignAllowed) {
    state = 'ignored'
  } else {
    for (const { message, line } of flattener.strangers) notes.problem(message, line)
    if (!flattener.sawJUnit) notes.problem('there is no JUnit in it', 0)
    if (notes.problemCount > 0) state = 'partial'
  }
  return {
    path: input.label,
    state,
    totals,
    suites: flattener.suites,
    problems: notes.problems,
    problemCount: notes.problemCount,
    differences: notes.differences,
    differenceCount: notes.differenceCount,
    replacedCharacters: decoder.replaced,
    ...notes.counts,
    unknownElements: [...notes.unknownElements],
  }
}

/** Reads an input to its end. Returns why it could not be, in words; null when it could. */
async function feed({ from }: MergeInput, signal: AbortSignal, take: (bytes: Buffer) => void): Promise<string | null> {
  if (from.kind === 'missing') return from.why
  const chunks = (from.kind === 'file' ? chunksOf(from.path) : from.stream)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await chunks.next().catch(unreadable)
      signal.throwIfAborted()
      if (typeof next === 'string') return next
      if (next.done) return null
      take(next.value)
    }
  } finally {
    await chunks.return?.()
  }
}

function unreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ENOENT' ? 'there is no such file' : `it cannot be read: ${message}`
}

/** Every chunk lies in the same memory. */
async function* chunksOf(file: string): AsyncGenerator<Buffer, void> {
  const problem = notPlain(file, await stat(file))
  if (problem !== null) throw new Error(problem)
  const handle = await open(file)
  try {
    const buffer = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, CHUNK)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

/** The case that says in the merged report that an input is damaged or missing. */
function mark({ path, state, problems, problemCount }: InputReport, report: MergedReport, names: UniqueNames): void {
  const lines = problems.map(({ line, message }) => clean(line > 0 ? `line ${line}: ${message}` : message))
  const more = problemCount - problems.length
  const [first = ''] = lines
  const text = [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n')
  const what = state === 'missing' ? 'missing report' : 'partial report'
  const name = names.unique(path, `(${what})`)
  report.openSuite(`${path} (${what})`, '')
  report.beginUnit()
  report.write(`<testcase name="${escapeValue(name)}" classname="${escapeValue(path)}">`)
  report.write(`<error type="${state}" message="${escapeValue(first)}">${escapeText(text)}</error></testcase>`)
  report.endUnit('error', 0)
  report.closeSuite(null)
}
