import { stripVTControlCharacters } from 'node:util'
import prettyMs from 'pretty-ms'
import stringWidth from 'string-width'

/** Text for people: durations, counts, and strings from outside made safe and short enough for a terminal. */

const MINUTE = 60_000

/** A duration as options and config write it: `450ms`, `12.3s`, `4m 5s`, `2h 10m`. Takes ms. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '?'
  const whole = Math.max(0, Math.round(ms))
  return prettyMs(whole, { secondsDecimalDigits: whole < MINUTE ? 1 : 0, unitCount: 2, hideYearAndDays: true })
}

/** A duration that is still growing, in whole seconds: `0s`, `12s`, `1m 5s`. Takes ms. */
export function elapsed(ms: number): string {
  const whole = Math.floor(Math.max(0, ms) / 1000) * 1000
  return whole === 0 ? '0s' : duration(whole)
}

/** `640 B`, `14 kB`, `3.2 MB`, `1.5 GB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`
  return bytes < 1e9 ? `${(bytes / 1_000_000).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

/** `1 file`, `3 files`. */
export function plural(count: number, word: string, many = `${word}s`): string {
  return `${count} ${count === 1 ? word : many}`
}

/** A part of a whole as `7%`; `<1%` when it would round to nothing. */
export function percent(part: number): string {
  const value = Math.round(part * 100)
  return value === 0 && part > 0 ? '<1%' : `${value}%`
}

// ---- width -------------------------------------------------------------------------------------------------------

const segmenter = new Intl.Segmenter()
const NOT_ASCII = /[^\u{20}-\u{7e}]/u

/**
 * Columns that a text without escape sequences may take. Terminals disagree about joined emoji: one draws a family as
 * two columns, another each of its members. The larger number is taken, so that a line that fits here fits everywhere.
 */
export function displayWidth(text: string): number {
  if (!NOT_ASCII.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += clusterWidth(segment)
  return width
}

function clusterWidth(cluster: string): number {
  if (cluster.length === 1) return stringWidth(cluster)
  let parts = 0
  for (const character of cluster) parts += stringWidth(character)
  return Math.max(parts, stringWidth(cluster))
}

/** A letter with marks piled on it takes one column however many they are: beyond this length it is not drawn. */
const LONGEST_CLUSTER = 32

/** Cuts a text to at most `width` columns, marking the cut with `…`. */
export function cut(text: string, width: number): string {
  return fit(text, width, 'end')
}

/** The same from the other side: of a path the end says more than the beginning. */
export function cutStart(text: string, width: number): string {
  return fit(text, width, 'start')
}

function fit(text: string, width: number, side: 'start' | 'end'): string {
  if (width <= 0) return ''
  // No column takes more than a cluster: what is beyond this many characters cannot be needed.
  const most = (width + 1) * LONGEST_CLUSTER
  const bounded = text.length <= most ? text : side === 'end' ? text.slice(0, most) : text.slice(-most)
  if (!NOT_ASCII.test(bounded)) {
    if (bounded.length <= width) return bounded
    return side === 'end' ? `${bounded.slice(0, width - 1)}…` : `…${bounded.slice(bounded.length - width + 1)}`
  }
  const clusters = Array.from(segmenter.segment(bounded), ({ segment }) =>
    segment.length > LONGEST_CLUSTER ? '\u{fffd}' : segment,
  )
  const widths = clusters.map(clusterWidth)
  const whole = widths.reduce((sum, columns) => sum + columns, 0)
  if (whole <= width && bounded.length === text.length) return clusters.join('')
  if (side === 'start') {
    clusters.reverse()
    widths.reverse()
  }
  let used = 1
  let kept = 0
  while (kept < clusters.length && used + widths[kept]! <= width) used += widths[kept++]!
  const part = clusters.slice(0, kept)
  return side === 'end' ? `${part.join('')}…` : `…${part.toReversed().join('')}`
}

/** Fills a text up with spaces to `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const gap = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'left' ? text + gap : gap + text
}

// ---- text from outside -------------------------------------------------------------------------------------------

/** What can move the cursor, set a title, reverse the direction of a line, or is no character at all. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/** Longer names and lines than this are nobody's reading matter; whole they are in junit.xml. */
const LONGEST_LINE = 2000

/**
 * One line of printable text from a name or message that may hold anything: colours and other escape sequences are
 * removed, what is left of control characters is made visible (`\n`, `\x1b`, `\u{202e}`).
 */
export function printable(text: string): string {
  const bounded = text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}…` : text
  return stripVTControlCharacters(bounded).replaceAll(UNPRINTABLE, visible)
}

function visible(character: string): string {
  switch (character) {
    case '\n':
      return '\\n'
    case '\r':
      return '\\r'
    case '\t':
      return '\\t'
    default: {
      const code = character.codePointAt(0)!
      const hex = code.toString(16)
      return code <= 0xff ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`
    }
  }
}

/** Printable lines of a text, at most `most` of them, and how many more there were. */
export function printableLines(text: string, most: number): { readonly lines: string[]; readonly more: number } {
  const raw = text.replace(/\s+$/u, '').split(/\r?\n/u)
  const lines = raw.slice(0, most).map((line) => printable(line.replaceAll('\t', '  ')))
  return { lines, more: Math.max(0, raw.length - most) }
}
