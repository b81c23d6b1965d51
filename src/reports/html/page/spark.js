import { h } from './dom.js'
import { duration, plural } from './words.js'

/** Past runs of one test as small bars, each picture with its text alternative. */

/** Of the height of a picture, %: a bar of nothing can be seen as well. */
const LEAST = 6

/**
 * Durations over time, newest last, each as high as its part of the longest; the last ones may stand out.
 *
 * @param {readonly number[]} ms
 * @param {number} [late] so many of the last ones are marked
 */
export function sparkline(ms, late = 0) {
  const most = Math.max(1, ...ms)
  const text =
    `${plural(ms.length, 'run')}, ${duration(Math.min(...ms))} to ${duration(most)}, ` +
    `the last ${duration(ms.at(-1) ?? 0)}`
  return bars(
    text,
    ms.map((one, at) => [at < ms.length - late ? 'past' : 'late', (one / most) * 100]),
  )
}

/** @type {Readonly<Record<string, [string, number]>>} */
const ENDS = { p: ['past', 30], k: ['flaky', 65], f: ['failed', 100] }

/**
 * How past runs ended, newest last: a pass is a low bar, a pass at a later try a higher one, a failure the highest.
 *
 * @param {string} recent see `TierPast.flaky`
 */
export function outcomeline(recent) {
  const runs = Array.from(recent)
  const words = Object.entries({ p: 'passed', k: 'failed first', f: 'failed' })
  const said = words.flatMap(([letter, word]) => {
    const count = runs.filter((one) => one === letter).length
    return count === 0 ? [] : [`${count} ${word}`]
  })
  return bars(
    `The last ${plural(runs.length, 'run')}: ${said.join(', ')}`,
    runs.flatMap((letter) => {
      const end = ENDS[letter]
      return end ? [end] : []
    }),
  )
}

/** @param {string} text for those who listen, and for the pointer @param {[string, number][]} values a class and a height in % each */
function bars(text, values) {
  const all = values.map(([kind, tall]) => {
    const bar = h('span', { class: kind })
    bar.style.height = `${Math.max(LEAST, tall)}%`
    return bar
  })
  return h('span', { class: 'spark', role: 'img', 'aria-label': text, title: text }, all)
}
