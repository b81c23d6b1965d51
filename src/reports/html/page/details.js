import { badge, commandLine, copyButton, h, stepwise } from './dom.js'
import { duration, MARKS, patternOf, plural, quoted } from './words.js'

/** @typedef {import('./data.js').Report} Report */
/** @typedef {import('../data.ts').PageError} PageError */
/** @typedef {{ file: number, test: number | null }} Place a test by its number, or a file as a whole */

/** Everything that is known about a test or a file, for the panel and for the list of failures.
 * @param {Report} report
 * @param {import('../data.ts').PageDetail | null} detail
 * @param {Place | null} place null: an error outside of all files
 */
export function detailBody(report, detail, place) {
  const path = place === null ? '' : report.file(place.file).path
  return [
    detail?.note ? h('p', { class: 'reason' }, detail.note) : null,
    ...(detail?.errors ?? []).map((error) => errorView(error, path)),
    ...(detail?.earlier ?? []).map(({ word, errors }, at) =>
      h(
        'details',
        { class: 'earlier', open: (detail?.errors.length ?? 0) === 0 },
        h('summary', {}, `Try ${at + 1}: ${word}`),
        errors.map((error) => errorView(error, path)),
      ),
    ),
    ...(place === null
      ? []
      : [...attemptsView(report, place), ...outputView(report, place), ...commands(report, place)]),
  ]
}

/** @param {PageError} error @param {string} path of the file; '' when there is none */
function errorView({ message, diff, stack }, path) {
  return h(
    'div',
    { class: 'error' },
    h('pre', { class: 'message', tabindex: 0, 'aria-label': 'Message' }, message),
    diff === ''
      ? null
      : h('pre', { class: 'diff', tabindex: 0, 'aria-label': 'Expected and received' }, diff.split('\n').map(diffLine)),
    stack === ''
      ? null
      : h(
          'pre',
          { class: 'stack', tabindex: 0, 'aria-label': 'Stack' },
          withoutRoot(stack, path).split('\n').map(stackLine),
        ),
  )
}

/** Calls with paths from the project's root, which is known when the file itself is among them. @param {string} stack @param {string} path */
function withoutRoot(stack, path) {
  const end = path === '' ? -1 : stack.indexOf(`/${path}`)
  if (end < 0) return stack
  const start = Math.max(stack.lastIndexOf('(', end), stack.lastIndexOf(' ', end), stack.lastIndexOf('\n', end)) + 1
  const root = stack.slice(start, end + 1)
  return root.length > 1 ? stack.replaceAll(root, '') : stack
}

/** The signs stay in the text: the colours only repeat them. @param {string} line */
function diffLine(line) {
  const kind = /^\s*-/u.test(line) ? 'minus' : /^\s*\+/u.test(line) ? 'plus' : null
  return h('span', { class: kind }, `${line}\n`)
}

/** @param {string} line */
function stackLine(line) {
  return h('span', { class: /node_modules|node:/u.test(line) ? 'theirs' : 'ours' }, `${line}\n`)
}

/** So many attempts are listed without a click: a stress run has many, most of which passed. */
const ATTEMPTS = 20

/** @param {Report} report @param {Place} place */
function attemptsView(report, { file }) {
  const { attempts } = report.file(file)
  if (attempts.length === 0) return []
  const numbered = attempts.map((attempt, at) => ({ attempt, number: at + 1 }))
  const isMany = numbered.length > ATTEMPTS
  const sorted = isMany
    ? numbered.sort((a, b) => Number(a.attempt.mark === 'p') - Number(b.attempt.mark === 'p'))
    : numbered
  return [
    h(
      'h4',
      {},
      attempts.length > 1 ? `Attempts at this file${isMany ? ', those that did not pass first' : ''}` : 'This file ran',
    ),
    stepwise(sorted, ATTEMPTS, (shown) =>
      h(
        'ul',
        { class: 'attempts' },
        shown.map(({ attempt, number }) =>
          attemptView(report, attempt, attempts.length > 1 ? `attempt ${number}` : null),
        ),
      ),
    ),
  ]
}

/** @param {Report} report @param {import('../data.ts').PageAttempt} attempt @param {string | null} name */
function attemptView(report, { shard, database, run, from, ms, startUpMs, mark, word, why, keys }, name) {
  const facts = [
    name,
    report.shardName(shard),
    database === null ? 'no database' : `database ${database}`,
    from === null ? `in run ${run}, for ${duration(ms)}` : `from ${duration(from)} for ${duration(ms)}`,
    startUpMs === null ? null : `start-up ${duration(startUpMs)}`,
    keys === null || keys === 0 ? null : `left ${plural(keys, 'key')} behind`,
    why === '' ? null : why,
  ]
  return h('li', {}, badge(mark, 'shown', word), h('span', {}, facts.filter(Boolean).join(' · ')))
}

/** @param {Report} report @param {Place} place */
function outputView(report, { file }) {
  const { attempts } = report.file(file)
  return report.head.outputs
    .filter((output) => output.file === file)
    .map(({ attempt, parts, cut }) =>
      h(
        'details',
        { class: 'output', open: parts.reduce((sum, { text }) => sum + text.length, 0) < 2000 },
        h('summary', {}, attempts.length > 1 ? `Output of attempt ${attempt}` : 'Output of this file'),
        cut === 0 ? null : h('p', { class: 'note' }, `${plural(cut, 'character')} before this are in the journal.`),
        h(
          'pre',
          { tabindex: 0, 'aria-label': 'Output' },
          parts.map(({ error, text }) =>
            h('span', { class: error ? 'stderr' : null }, error ? text.replaceAll(/^/gmu, 'stderr │ ') : text, '\n'),
          ),
        ),
      ),
    )
}

/** @param {Report} report @param {Place} place */
function commands(report, place) {
  const { path, tier } = report.file(place.file)
  const whole = `npx tiershard run --tier ${quoted(report.head.tiers[tier]?.name ?? '')} ${quoted(path)}`
  if (place.test === null) return [h('h4', {}, 'Run it again'), commandLine('the command for this file', whole)]
  return [
    h('h4', {}, 'Run it again'),
    commandLine('the command for this test', `${whole} -t ${quoted(patternOf(report.name(place.test)))}`),
    commandLine('the command for this file', whole),
  ]
}

/** Title and whereabouts. @param {Report} report @param {Place} place @param {string} level */
export function titleOf(report, { file, test }, level = 'h3') {
  const { id, path, suite, tier, ms, mark, word } = report.file(file)
  const line = test === null ? 0 : (report.lines[test] ?? 0)
  const at = line > 0 ? `${path}:${line}` : path
  const tests = test === null ? mark : report.mark(test)
  return h(
    'div',
    { class: 'title' },
    badge(tests, 'shown', test === null ? word : MARKS[tests].word),
    h(
      level === 'h2' ? 'h2' : 'h3',
      { id: level === 'h2' ? 'panel-title' : null, tabindex: level === 'h2' ? -1 : null },
      test === null ? id : nameView(report.name(test)),
    ),
    h(
      'p',
      { class: 'where' },
      h('code', {}, at),
      copyButton('the location', at),
      h(
        'span',
        {},
        `${report.head.tiers[tier]?.name ?? ''} · ${suite} · ${duration(test === null ? ms : (report.ms[test] ?? 0))}`,
      ),
    ),
  )
}

/** The groups of a test quieter than its own title. @param {string} name */
export function nameView(name) {
  const at = name.lastIndexOf(' > ')
  if (at < 0) return h('span', {}, name)
  return h('span', {}, h('span', { class: 'group' }, `${name.slice(0, at)} › `), name.slice(at + 3))
}
