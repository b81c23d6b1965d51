import { h } from './dom.js'
import { fitted, LEFT, line } from './lanes-paint.js'
import { amount, duration, plural, size } from './words.js'

/** The server under the lanes, on the same time axis: what it held and did, and when nothing was started because of it. */

/** @typedef {import('./data.js').Report} Report */
/** @typedef {import('./lanes-paint.js').Inks} Inks */
/** @typedef {import('../data.ts').PageRedis} PageRedis */
/** @typedef {{ name: string, values: readonly (number | null)[], most: number, limit: number | null, said: (value: number) => string }} Row */

/** Height of a row and of the strip of the pauses, px. */
const ROW_TALL = 40
const STRIP_TALL = 18
/** Of the table so many rows: it is read, and not looked at. */
const TABLE_ROWS = 24

/** @param {number} ms also parts of one */
function writeTime(ms) {
  return ms < 10 ? `${ms.toFixed(1)}ms` : duration(ms)
}

/** The rows that there is something to show in. @param {Report} report @returns {Row[]} */
export function redisRows({ head: { redis } }) {
  if (!redis) return []
  const { bytes, clients, operations, writeMs, maxBytes } = redis
  return [
    rowOf('memory', bytes, size, maxBytes),
    rowOf('clients', clients, amount),
    rowOf('ops/s', operations, amount),
    rowOf('write', writeMs, writeTime),
  ].flatMap((row) => row ?? [])
}

/**
 * @param {string} name
 * @param {readonly (number | null)[]} values
 * @param {(value: number) => string} said
 * @param {number | null} [max] 0: no limit
 * @returns {Row | null}
 */
function rowOf(name, values, said, max = null) {
  const known = values.filter((value) => value !== null)
  if (known.length < 2) return null
  const highest = Math.max(...known)
  // A limit far above what is used would press the curve flat.
  const limit = max && max < 3 * highest ? max : null
  return { name, values, most: Math.max(limit ?? 0, highest) || 1, limit, said }
}

/** Height of everything under the lanes, px. @param {Report} report @param {readonly Row[]} rows */
export function redisHeight({ head: { pauses } }, rows) {
  return rows.length * ROW_TALL + (pauses.length > 0 ? STRIP_TALL : 0)
}

/**
 * @typedef {object} Area
 * @property {CanvasRenderingContext2D} context
 * @property {Inks} ink
 * @property {(ms: number) => number} x
 * @property {number} top of the lanes
 * @property {number} y where the lanes end
 * @property {number} right
 * @property {CanvasPattern | null} hatch
 */

/** What lies behind the lanes. @param {Area} area @param {Report} report @param {number} bottom */
export function drawPauses({ context, ink, x, top, y, right, hatch }, { head: { pauses } }, bottom) {
  for (const [place, { from, ms, code }] of pauses.entries()) {
    const next = pauses[place + 1]
    const [left, wide] = [x(from), Math.max(2, x(from + ms) - x(from))]
    context.fillStyle = ink.odd
    context.globalAlpha = 0.13
    context.fillRect(left, top, wide, bottom - top)
    context.globalAlpha = 1
    context.fillRect(left, y + 3, wide, STRIP_TALL - 6)
    if (hatch) {
      context.fillStyle = hatch
      context.fillRect(left, y + 3, wide, STRIP_TALL - 6)
    }
    context.fillStyle = ink.text
    context.textAlign = 'left'
    const after = Math.max(left + wide, LEFT) + 5
    const end = next ? Math.min(right, x(next.from)) : right
    const text = fitted(context, `‖ ${code}`, end - after - 4)
    if (text !== '') context.fillText(text, after, y + STRIP_TALL / 2)
  }
}

/** The curves, one row below the other. @param {Area} area @param {Report} report @param {readonly Row[]} rows */
export function drawRedis({ context, ink, x, y, right }, { head: { redis, pauses } }, rows) {
  if (!redis) return
  const top = y + (pauses.length > 0 ? STRIP_TALL : 0)
  const gap = longestStep(redis.at)
  for (const [place, { values, most, limit }] of rows.entries()) {
    const bottom = top + (place + 1) * ROW_TALL - 4
    const at = (/** @type {number} */ value) => bottom - (value / most) * (ROW_TALL - 10)
    context.strokeStyle = ink.grid
    line(context, LEFT, bottom + 0.5, right, bottom + 0.5)
    for (const points of stretches(redis.at, values, gap)) {
      const [first, last] = [points[0], points.at(-1)]
      if (!first || !last) continue
      context.beginPath()
      for (const [ms, value] of points) context.lineTo(x(ms), at(value))
      context.strokeStyle = ink.accent
      context.lineWidth = 1.5
      context.stroke()
      context.lineWidth = 1
      context.lineTo(Math.max(x(last[0]), x(first[0]) + 1.5), bottom)
      context.lineTo(x(first[0]), bottom)
      context.fillStyle = ink.accent
      context.globalAlpha = 0.14
      context.fill()
      context.globalAlpha = 1
    }
    if (limit === null) continue
    context.strokeStyle = ink.bad
    context.setLineDash([4, 3])
    line(context, LEFT, at(limit) + 0.5, right, at(limit) + 0.5)
    context.setLineDash([])
    context.fillStyle = ink.bad
    context.textAlign = 'right'
    context.fillText('maxmemory', right - 4, at(limit) + 9)
  }
}

