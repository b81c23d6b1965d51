import { once } from 'node:events'
import { statSync } from 'node:fs'
import { glob, readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { EXIT } from '../core/verdict.ts'
import { clean } from '../reports/junit/text.ts'
import type { InputReport } from '../reports/merge/input.ts'
import { mergeReports, type MergeInput, type MergeResult } from '../reports/merge/merge.ts'
import { printJson, tell, type Io } from './io.ts'
import type { MergeOptions } from './options.ts'
import { listenForStop, signalExitCode } from './signals.ts'

/** `tiershard merge`: returns the exit code. */
export async function mergeCommand(words: readonly string[], options: MergeOptions, io: Io): Promise<number> {
  if (options.output === undefined) {
    tell(io, 'error: `tiershard merge` needs --output FILE: where the merged report goes.')
    return EXIT.usage
  }
  const output = path.resolve(io.cwd, options.output)
  const mistake = wrongOutput(output)
  if (mistake !== null) {
    tell(io, `error: ${mistake}`)
    return EXIT.usage
  }
  const inputs = await findInputs(words, output, io)
  const stop = listenForStop({
    first: () => {},
    again: (first) => io.exit(signalExitCode(first)),
  })
  let result: MergeResult | null
  try {
    // Somebody may wait for a stdin that never ends.
    result = await Promise.race([
      mergeReports(inputs, output, options.splitSize ?? Infinity, stop.signal),
      aborted(stop.signal),
    ])
    if (result === null) {
      tell(io, `${stop.received}: nothing was written`)
      io.exit(signalExitCode(stop.received!))
    }
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    tell(io, `error: the merged report cannot be written: ${error.message}`)
    return EXIT.infrastructure
  } finally {
    stop.close()
  }
  const bad = result.inputs.filter(({ state }) => state === 'partial' || state === 'missing')
  const exitCode = bad.length > 0 && !options.allowPartial ? EXIT.incomplete : EXIT.passed
  for (const line of linesFor(result, io.cwd)) tell(io, line)
  if (options.json) printJson(io, { version: 1, exitCode, ...result })
  return exitCode
}

async function aborted(signal: AbortSignal): Promise<null> {
  await once(signal, 'abort')
  return null
}

function wrongOutput(output: string): string | null {
  const folder = statSync(path.dirname(output), { throwIfNoEntry: false })
  if (!folder?.isDirectory()) return `There is no folder ${path.dirname(output)} for --output.`
  const present = statSync(output, { throwIfNoEntry: false })
  return present && !present.isFile() ? `--output ${output} is there already, and is no file.` : null
}

/** The reports that the words of the command line mean, in their order; each file once. */
async function findInputs(words: readonly string[], output: string, { cwd, stdin }: Io): Promise<MergeInput[]> {
  const inputs: MergeInput[] = []
  const known = new Set<string>()
  const missing = (word: string, why: string): void => {
    inputs.push({ label: clean(word), from: { kind: 'missing', why }, foreignAllowed: false })
  }
  const add = async (file: string, foreignAllowed: boolean): Promise<void> => {
    // By its real name: a folder and a glob may both find it.
    const real = await realpath(file).catch(() => file)
    if (known.has(real)) return
    known.add(real)
    const label = clean(path.relative(cwd, file).replaceAll(path.sep, '/'))
    inputs.push({ label, from: { kind: 'file', path: file }, foreignAllowed })
  }
  const isOwn = ownOutput(output)
  for (const word of new Set(words)) {
    const whole = path.resolve(cwd, word)
    // What cannot be looked at, such as a name that is too long, is told when it is read.
    const stats = await stat(whole).catch(() => null)
    if (word === '-') {
      inputs.push({ label: 'stdin', from: { kind: 'stream', stream: stdin }, foreignAllowed: false })
    } else if (stats?.isDirectory()) {
      const { xml, unreadable } = await lookInto(whole)
      for (const { folder, why } of unreadable) missing(path.relative(cwd, folder) || '.', why)
      const files = xml.filter((file) => !isOwn(file))
      if (files.length + unreadable.length === 0) missing(word, 'there is no .xml file in this folder')
      for (const file of files) await add(file, true)
    } else if (stats !== null || !/[*?{[]/.test(word)) {
      await add(whole, false)
    } else {
      const files = await filesLike(word, cwd)
      const reports = files.filter((file) => !isOwn(file) && !statSync(file, { throwIfNoEntry: false })?.isDirectory())
      if (reports.length === 0) missing(word, 'no file matches this pattern')
      for (const file of reports) await add(file, false)
    }
  }
  return inputs
}

/** What an earlier merge into the same place has left: it is not merged again when a folder or a glob finds it. */
function ownOutput(output: string): (file: string) => boolean {
  const { dir, name, ext } = path.parse(output)
  return (file) => {
    const found = path.parse(file)
    const rest = found.name.slice(name.length)
    return found.dir === dir && found.ext === ext && found.name.startsWith(name) && /^(?:-\d+)?$/.test(rest)
  }
}

async function filesLike(pattern: string, cwd: string): Promise<string[]> {
  const files: string[] = []
  for await (const file of glob(pattern, { cwd })) files.push(path.resolve(cwd, file))
  return files.toSorted()
}

/** The .xml files in a folder and in those inside of it, and which of them cannot be looked into. */
async function lookInto(
  whole: string,
): Promise<{ readonly xml: string[]; readonly unreadable: { readonly folder: string; readonly why: string }[] }> {
  const xml: string[] = []
  const unreadable: { folder: string; why: string }[] = []
  const folders = [whole]
  for (const folder of folders) {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: Error) => error)
    if (entries instanceof Error) {
      unreadable.push({ folder, why: `this folder cannot be read: ${entries.message}` })
      continue
    }
    for (const entry of entries) {
      const place = path.join(folder, entry.name)
      if (entry.isDirectory()) folders.push(place)
      else if (/\.xml$/i.test(entry.name)) xml.push(place)
    }
  }
  return { xml: xml.toSorted(), unreadable }
}

/** What people have to know: what is wrong with which input, then the totals. */
function linesFor({ inputs, totals, output, oversized }: MergeResult, cwd: string): string[] {
  const lines = inputs.flatMap(linesOf)
  if (oversized > 0) lines.push(`note: ${oversized} of the files are over --split-size: one case alone is.`)
  const { tests, failures, errors, skipped } = totals
  const states = (['partial', 'missing', 'ignored'] as const).flatMap((state) => {
    const count = inputs.filter((input) => input.state === state).length
    return count > 0 ? [`${count} ${state}`] : []
  })
  const counts = [
    `${tests - failures - errors - skipped} passed`,
    `${failures} failed`,
    `${errors} errors`,
    `${skipped} skipped`,
  ]
  const of = `${inputs.length} ${inputs.length === 1 ? 'report' : 'reports'}${states.length > 0 ? ` (${states.join(', ')})` : ''}`
  const to = output.map((file) => path.relative(cwd, file) || file).join(', ')
  return [...lines, `${of}: ${tests} tests, ${counts.join(', ')} -> ${to}`]
}

function linesOf(input: InputReport): string[] {
  const { path: name, state, problems, problemCount, differences, differenceCount } = input
  const [first] = problems
  const lines: string[] = []
  if (state === 'ignored') return [`note: ${name}: left alone, it is no JUnit report`]
  if (first !== undefined) {
    const more = problemCount > 1 ? ` (and ${problemCount - 1} more)` : ''
    lines.push(`${state}: ${name}${first.line > 0 ? `:${first.line}` : ''}: ${first.message}${more}`)
  }
  const [difference] = differences
  if (difference !== undefined) {
    const { suite, declared, counted } = difference
    const more = differenceCount > 1 ? ` (and ${differenceCount - 1} more suites)` : ''
    lines.push(`note: ${name}: "${suite}" declares ${said(declared)} and holds ${said(counted)}${more}`)
  }
  const notes = [
    [input.renamed, 'cases got a number, because others have their name'],
    [input.replacedCharacters, 'characters that XML cannot hold were replaced'],
    [input.cutTexts, 'texts were cut in the middle'],
    [input.wrongTimes, 'times are no number'],
    [input.unknownElements.length, `elements are not known, and kept: ${input.unknownElements.join(', ')}`],
  ] as const
  return [...lines, ...notes.filter(([count]) => count > 0).map(([count, text]) => `note: ${name}: ${count} ${text}`)]
}

function said(totals: Partial<Record<'tests' | 'failures' | 'errors' | 'skipped', number | undefined>>): string {
  const keys = ['tests', 'failures', 'errors', 'skipped'] as const
  return keys.flatMap((key) => (totals[key] === undefined ? [] : [`${totals[key]} ${key}`])).join(', ')
}
