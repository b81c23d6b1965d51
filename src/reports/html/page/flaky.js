import { h, section, stepwise, table } from './dom.js'
import { link, placeOf } from './sections.js'
import { placeNamed } from './slow.js'
import { outcomeline } from './spark.js'
import { flakyTable } from './trends.js'
import { amount, plural } from './words.js'

/** @typedef {import('./data.js').Report} Report */
/** @typedef {import('./details.js').Place} Place */
/** @typedef {(place: Place) => void} Open */

/** Tests that failed first and passed in the end, and those that did so in runs before. @param {Report} report @param {Open} open */
export function flakySection(report, open) {
  const flaky = report.head.details.filter(({ mark }) => mark === 'k')
  const before = report.head.slow.flatMap(({ tier, trends }) => (trends ? [{ tier, trends }] : []))
  const count = before.reduce((sum, { trends }) => sum + trends.flakyBeforeCount, 0)
  if (flaky.length + count === 0) return null
  return section(
    'flaky',
    'Flaky',
    amount(flaky.length + count),
    ...(flaky.length > 0 ? [now(report, open, flaky)] : []),
    ...before.flatMap(({ tier, trends }) => earlier(report, open, tier, trends)),
    before.some(({ trends }) => trends.flaky.some(({ recent }) => recent !== ''))
      ? h('p', { class: 'note' }, 'Of the bars, the highest are failures, and the middle ones passes at a later try.')
      : null,
  )
}

/** @param {Report} report @param {Open} open @param {import('../data.ts').PageDetail[]} flaky */
function now(report, open, flaky) {
  const recent = recentRuns(report)
  const runsOf = (/** @type {Place} */ { file, test }) =>
    recent.get(`${report.file(file).tier}\n${report.file(file).id}\n${test === null ? '' : report.name(test)}`)
  return h(
    'div',
    {},
    h('p', { class: 'note' }, 'Failed first and passed in the end. They count as passed.'),
    stepwise(flaky, 20, (shown) =>
      table(
        'Flaky tests',
        [
          ['test', 'half'],
          ['what it failed with', 'half'],
          ...(recent.size > 0 ? [/** @type {[string, 'number']} */ (['last runs', 'number'])] : []),
        ],
        shown.map((detail) => {
          const place = /** @type {Place} */ (placeOf(report, detail))
          const runs = runsOf(place)
          return [
            link(report, open, place),
            h('span', { class: 'first' }, detail.message),
            ...(recent.size > 0 ? [runs ? outcomeline(runs) : ''] : []),
          ]
        }),
      ),
    ),
  )
}

/** Of flaky tests how their last runs ended, by tier, file and name. @param {Report} report */
function recentRuns({ head }) {
  const places = new Map(head.tiers.map(({ name }, place) => [name, place]))
  return new Map(
    head.slow.flatMap(({ tier, trends }) =>
      (trends?.flaky ?? [])
        .filter((test) => test.recent !== '')
        .map(({ file, name, recent }) => /** @type {const} */ ([`${places.get(tier)}\n${file}\n${name}`, recent])),
    ),
  )
}

/** @param {Report} report @param {Open} open @param {string} tier @param {import('../../trends.ts').TierTrends} trends */
function earlier(report, open, tier, { flakyBefore, flakyBeforeCount, flakyCount }) {
  if (flakyBeforeCount === 0) return []
  const more = flakyBeforeCount - flakyBefore.length
  const all = `tiershard slow --top ${flakyCount}`
  const title = report.head.tiers.length > 1 ? `In runs before this one, tier ${tier}` : 'In runs before this one'
  const find = (/** @type {{ file: string, name: string }} */ { file, name }) =>
    placeNamed(report, report.find(tier, file), name)
  return [
    h('h3', {}, title, h('span', { class: 'note' }, 'failed and passed on the same code')),
    flakyTable(flakyBefore, find, open),
    more > 0 ? h('p', { class: 'note' }, `And ${plural(more, 'more test')}: \`${all}\` lists them.`) : null,
  ]
}
