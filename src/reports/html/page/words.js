/** How marks, times and amounts are written and drawn. Nothing here is said by colour alone: every mark has a sign and a word. */

/** @typedef {import('../data.ts').TestMark | import('../data.ts').FileMark} Mark */
/** @typedef {'good' | 'warn' | 'bad' | 'odd' | 'quiet'} Tone */

/** @type {Readonly<Record<Mark, { sign: string, word: string, tone: Tone }>>} */
export const MARKS = {
  p: { sign: '✓', word: 'passed', tone: 'good' },
  k: { sign: '↻', word: 'flaky', tone: 'warn' },
  f: { sign: '✗', word: 'failed', tone: 'bad' },
  t: { sign: '◷', word: 'timed out', tone: 'bad' },
  c: { sign: '✸', word: 'crashed', tone: 'bad' },
  e: { sign: '∅', word: 'no tests', tone: 'bad' },
  s: { sign: '–', word: 'skipped', tone: 'quiet' },
  q: { sign: '⊘', word: 'quarantined', tone: 'warn' },
  i: { sign: '■', word: 'interrupted', tone: 'quiet' },
  n: { sign: '○', word: 'not run', tone: 'quiet' },
  x: { sign: '!', word: 'infrastructure', tone: 'odd' },
  l: { sign: '!', word: 'lease lost', tone: 'odd' },
}

/** @typedef {'failed' | 'flaky' | 'notRun' | 'skipped' | 'passed'} Outcome */

/** @type {readonly { key: Outcome, word: string, mark: Mark, marks: string }[]} */
export const OUTCOMES = [
  { key: 'failed', word: 'failed', mark: 'f', marks: 'ftc' },
  { key: 'flaky', word: 'flaky', mark: 'k', marks: 'k' },
  { key: 'notRun', word: 'not run', mark: 'n', marks: 'in' },
  { key: 'skipped', word: 'skipped', mark: 's', marks: 'sq' },
  { key: 'passed', word: 'passed', mark: 'p', marks: 'pk' },
]

/**
 * A duration as the console writes it: `450ms`, `12.3s`, `4m 5s`, `2h 10m`.
 *
 * @param {number} ms in whole numbers: 0 is less than half of one
 */
export function duration(ms) {
  if (ms < 1) return '<1ms'
  if (ms < 1000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${Math.floor(ms / 100) / 10}s`
  const seconds = Math.floor(ms / 1000)
  const parts = /** @type {const} */ ([
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ])
  return parts
    .filter(([count]) => count > 0)
    .slice(0, 2)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

/** @param {number} count */
export function amount(count) {
  return count.toLocaleString('en-US')
}

/** @param {number} count @param {string} word @param {string} many */
export function plural(count, word, many = `${word}s`) {
  return `${amount(count)} ${count === 1 ? word : many}`
}

/** `640 B`, `14 kB`, `3.2 MB`, `1.5 GB`, as the console writes it. @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`
  return bytes < 1e9 ? `${(bytes / 1_000_000).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

/** @param {number} part 0 to 1 */
export function percent(part) {
  const value = Math.round(part * 100)
  return value === 0 && part > 0 ? '<1%' : `${value}%`
}

/** An argument for a POSIX shell. @param {string} argument */
export function quoted(argument) {
  return /^[\w@%+=:,./-]+$/u.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`
}

/** A regular expression that only this name matches; the number of a repeated name is ours and not the test's. @param {string} name */
export function patternOf(name) {
  return `^${name.replace(/ #\d+$/u, '').replaceAll(/[\\^$.*+?()[\]{}|]/gu, String.raw`\$&`)}$`
}
