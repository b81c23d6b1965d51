import { unreachable, type Cause } from '../../core/ending.ts'
import type { ErrorRecord, Stamped } from '../../core/events.ts'
import type { AttemptRecord, RunRecord } from '../../core/record.ts'
import { errorTitle, signature } from '../failures.ts'
import { plural, printable, printableLines } from '../format.ts'
import { endingWords, outcomeWord } from '../words.ts'
import { placeOf } from './code-frame.ts'
import { symbolStyle, type Paint } from './paint.ts'

/** Lines of one message and its diff together. */
const MESSAGE_LINES = 40
const STACK_LINES = 5
const OUTPUT_LINES = 20
/** A file may print a gigabyte; its end is looked for in this much of it. */
const OUTPUT_CHARACTERS = 20_000
const ERRORS = 3
const NAMES = 5
/** Failures with one message that are printed in full; the others in two lines. */
const ALIKE = 3
/** Failures printed at all: whoever broke more than this fixes the first ones first. */
const MOST = 200

export interface FailureOptions {
  /** Absolute path of the project: sources are shown from below it only. */
  readonly root: string
  readonly paint: Paint
  readonly colours: boolean
}

type FileEnded = Extract<Stamped, { type: 'file-ended' }>
type TestEnded = Extract<Stamped, { type: 'test-ended' }>

/** Turns what fails into lines, as it happens, and keeps them from burying the rest of the output. */
export class FailurePrinter {
  readonly #root: string
  readonly #paint: Paint
  readonly #colours: boolean
  readonly #alike = new Map<string, number>()
  readonly #causes = new Set<string>()
  #printed = 0

  constructor({ root, paint, colours }: FailureOptions) {
    this.#root = root
    this.#paint = paint
    this.#colours = colours
  }

