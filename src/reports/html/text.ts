import { stripVTControlCharacters } from 'node:util'
import type { ErrorRecord } from '../../core/events.ts'
import type { PageError } from './data.ts'

/** Texts of tests on their way into the page: without escape sequences, and of a length that somebody may read. */

/** Longest message, diff and stack of one error, characters. What is beyond stands in the journal. */
const LONGEST = { message: 8000, diff: 8000, stack: 4000 } as const

/** Control characters but for tab and newline, and what would reverse the direction of a line. */
const UNPRINTABLE = /[^\P{Cc}\t\n]|[\p{Bidi_Control}\p{Cs}]/gu

/** Several lines of text, printable; what is too long is cut in the middle, because both ends matter. */
export function block(text: string, longest: number): string {
  const half = longest >> 1
  const cut = text.length - 2 * half
  const bounded = cut <= 0 ? text : `${text.slice(0, half)}\n[${cut} characters left out]\n${text.slice(-half)}`
  return stripVTControlCharacters(bounded.replaceAll('\r\n', '\n')).replaceAll(UNPRINTABLE, '\u{fffd}').trimEnd()
}

export function pageError(error: ErrorRecord): PageError {
  const { name, message, diff, suite } = error
  const titled = name === '' || message.startsWith(name) ? message : message === '' ? name : `${name}: ${message}`
  return {
    message: block(suite === undefined ? titled : `${titled}\n\nin suite ${suite}`, LONGEST.message),
    diff: diff === null ? '' : block(diff, LONGEST.diff),
    stack: block(stackOf(error), LONGEST.stack),
  }
}

/** The calls alone: the message is shown already. */
function stackOf({ stack, frames }: ErrorRecord): string {
  const calls = (stack ?? '').split('\n').filter((line) => /^\s*(?:at |❯ )/u.test(line))
  if (calls.length > 0) return calls.map((line) => line.trim()).join('\n')
  return frames
    .map(({ method, file, line, column }) => `at ${method === '' ? '' : `${method} `}${file}:${line}:${column}`)
    .join('\n')
}

/** An argument for a POSIX shell. */
export function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/u.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`
}
