import { h, section, stepwise, table } from './dom.js'
import { link } from './sections.js'
import { amount, plural, size } from './words.js'

/** What files left behind: keys and connections in Redis, processes on the machine. */

/** @typedef {import('./data.js').Report} Report */
/** @typedef {import('./details.js').Place} Place */
/** @typedef {import('../data.ts').PageLeak} PageLeak */
/** @typedef {{ place: number, keys: number, leak: PageLeak | null }} Left */
/** @typedef {(place: Place) => void} Open */

/** Of one file so many prefixes are named in the list. */
const GROUPS = 3

/** @param {Report} report @param {Open} open */
export function leftoversSection(report, open) {
  const files = leftOf(report)
  const { leaked, leaks } = report.head
  const all = new Set([...files.map(({ place }) => place), ...leaked.map(({ file }) => file)]).size
  if (all === 0) return null
  return section(
    'leftovers',
    'Left behind',
    plural(Math.max(all, leaks.fileCount), 'file'),
    ...(leaks.prefixes.length > 0 ? prefixTable(report) : []),
    ...(files.length > 0 ? fileTable(report, open, files) : []),
    ...(leaked.length > 0 ? processTable(report, open) : []),
  )
}

/** Files that left something in Redis, the worst first. @param {Report} report @returns {Left[]} */
function leftOf({ head: { files, leaks } }) {
  const known = new Map(leaks.files.map((leak) => [leak.file, leak]))
  // Of some keys no more than their number is known.
  const rest = files.flatMap(({ attempts }, place) => {
    const keys = attempts.reduce((most, one) => Math.max(most, one.keys ?? 0), 0)
    return keys === 0 || known.has(place) ? [] : [{ place, keys, leak: null }]
  })
  return [
    ...leaks.files.map((leak) => ({ place: leak.file, keys: leak.keys, leak })),
    ...rest.sort((a, b) => b.keys - a.keys),
  ]
}

/** @param {Report} report */
function prefixTable({ head: { leaks } }) {
  const { prefixes, prefixCount, files } = leaks
  const more = prefixCount - prefixes.length
  const sampled = files.some((leak) => leak.sampled < leak.keys)
  return [
    h('h3', {}, 'Keys by prefix', h('span', { class: 'note' }, 'still there when a file had ended; they were flushed')),
    stepwise(prefixes, 15, (shown) =>
      table(
        'Keys left behind, by prefix',
        [
          ['prefix', 'wide'],
          ['type'],
          ['keys', 'number'],
          ['without TTL', 'number'],
          ['size', 'number'],
          ['files', 'number'],
        ],
        shown.map(({ prefix, type, keys, withoutTtl, bytes, files: by }) => [
          h('code', { title: prefix }, prefix),
          type,
          amount(keys),
          lasting(withoutTtl),
          size(bytes),
          amount(by),
        ]),
      ),
    ),
    more > 0 ? h('p', { class: 'note' }, `And ${plural(more, 'more prefix', 'more prefixes')} with fewer keys.`) : null,
    sampled
      ? h('p', { class: 'note' }, 'Of files that left many keys, a sample was looked at and is counted here.')
      : null,
  ]
}

/** Keys that would have stayed for ever are what hurts in production. @param {number} keys */
function lasting(keys) {
  return h('span', { class: keys > 0 ? 'warn' : 'zero' }, amount(keys))
}

/** @param {Report} report @param {Open} open @param {Left[]} files */
function fileTable(report, open, files) {
  const { leaks } = report.head
  return [
    h('h3', {}, 'In Redis, by file'),
    stepwise(files, 15, (shown) =>
      table(
        'What files left in Redis',
        [
          ['file', 'wide'],
          ['keys', 'number'],
          ['without TTL', 'number'],
          ['size', 'number'],
          ['connections', 'number'],
        ],
        shown.map(({ place, keys, leak }) => [
          h('div', {}, link(report, open, { file: place, test: null }), leak && kinds(leak)),
          amount(keys),
          leak && keys > 0 ? lasting(leak.withoutTtl) : '',
          leak && keys > 0 ? size(leak.bytes) : '',
          leak?.clients ? connections(leak.clients.length) : '',
        ]),
      ),
    ),
    leaks.fileCount > leaks.files.length
      ? h('p', { class: 'note' }, `What kinds of keys is shown of the ${amount(leaks.files.length)} worst files.`)
      : null,
  ]
}

/** @param {number} count */
function connections(count) {
  return h('span', { class: count > 0 ? 'warn' : 'zero' }, amount(count))
}

/** What the keys and the connections are, in one line. @param {PageLeak} leak */
function kinds({ groups, clients, sampled, keys }) {
  const more = groups.length - GROUPS
  const text = [
    sampled < keys ? `of ${amount(sampled)} looked at` : '',
    ...groups.slice(0, GROUPS).map((group) => `${amount(group.keys)} × ${group.prefix} (${group.type})`),
    more > 0 ? `${amount(more)} more kinds` : '',
    clients?.length ? `still connected: ${clients.join(', ')}` : '',
  ]
    .filter(Boolean)
    .join(' · ')
  return text === '' ? null : h('span', { class: 'first', title: text }, text)
}

/** @param {Report} report @param {Open} open */
function processTable(report, open) {
  const rows = report.head.leaked.flatMap(({ file, processes }) => processes.map((one) => ({ file, ...one })))
  return [
    h('h3', {}, 'Processes', h('span', { class: 'note' }, 'left running by files; they were ended')),
    stepwise(rows, 15, (shown) =>
      table(
        'Processes that files left running',
        [
          ['file', 'half'],
          ['command', 'half'],
          ['pid', 'number'],
        ],
        shown.map(({ file, pid, command }) => [
          link(report, open, { file, test: null }),
          h('code', { title: command }, command === '' ? '(not readable)' : command),
          String(pid),
        ]),
      ),
    ),
  ]
}
