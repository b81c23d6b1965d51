import { nameView } from './details.js'
import { h, stepwise, table } from './dom.js'
import { outcomeline, sparkline } from './spark.js'
import { duration, percent, plural } from './words.js'

/** What past runs say of a tier. Nothing of it makes a run fail. */

/** @typedef {import('./details.js').Place} Place */
/** @typedef {(place: Place) => void} Open */
/** @typedef {import('../../trends.ts').TierTrends} TierTrends */
/** @typedef {import('../../trends.ts').SlowerTest} SlowerTest */
/** @typedef {import('../../trends.ts').UsualTime} UsualTime */
/** @typedef {import('../../trends.ts').FlakyTest} FlakyTest */
/** @typedef {(entry: { file: string, name: string }) => Place | null} Find */

/** So many last runs made the judgement. */
const REGRESSED_AFTER = 5
const SUSPECT_AFTER = 3

/** A button that opens a test; its name alone when its file is no part of this run. @param {Find} find @param {Open} open @param {{ file: string, name: string }} entry */
function testLink(find, open, { file, name }) {
  const label = h('span', {}, h('span', { class: 'group' }, `${file} › `), nameView(name))
  if (find({ file, name }) === null) return label
  // Looked for again: the names of tests are known only later.
  const go = () => {
    const place = find({ file, name })
    if (place) open(place)
  }
  return h('button', { type: 'button', class: 'link', title: `${file} › ${name}`, onclick: go }, label)
}

/** @param {TierTrends} trends @param {number} slowMs @param {Find} find @param {Open} open */
export function trendParts(trends, slowMs, find, open) {
  const budget = duration(slowMs)
  return [
    h('p', { class: 'note trend-machine' }, `Compared with past runs on ${trends.machine}: ${paceSentence(trends)}.`),
    ...part('Slower for five runs', trends.regressed, trends.regressedCount, (rows) =>
      slowerTable('Tests slower for five runs', rows, REGRESSED_AFTER, find, open),
    ),
    ...part('Slower for three runs, perhaps by chance', trends.suspect, trends.suspectCount, (rows) =>
      slowerTable('Tests slower for three runs', rows, SUSPECT_AFTER, find, open),
    ),
    ...part(`Usually over ${budget}`, trends.overBudget, trends.overBudgetCount, (rows) =>
      usualTable(`Tests that usually take more than ${budget}`, rows, find, open),
    ),
    ...part(`More than three times over ${budget}, in this run only`, trends.spiked, trends.spikedCount, (rows) =>
      usualTable(`Tests far over ${budget} in this run`, rows, find, open),
    ),
  ]
}

/**
 * @template Entry
 * @param {string} title
 * @param {readonly Entry[]} entries the first ones
 * @param {number} total
 * @param {(shown: Entry[]) => Node} render
 */
function part(title, entries, total, render) {
  if (total === 0) return []
  const more = total - entries.length
  return [
    h('h4', {}, title, ' ', h('span', { class: 'note' }, plural(total, 'test'))),
    stepwise(entries, 10, render),
    more > 0
      ? h('p', { class: 'note' }, `And ${plural(more, 'more test')}: \`tiershard slow --top ${total}\` lists them.`)
      : null,
  ]
}

/** @param {TierTrends} trends */
function paceSentence({ pace, judged }) {
  const few = judged === 0 ? '; too few runs yet to tell slower tests, it takes 13 passes of a test' : ''
  if (pace === null) return `too few tests to tell the speed of this machine${few}`
  if (Math.abs(pace - 1) < 0.05) return `this machine was as fast as usual${few}`
  const slower = pace > 1
  const factor = (slower ? pace : 1 / pace).toFixed(1)
  return `this machine was ${factor}x as ${slower ? 'slow' : 'fast'} as usual, and times are corrected by it${few}`
}

/** @param {string} caption @param {SlowerTest[]} rows @param {number} late @param {Find} find @param {Open} open */
function slowerTable(caption, rows, late, find, open) {
  return table(
    caption,
    [
      ['test', 'wide'],
      ['past runs', 'number'],
      ['before', 'number'],
      ['now', 'number'],
      ['lost', 'number'],
      ['share', 'number'],
    ],
    rows.map((test) => [
      testLink(find, open, test),
      sparkline(test.ms, late),
      duration(test.beforeMs),
      duration(test.nowMs),
      duration(test.lostMs),
      percent(test.share),
    ]),
  )
}

/** @param {string} caption @param {UsualTime[]} rows @param {Find} find @param {Open} open */
function usualTable(caption, rows, find, open) {
  return table(
    caption,
    [
      ['test', 'wide'],
      ['usually', 'number'],
      ['this run', 'number'],
    ],
    rows.map((test) => [testLink(find, open, test), duration(test.usualMs), duration(test.durationMs)]),
  )
}

/** Tests that were flaky in runs before this one. @param {readonly FlakyTest[]} tests @param {Find} find @param {Open} open */
export function flakyTable(tests, find, open) {
  return stepwise(tests, 10, (shown) =>
    table(
      'Tests that failed and passed on the same code in runs before this one',
      [['test', 'wide'], ['last runs', 'number'], ['last seen'], ['passes since', 'number']],
      shown.map((test) => [
        testLink(find, open, test),
        test.recent === '' ? '' : outcomeline(test.recent),
        new Date(test.lastAt).toISOString().slice(0, 10),
        String(test.passes),
      ]),
    ),
  )
}