/** Names of the rows, and what their upper end stands for. @param {Area} area @param {Report} report @param {readonly Row[]} rows */
export function drawRedisNames({ context, ink, y }, { head: { pauses } }, rows) {
  context.textAlign = 'left'
  context.fillStyle = ink.quiet
  const strip = pauses.length > 0 ? STRIP_TALL : 0
  if (strip > 0) context.fillText('paused', 2, y + strip / 2)
  for (const [place, { name, most, said }] of rows.entries()) {
    const top = y + strip + place * ROW_TALL
    context.fillStyle = ink.text
    context.fillText(name, 2, top + 13)
    context.fillStyle = ink.quiet
    context.fillText(fitted(context, said(most), LEFT - 6), 2, top + 27)
  }
}

/** A longer time without a sample is a gap in the curve. @param {readonly number[]} at */
function longestStep(at) {
  const steps = at.slice(1).map((ms, place) => ms - (at[place] ?? 0))
  const usual = steps.sort((a, b) => a - b)[steps.length >> 1] ?? 0
  return 2 * usual + 500
}

/**
 * Neighbours that belong together.
 *
 * @param {readonly number[]} at
 * @param {readonly (number | null)[]} values
 * @param {number} gap
 */
function stretches(at, values, gap) {
  /** @type {[number, number][][]} */
  const found = [[]]
  let before = -Infinity
  for (const [place, ms] of at.entries()) {
    const value = values[place] ?? null
    if (ms - before > gap) found.push([])
    if (value === null) found.push([])
    else found.at(-1)?.push([ms, value])
    before = ms
  }
  return found.filter((points) => points.length > 0)
}

/** The sample next to a moment, in words; '' when there is none near. @param {Report} report @param {readonly Row[]} rows @param {number} ms */
export function redisText({ head: { redis } }, rows, ms) {
  if (!redis) return ''
  const distance = (/** @type {number} */ place) => Math.abs((redis.at[place] ?? Infinity) - ms)
  const near = redis.at.reduce((best, _, place) => (distance(place) < distance(best) ? place : best), 0)
  if (distance(near) > longestStep(redis.at)) return ''
  const values = rows.flatMap(({ name, values: all, said }) => {
    const value = all[near] ?? null
    return value === null ? [] : [`${name} ${said(value)}`]
  })
  return [`Redis at ${duration(redis.at[near] ?? 0)}`, ...values].join('\n')
}

/** The pauses, and what the curves show, in sentences. @param {Report} report @param {readonly Row[]} rows */
export function redisWords({ head: { pauses, redis } }, rows) {
  const sentences = rows.map(({ name, values, said }) => {
    const known = values.filter((value) => value !== null)
    return `${name} ${said(Math.min(...known))} to ${said(Math.max(...known))}`
  })
  const limit = redis?.maxBytes ? `, maxmemory ${size(redis.maxBytes)}` : ''
  return [
    ...pauses.map(({ from, ms, code, message, isOver }) =>
      h(
        'p',
        { class: 'pace pause' },
        h('span', { 'aria-hidden': 'true' }, '‖ '),
        `Paused at ${duration(from)} for ${duration(ms)}${isOver ? '' : ', to the end of the run'}: `,
        h('code', {}, code),
        ` ${message}`,
      ),
    ),
    sentences.length === 0 ? null : h('p', { class: 'pace' }, `Redis: ${sentences.join(', ')}${limit}.`),
  ]
}

/** The curves as a table: the highest value of each of some spans. @param {Report} report @param {readonly Row[]} rows */
export function redisTable({ head: { redis } }, rows) {
  if (!redis || rows.length === 0) return null
  const step = Math.ceil(redis.at.length / TABLE_ROWS)
  const places = redis.at.flatMap((_, place) => (place % step === 0 ? [place] : []))
  const cell = (/** @type {Row} */ { values, said }, /** @type {number} */ place) => {
    const known = values.slice(place, place + step).filter((value) => value !== null)
    return h('td', { class: 'number' }, known.length === 0 ? '' : said(Math.max(...known)))
  }
  return h(
    'details',
    { class: 'as-table' },
    h('summary', {}, `Redis as a table${step > 1 ? `, the highest of ${plural(step, 'sample')} each` : ''}`),
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['from', ...rows.map(({ name }) => name)].map((name) => h('th', { scope: 'col', class: 'number' }, name)),
        ),
      ),
      h(
        'tbody',
        {},
        places.map((place) =>
          h(
            'tr',
            {},
            h('td', { class: 'number' }, duration(redis.at[place] ?? 0)),
            rows.map((row) => cell(row, place)),
          ),
        ),
      ),
    ),
  )
}
