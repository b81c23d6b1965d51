import { h } from './dom.js'
import { duration, MARKS, percent, plural } from './words.js'

/** What the picture of the lanes shows, in words. */

/** @typedef {import('./data.js').Report} Report */
/** @typedef {import('./lanes.js').Block} Block */

/** @param {Report} report @param {Block} block */
export function blockText(report, { file, attempt }) {
  const { id, counts, attempts } = report.file(file)
  const one = attempts[attempt]
  if (!one) return id
  return [
    id,
    `${one.word}${one.why === '' ? '' : `: ${one.why}`}, ${duration(one.ms)}${attempts.length > 1 ? `, attempt ${attempt + 1} of ${attempts.length}` : ''}`,
    `${counts[0]} passed, ${counts[1]} failed, ${report.shardName(one.shard)}${one.database === null ? '' : `, database ${one.database}`}`,
    one.startUpMs === null ? '' : `start-up ${duration(one.startUpMs)}`,
  ]
    .filter(Boolean)
    .join('\n')
}

/** How well the shards were used, in one sentence. @param {Report} report @param {import('../data.ts').PageTier} tier */
export function paceText(report, { name, pace, shards }) {
  if (!pace) return `${name}: nothing ran.`
  const { from, makespanMs, floorMs, floorFile, tailFrom, lanes } = pace
  const busy =
    lanes.reduce((sum, lane) => sum + lane.busyMs, 0) / Math.max(1, makespanMs * Math.max(shards, lanes.length))
  const startUp = lanes.reduce((sum, lane) => sum + lane.startUpMs, 0)
  const tail = from + makespanMs - tailFrom
  const floor = floorFile === null ? 'the work spread evenly' : `the longest file, ${report.file(floorFile).id}`
  return (
    `${name}: ${duration(makespanMs)} on ${plural(shards, 'shard')}, ${(makespanMs / Math.max(1, floorMs)).toFixed(2)}x its floor of ` +
    `${duration(floorMs)} (${floor}). Shards were busy ${percent(Math.min(1, busy))} of the time, ${duration(startUp)} of it in start-up` +
    (tail > makespanMs / 100 ? `; for the last ${duration(tail)} not all of them had work.` : '.')
  )
}

/** @param {Report} report */
export function laneTable(report) {
  const rows = report.head.tiers.flatMap(({ name, pace }) =>
    (pace?.lanes ?? []).map(({ shard, attempts, busyMs, startUpMs }) =>
      h(
        'tr',
        {},
        ...[
          name,
          report.shardName(shard),
          String(attempts),
          duration(busyMs),
          duration(startUpMs),
          duration(Math.max(0, (pace?.makespanMs ?? 0) - busyMs)),
        ].map((text, at) => h('td', { class: at > 1 ? 'number' : null }, text)),
      ),
    ),
  )
  return h(
    'details',
    { class: 'as-table' },
    h('summary', {}, 'As a table'),
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['tier', 'shard', 'attempts', 'busy', 'start-up', 'idle'].map((name, at) =>
            h('th', { scope: 'col', class: at > 1 ? 'number' : null }, name),
          ),
        ),
      ),
      h('tbody', {}, rows),
    ),
  )
}

/** What the colours and patterns mean: only those that occur. @param {import('./words.js').Mark[]} marks @param {boolean} paused */
export function legend(marks, paused) {
  const kinds = /** @type {const} */ (['p', 'f', 't', 'c', 'e', 'x', 'l', 'i', 'n'])
  return h(
    'ul',
    { class: 'legend' },
    kinds
      .filter((mark) => marks.includes(mark))
      .map((mark) =>
        h(
          'li',
          {},
          h('span', { class: `swatch swatch-${mark}` }),
          MARKS[mark].tone === 'good' ? '' : `${MARKS[mark].sign} `,
          MARKS[mark].word,
        ),
      ),
    h('li', {}, h('span', { class: 'swatch swatch-start' }), 'start-up'),
    h('li', {}, h('span', { class: 'swatch swatch-idle' }), 'idle'),
    h('li', {}, h('span', { class: 'swatch swatch-tail' }), 'not enough work for all'),
    paused ? h('li', {}, h('span', { class: 'swatch swatch-paused' }), '‖ paused, Redis was not fit') : null,
  )
}

/** A file's name without its folders and without what all of them end in. @param {string} path */
export function shortName(path) {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.(?:test|spec)\.[cm]?[jt]sx?$/u, '')
}
