/**
 * Makes any text fit for XML 1.0. The library escapes `&`, `<` and quotes, but it drops control characters, lets a lone
 * surrogate eat its neighbour, and splits only the first `]]>` of a CDATA section.
 */

/**
 * The longest text in one place, in characters; the middle of a longer one is left out. libxml2, on which many readers
 * stand, refuses a text node of more than 10,000,000 bytes, and with it the whole report; a character takes four at most.
 */
export const MAX_TEXT = 2_000_000

// With the flag u a lone surrogate is a character of its own, and not in these ranges.
const NOT_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu

// Colours and cursor movements of a terminal: without their escape character they would be left as rubble.
// oxlint-disable-next-line no-control-regex
const CONTROL_SEQUENCE = /\u{1b}\[[\d;:?]*[A-Za-z]/gu

/** Lone surrogates and characters that XML cannot hold become U+FFFD; everything else stays as it is. */
export function clean(text: string): string {
  return shortened(text).replaceAll(NOT_XML, '\u{fffd}')
}

/** The same for what was written for a terminal: colours go without a trace. */
export function cleanOutput(text: string): string {
  return clean(text.includes('\u{1b}') ? text.replaceAll(CONTROL_SEQUENCE, '') : text)
}

/** For a CDATA section. The library splits the first `]]>` by itself; split twice, it would read wrong. */
export function forCdata(text: string): string {
  const cleaned = cleanOutput(text)
  const first = cleaned.indexOf(']]>')
  if (first === -1) return cleaned
  const rest = first + ']]>'.length
  return cleaned.slice(0, rest) + cleaned.slice(rest).replaceAll(']]>', ']]]]><![CDATA[>')
}

function shortened(text: string): string {
  if (text.length <= MAX_TEXT) return text
  const half = MAX_TEXT / 2
  const left = text.length - MAX_TEXT
  return `${text.slice(0, half)}\n[${left} characters left out; the journal has them]\n${text.slice(-half)}`
}

/** Gives every text a form that it gave to none before: `a`, `a #2`, `a #3`. */
export function uniqueNames(): (name: string) => string {
  const given = new Set<string>()
  /** The next number to try for a name, so that 10,000 equal ones are not tried from 2 each time. */
  const next = new Map<string, number>()
  return (name) => {
    let candidate = name
    for (let n = next.get(name) ?? 2; given.has(candidate); n++) {
      candidate = `${name} #${n}`
      next.set(name, n + 1)
    }
    given.add(candidate)
    return candidate
  }
}

/** A time in ms since 1970 with its zone, which the library leaves out; null when it is unknown or none that exists. */
export function isoTime(ms: number | null): string | null {
  const date = new Date(ms ?? Number.NaN)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
