import { h, section, stepwise, table } from './dom.js'
import { link } from './sections.js'
import { placeNamed } from './slow.js'
import { amount, plural } from './words.js'

/** Failures that do not count, and failure rates: what is known of tests beyond passed and failed. */

/** @typedef {import('./data.js').Report} Report */
/** @typedef {import('./details.js').Place} Place */
/** @typedef {(place: Place) => void} Open */
/** @typedef {import('../../stress.ts').Rate} Rate */

/** A button that opens a test of a file by its name, or the file. @param {Report} report @param {Open} open @param {number} file @param {string | null} test */
function named(report, open, file, test) {
  const whole = { file, test: null }
  if (test === null) return link(report, open, whole)
  const label = `${report.file(file).id} › ${test}`
  // The names of tests are known only later.
  const go = () => open(placeNamed(report, whole, test) ?? whole)
  return h('button', { type: 'button', class: 'link', title: label, onclick: go }, label)
}

/** Failures that the quarantine excuses. @param {Report} report @param {Open} open */
export function quarantineSection(report, open) {
  const { quarantined } = report.head
  if (quarantined.length === 0) return null
  return section(
    'quarantined',
    'Quarantined',
    amount(quarantined.length),
    h('p', { class: 'note' }, 'Known failures: they count as skipped until the day that is named.'),
    stepwise(quarantined, 20, (shown) =>
      table(
        'Quarantined failures',
        [['test', 'half'], ['what it failed with', 'half'], ['until']],
        shown.map(({ file, test, until, entry, reason, message }) => [
          h(
            'div',
            {},
            named(report, open, file, test),
            h('span', { class: 'first', title: reason }, reason, ` (${entry})`),
          ),
          h('span', { class: 'first', title: message }, message),
          until,
        ]),
      ),
    ),
  )
}

/** Failure rates of a stress run. @param {Report} report @param {Open} open */
export function stressSection(report, open) {
  const { stress } = report.head
  if (!stress) return null
  const more = stress.fileCount - stress.files.length
  return section(
    'repetitions',
    'Repetitions',
    `${amount(stress.total.failures)} of ${amount(stress.total.runs)} failed: ${between(stress.total)}`,
    h('p', { class: 'note' }, 'In brackets the 95% confidence interval. Of tests, those that failed at least once.'),
    stepwise(stress.files, 20, (shown) =>
      table(
        'Failure rates',
        [
          ['file, test', 'wide'],
          ['runs', 'number'],
          ['failed', 'number'],
          ['rate', 'number'],
        ],
        shown.flatMap(({ file, tests, testCount, ...rate }) => [
          [named(report, open, file, null), ...cells(rate)],
          ...tests.map(({ test, ...rateOfTest }) => [
            h('div', { class: 'indent' }, named(report, open, file, test)),
            ...cells(rateOfTest),
          ]),
          ...(testCount > tests.length
            ? [[h('div', { class: 'indent' }, `and ${plural(testCount - tests.length, 'more test')}`), '', '', '']]
            : []),
        ]),
      ),
    ),
    more > 0 ? h('p', { class: 'note' }, `And ${plural(more, 'more file')} with lower rates.`) : null,
  )
}

/** @param {Rate} rate */
function cells(rate) {
  const { runs, failures } = rate
  return [amount(runs), h('span', { class: failures > 0 ? 'bad' : 'zero' }, amount(failures)), between(rate)]
}

/** @param {Rate} rate */
function between({ rate, low, high }) {
  return `${tenths(rate)} (${tenths(low)} to ${tenths(high)})`
}

/** @param {number} part 0 to 1 */
function tenths(part) {
  return `${(part * 100).toFixed(1)}%`
}
