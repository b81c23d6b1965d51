import { inspect, stripVTControlCharacters } from 'node:util'
import type { ErrorRecord, StackFrame } from '../core/events.ts'

/** Longest text of one error's message or diff that is passed on, UTF-16 units. */
const MESSAGE_LIMIT = 256 * 1024
const STACK_LIMIT = 64 * 1024
/** Causes of causes that are printed. */
const CAUSE_DEPTH = 5

/** An error as vitest hands it out: serialised in the worker, of any shape that a test may throw. */
interface ThrownError {
  readonly name?: unknown
  readonly message?: unknown
  readonly stack?: unknown
  /** Frames that vitest has mapped to the sources. */
  readonly stacks?: unknown
  readonly diff?: unknown
  readonly cause?: unknown
}

/** Cuts a text that is too long for a report, and says so in it. */
export function cap(text: string, limit = MESSAGE_LIMIT): string {
  if (text.length <= limit) return text
  return `${text.slice(0, limit)}\n[tiershard: ${text.length - limit} more characters were left out]`
}

/** An error as reports need it. Never throws, whatever was thrown. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  if (typeof thrown !== 'object' || thrown === null) {
    return { name: 'Error', message: cap(printed(thrown)), stack: null, diff: null, frames: [] }
  }
  const error = thrown as ThrownError
  const name = typeof error.name === 'string' && error.name !== '' ? error.name : 'Error'
  const message = cap(typeof error.message === 'string' ? error.message : printed(error.message ?? thrown))
  const raw = typeof error.stack === 'string' ? error.stack : null
  const frames = mappedFrames(error.stacks) ?? parseFrames(raw ?? '')
  return {
    name,
    message,
    stack: stackText(name, message, frames, raw, error.cause),
    diff: typeof error.diff === 'string' && error.diff !== '' ? cap(stripVTControlCharacters(error.diff)) : null,
    frames,
  }
}

/** An error that the engine itself has to tell. */
export function engineError(message: string): ErrorRecord {
  return { name: 'Error', message: cap(message), stack: null, diff: null, frames: [] }
}

function printed(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 2, breakLength: 120 })
}

function stackText(
  name: string,
  message: string,
  frames: readonly StackFrame[],
  raw: string | null,
  cause: unknown,
): string | null {
  const lines = frames.map(({ method, file, line, column }) =>
    method ? `    at ${method} (${file}:${line}:${column})` : `    at ${file}:${line}:${column}`,
  )
  const head = `${name}: ${cap(message, STACK_LIMIT / 2)}`
  const own = frames.length > 0 ? [head, ...lines].join('\n') : raw
  const causes = causeText(cause)
  if (own === null && causes === '') return null
  return cap((own ?? head) + causes, STACK_LIMIT)
}

function causeText(cause: unknown): string {
  let text = ''
  for (let depth = 0; depth < CAUSE_DEPTH && cause !== undefined && cause !== null; depth++) {
    if (typeof cause !== 'object') return `${text}\nCaused by: ${printed(cause)}`
    const { name, message, stack, cause: next } = cause as ThrownError
    const said = typeof message === 'string' ? message : printed(cause)
    const frames = typeof stack === 'string' ? parseFrames(stack) : []
    text += `\nCaused by: ${typeof name === 'string' ? name : 'Error'}: ${said}`
    for (const { method, file, line, column } of frames) text += `\n    at ${method} (${file}:${line}:${column})`
    cause = next
  }
  return text
}

function mappedFrames(stacks: unknown): StackFrame[] | null {
  if (!Array.isArray(stacks)) return null
  return (stacks as Partial<StackFrame>[]).flatMap(({ method, file, line, column }) =>
    typeof file === 'string' ? [{ method: method ?? '', file, line: line ?? 0, column: column ?? 0 }] : [],
  )
}

/**
 * The frames of a raw stack that lie in the project. Workers map positions to the sources themselves, so that this is
 * only needed for errors that vitest does not parse (unhandled ones, and those of a worker that died).
 *
 * @internal for tests
 */
export function parseFrames(stack: string): StackFrame[] {
  // The frames come last; the message before them may be a megabyte.
  const tail = stack.slice(-STACK_LIMIT)
  return tail.split('\n').flatMap((text) => {
    const match = /^\s*at (?:(.*?) \()?(?:file:\/\/)?(\/.*?|[A-Za-z]:\\.*?):(\d+):(\d+)\)?$/.exec(text)
    if (!match) return []
    const [, method = '', file = '', line = '0', column = '0'] = match
    if (/\/node_modules\/(?:vitest|@vitest|vite)\//.test(file)) return []
    return [{ method, file, line: Number(line), column: Number(column) }]
  })
}