  test({ file, tier, attempt, test }: TestEnded, record: RunRecord): string[] {
    if (test.outcome !== 'failed' && test.outcome !== 'timed-out') return []
    const heading = this.#heading(
      '✗',
      outcomeWord(test.outcome),
      `${file} > ${test.name}`,
      where(record, tier, file, attempt),
    )
    return this.#bounded(() => [heading, ...this.#errors(test.errors)])
  }

  /** What a file's end says beyond its tests: its own errors, crashes, deadlines, infrastructure, the last of its output. */
  file(event: FileEnded, record: RunRecord): string[] {
    const { ending, file, tier, attempt } = event
    const { symbol, word, detail } = endingWords(ending, tier)
    const place = where(record, tier, file, attempt)
    const attempted = record.tiers
      .get(tier)
      ?.files.get(file)
      ?.attempts.findLast((one) => one.attempt === attempt)
    const heading = (): string => this.#heading(symbol, word, file, place, sayRunning(detail, event.running))
    switch (ending.kind) {
      case 'passed':
      case 'cancelled':
      case 'not-run':
        return event.errors.length === 0 ? [] : this.#bounded(() => [heading(), ...this.#errors(event.errors)])
      case 'failed': {
        if (event.errors.length === 0) return this.#bounded(() => this.#output(file, attempted))
        return this.#bounded(() => [heading(), ...this.#errors(event.errors), ...this.#output(file, attempted)])
      }
      case 'timed-out':
      case 'crashed':
      case 'no-tests':
        return this.#bounded(() => [heading(), ...this.#errors(event.errors), ...this.#output(file, attempted)])
      case 'infrastructure':
        return [...this.cause(ending.cause), ...this.#bounded(() => [heading()])]
      case 'lease-lost':
        return this.#bounded(() => [heading()])
      default:
        return unreachable(ending)
    }
  }

  stray(error: ErrorRecord, tier: string): string[] {
    const heading = this.#heading('✗', 'failed', 'an error outside of any file', `tier ${printable(tier)}`)
    return this.#bounded(() => [heading, ...this.#errors([error])])
  }

  /** A cause with its remedy, once. */
  cause(cause: Cause): string[] {
    const key = `${cause.code} ${cause.message}`
    if (this.#causes.has(key)) return []
    this.#causes.add(key)
    const paint = this.#paint
    const { lines, more } = printableLines(cause.message, MESSAGE_LINES)
    const remedy = printableLines(cause.remedy, MESSAGE_LINES).lines
    return [
      `${paint(['yellow', 'bold'], '! infrastructure')} ${paint('bold', cause.code)}`,
      ...indent([...lines, ...moreLines(more)]),
      ...indent(remedy.map((line, at) => (at === 0 ? `what to do: ${line}` : line))),
    ]
  }

  #bounded(lines: () => string[]): string[] {
    if (this.#printed > MOST) return []
    const block = lines()
    if (block.length > 0 && ++this.#printed > MOST) {
      return [this.#paint('yellow', `! more than ${MOST} failures: the others are in junit.xml`)]
    }
    return block
  }

  #heading(symbol: '✓' | '✗' | '!' | '-', word: string, what: string, where: string, detail = ''): string {
    const paint = this.#paint
    const style = symbolStyle(symbol)
    const tail = detail === '' ? '' : `: ${detail}`
    return `${paint([style, 'bold'], `${symbol} ${word}`)} ${paint('bold', printable(what))}${tail} ${paint('gray', `(${where})`)}`
  }

  #errors(errors: readonly ErrorRecord[]): string[] {
    const lines = errors.slice(0, ERRORS).flatMap((error) => this.#error(error))
    const more = errors.length - ERRORS
    return more > 0 ? [...lines, ...indent([`and ${plural(more, 'more error')} in junit.xml`])] : lines
  }

  #error(error: ErrorRecord): string[] {
    const title = errorTitle(error)
    const key = signature(title)
    const seen = (this.#alike.get(key) ?? 0) + 1
    this.#alike.set(key, seen)
    if (seen > ALIKE) return indent([title, this.#paint('gray', 'like the failures above')])
    return indent([...this.#message(error, title), ...this.#source(error)])
  }

  #message(error: ErrorRecord, title: string): string[] {
    const paint = this.#paint
    const message = printableLines(error.message.trimStart(), MESSAGE_LINES)
    const said = message.lines.slice(1)
    const diff = printableLines(error.diff ?? '', MESSAGE_LINES - message.lines.length)
    const changes = error.diff === null ? [] : diff.lines.map((line) => paintDiff(line, paint))
    return [
      ...(error.suite === undefined ? [] : [printable(`in suite ${error.suite}`)]),
      paint('red', title),
      ...said,
      ...changes,
      ...moreLines(message.more + (error.diff === null ? 0 : diff.more)),
    ]
  }

  #source(error: ErrorRecord): string[] {
    const place = placeOf(error.frames, this.#root, this.#colours)
    if (place) {
      const at = `at ${printable(place.file)}:${place.line}${place.column > 0 ? `:${place.column}` : ''}`
      return [this.#paint('gray', at), ...place.code]
    }
    const frames = (error.stack ?? '').split('\n').filter((line) => /^\s*at /u.test(line))
    return frames.slice(0, STACK_LINES).map((line) => this.#paint('gray', printable(line.trim())))
  }

  /** The end of what a failed file printed: often the only trace of what happened. */
  #output(file: string, attempt: AttemptRecord | undefined): string[] {
    const text = tail(attempt?.output ?? []).trimEnd()
    if (text === '') return []
    const lines = text.split(/\r?\n/u)
    const last = lines.slice(-OUTPUT_LINES).map((line) => printable(line.replaceAll('\t', '  ')))
    const which = lines.length > last.length ? `, its last ${last.length} lines` : ''
    return indent([this.#paint('gray', `output of ${printable(file)}${which}:`), ...last.map((line) => `| ${line}`)])
  }
}

/** The last pieces of an output, enough of them for the lines that are shown. */
function tail(output: AttemptRecord['output']): string {
  let text = ''
  for (let at = output.length - 1; at >= 0 && text.length < OUTPUT_CHARACTERS; at--) {
    text = output[at]!.text.slice(-OUTPUT_CHARACTERS) + text
  }
  return text
}

function where(record: RunRecord, tierName: string, file: string, attempt: number): string {
  const tier = record.tiers.get(tierName)
  const tried = tier?.files.get(file)?.attempts.findLast((one) => one.attempt === attempt)
  const parts = [`tier ${printable(tierName)}`]
  if (tried) parts.push(`shard ${tried.shard}`)
  if (tried && tried.database !== null) parts.push(`db ${tried.database}`)
  const planned = tier?.files.get(file)?.plan
  const retries = tier?.suites.find(({ name }) => name === planned?.suite)?.retries ?? tier?.settings.retries ?? 0
  if (planned?.repeated) parts.push(`repetition ${attempt}`)
  else if (retries > 0) parts.push(`attempt ${attempt} of up to ${retries + 1}`)
  return parts.join(', ')
}

function sayRunning(detail: string, running: readonly string[]): string {
  if (running.length === 0) return detail
  const names = running.slice(0, NAMES).map(printable)
  const more = running.length > NAMES ? ` and ${running.length - NAMES} more` : ''
  return `${detail === '' ? '' : `${detail}, `}running: ${names.join(', ')}${more}`
}

function paintDiff(line: string, paint: Paint): string {
  if (line.startsWith('-')) return paint('green', line)
  return line.startsWith('+') ? paint('red', line) : line
}

function moreLines(more: number): string[] {
  return more > 0 ? [`${plural(more, 'more line')} in junit.xml`] : []
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '' : `    ${line}`))
}
