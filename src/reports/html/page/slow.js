import { nameView } from './details.js'
import { h, section, table } from './dom.js'
import { sparkline } from './spark.js'
import { trendParts } from './trends.js'
import { amount, duration, percent, plural } from './words.js'

/** @typedef {import('./data.js').Report} Report */
/** @typedef {import('./details.js').Place} Place */
/** @typedef {(place: Place) => void} Open */

/** The slowest tests and files, and what does not fit its tier. @param {Report} report @param {Open} open */
export function slowSection(report, open) {
  const tiers = report.head.slow.filter(({ tests, files }) => tests.length + files.length > 0)
  if (tiers.length === 0) return null
  const over = tiers.reduce((sum, tier) => sum + tier.overCount, 0)
  const regressed = tiers.reduce((sum, { trends }) => sum + (trends?.regressedCount ?? 0), 0)
  const note = [
    over === 0 ? '' : `${amount(over)} over the threshold`,
    regressed === 0 ? '' : `${amount(regressed)} slower than before`,
  ]
  return section('slow', 'Slow', note.filter(Boolean).join(', '), ...tiers.map((tier) => slowTier(report, open, tier)))
}

/** @param {Report} report @param {Open} open @param {import('../../slow.ts').SlowTier} slow */
function slowTier(report, open, slow) {
  const { tier, slowMs, tests, files, overCount, tooSlow, movable, movableCount, trends } = slow
  const withPast = tests.some(({ past }) => past)
  const longest = Math.max(1, ...tests.map(({ durationMs }) => durationMs))
  const longestFile = Math.max(1, ...files.map(({ durationMs }) => durationMs))
  const at = (/** @type {string} */ id) => report.find(tier, id)
  return h(
    'div',
    { class: 'slow' },
    h(
      'h3',
      {},
      tier,
      h(
        'span',
        { class: 'note' },
        overCount === 0
          ? `no test took more than ${duration(slowMs)}`
          : `${plural(overCount, 'test')} took more than ${duration(slowMs)}`,
      ),
    ),
    h(
      'div',
      { class: 'pair' },
      table(
        `Slowest tests of ${tier}`,
        [
          ['slowest tests', 'wide'],
          ...(withPast ? [/** @type {[string, 'number']} */ (['past runs', 'number'])] : []),
          ['time', 'number'],
          ['share', 'number'],
        ],
        tests.map(({ file, name, durationMs, share, past }) => [
          timed(
            () => placeNamed(report, at(file), name),
            open,
            h('span', {}, h('span', { class: 'group' }, `${baseName(file)} › `), nameView(name)),
            durationMs / longest,
            durationMs > slowMs,
            `${file} › ${name}`,
          ),
          ...(withPast ? [past ? sparkline(past) : ''] : []),
          duration(durationMs),
          percent(share),
        ]),
      ),
      table(
        `Slowest files of ${tier}`,
        [
          ['slowest files', 'wide'],
          ['time', 'number'],
          ['share', 'number'],
        ],
        files.map(({ file, durationMs, share }) => [
          timed(() => at(file), open, h('span', {}, file), durationMs / longestFile, false, file),
          duration(durationMs),
          percent(share),
        ]),
      ),
    ),
    ...(trends ? trendParts(trends, slowMs, ({ file, name }) => placeNamed(report, at(file), name), open) : []),
    ...(tooSlow.length > 0 ? [h('h4', {}, 'Too slow for this tier'), moves(tooSlow, at, open)] : []),
    ...(movable.length > 0
      ? [
          h(
            'h4',
            {},
            movableCount > movable.length
              ? `Would fit a faster tier (${movable.length} of ${movableCount})`
              : 'Would fit a faster tier',
          ),
          moves(movable, at, open),
        ]
      : []),
  )
}

/**
 * A name with a bar under it: how long it took, against the slowest.
 *
 * @param {() => Place | null} place
 * @param {Open} open
 * @param {HTMLElement} label
 * @param {number} part
 * @param {boolean} over
 * @param {string} title
 */
function timed(place, open, label, part, over, title) {
  const bar = h('span', { class: over ? 'bar over' : 'bar', 'aria-hidden': 'true' })
  bar.style.width = `${Math.max(0.5, part * 100)}%`
  return h(
    'button',
    { type: 'button', class: 'link timed', title, onclick: () => follow(place, open) },
    label,
    over ? h('span', { class: 'unseen' }, ' (over the threshold)') : null,
    bar,
  )
}

/** @param {() => Place | null} place @param {Open} open */
function follow(place, open) {
  const found = place()
  if (found) open(found)
}

/** A test of a file by its name. @param {Report} report @param {Place | null} place @param {string} name @returns {Place | null} */
export function placeNamed(report, place, name) {
  if (!place) return null
  for (let test = report.begin(place.file); test < report.end(place.file); test++) {
    if (report.name(test) === name) return { file: place.file, test }
  }
  return place
}

/** @param {readonly import('../../slow.ts').TierMove[]} list @param {(id: string) => Place | null} at @param {Open} open */
function moves(list, at, open) {
  return h(
    'ul',
    { class: 'moves' },
    list.map(({ file, text }) =>
      h(
        'li',
        {},
        h('button', { type: 'button', class: 'link', onclick: () => follow(() => at(file), open) }, file),
        h('span', {}, text),
      ),
    ),
  )
}

/** @param {string} path */
function baseName(path) {
  return path.slice(path.lastIndexOf('/') + 1)
}
