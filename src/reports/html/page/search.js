import { OUTCOMES } from './words.js'

/**
 * @typedef {object} Query
 * @property {string} text words that all have to occur in the file, the suite or the name
 * @property {ReadonlySet<import('./words.js').Outcome>} outcomes none: all
 * @property {string} tier '' for all
 * @property {string} suite '' for all
 */

/**
 * What is found: files with trouble first, then in the order of the plan, each with its tests, or null when all of them
 * are meant.
 *
 * @typedef {object} Found
 * @property {{ file: number, tests: number[] | null }[]} files
 * @property {number} tests how many tests that are
 */

/**
 * A search over one report. It keeps the texts in lower case, made when they are first needed.
 *
 * @param {import('./data.js').Report} report
 * @returns {{ find: (query: Query) => Found, prepare: (file: number) => void }} `prepare` makes the texts of a file ahead of time
 */
export function searcher(report) {
  /** @type {string[]} */
  const lower = []
  /** @type {string[]} */
  const hay = []
  const heads = report.head.files.map((file) => `${file.id} ${file.suite}`.toLowerCase())

  const order = report.head.files
    .map((file, place) => ({ file, place, rank: rankOf(file.counts) }))
    .sort((a, b) => a.rank - b.rank || a.place - b.place)

  /** All names of a file as one text, so that a file without a match costs one look. @param {number} file @returns {string} */
  function namesOf(file) {
    const known = hay[file]
    if (known !== undefined) return known
    for (let test = report.begin(file); test < report.end(file); test++) lower[test] = report.name(test).toLowerCase()
    return (hay[file] = lower.slice(report.begin(file), report.end(file)).join('\n'))
  }

  /** @param {Query} query */
  function find({ text, outcomes, tier, suite }) {
    const words = text
      .toLowerCase()
      .split(/\s+/u)
      .filter((word) => word !== '' && word !== '>')
    const wanted = new Uint8Array(128)
    for (const { key, marks } of OUTCOMES) {
      if (outcomes.size === 0 || outcomes.has(key)) for (const mark of marks) wanted[mark.charCodeAt(0)] = 1
    }
    /** @type {Found} */
    const found = { files: [], tests: 0 }
    for (const { place, file } of order) {
      if (tier !== '' && report.head.tiers[file.tier]?.name !== tier) continue
      if (suite !== '' && file.suite !== suite) continue
      const left = words.filter((word) => !heads[place]?.includes(word))
      const own = left.length === 0 && file.own !== null && (outcomes.size === 0 || outcomes.has(file.own))
      if (left.length === 0 && outcomes.size === 0) {
        found.files.push({ file: place, tests: null })
        found.tests += file.tests
        continue
      }
      if (left.length > 0 && !left.every((word) => namesOf(place).includes(word))) continue
      /** @type {number[]} */
      const tests = []
      for (let test = report.begin(place); test < report.end(place); test++) {
        if (wanted[report.marks[test] ?? 0] && left.every((word) => lower[test]?.includes(word))) tests.push(test)
      }
      if (tests.length === 0 && !own) continue
      found.files.push({ file: place, tests })
      found.tests += tests.length
    }
    return found
  }

  return { find, prepare: (file) => void namesOf(file) }
}

/** Failed, then without a result, then flaky, then all others. @param {import('../data.ts').PageFile['counts']} counts */
function rankOf([, failed, , notRun, flaky]) {
  return failed > 0 ? 0 : notRun > 0 ? 1 : flaky > 0 ? 2 : 3
}
