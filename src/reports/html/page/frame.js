import { h } from './dom.js'
import { switchTheme } from './theme.js'
import { duration } from './words.js'

/** What stands around the sections of the page. */

/** @typedef {import('./data.js').Report} Report */

const KEYS = [
  ['/', 'search'],
  ['j, k', 'next and previous row of the list'],
  ['n, p', 'next and previous failure'],
  ['Enter', 'open what is selected'],
  ['Esc', 'close the panel, then clear the search'],
  ['→, ←', 'unfold and fold a file'],
  ['t', 'light or dark'],
  ['?', 'this help'],
]

/** What this run was, in one line. @param {Report} report */
export function facts({ head: { meta, startedAt, wallMs, tiers, server } }) {
  const date =
    startedAt === null ? '' : new Date(startedAt).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
  const parts = [
    date,
    duration(wallMs),
    tiers.map(({ name }) => name).join(' + '),
    server && `${server.product} ${server.version}`,
    meta?.commit?.slice(0, 10),
    meta?.ci,
    meta?.run,
  ]
  return h(
    'p',
    { class: 'facts' },
    parts.filter(Boolean).map((part) => h('span', {}, part ?? '')),
  )
}

/** The outcomes as parts of one bar; the buttons of the toolbar say the same in words. @param {Report} report */
export function shares({ head: { counts } }) {
  const bar = h('div', { class: 'shares', 'aria-hidden': 'true' })
  /** @type {[string, number][]} */
  const parts = [
    ['bad', counts.failed],
    ['warn', counts.flaky],
    ['none', counts.notRun],
    ['quiet', counts.skipped],
    ['good', counts.passed - counts.flaky],
  ]
  for (const [tone, count] of parts) {
    if (count <= 0) continue
    const part = h('span', { class: tone })
    part.style.flexGrow = String(count)
    bar.append(part)
  }
  return bar
}

/** Links to the sections. @param {HTMLElement[]} sections */
export function contents(sections) {
  const jump = (/** @type {HTMLElement} */ target) => (/** @type {Event} */ event) => {
    event.preventDefault()
    target.scrollIntoView({ block: 'start' })
  }
  return h(
    'nav',
    { 'aria-label': 'Contents' },
    h(
      'ul',
      {},
      sections.map((part) =>
        h(
          'li',
          {},
          h(
            'a',
            { href: `#${part.id}`, onclick: jump(part) },
            part.dataset['title'] ?? '',
            h(
              'span',
              { class: 'note' },
              /^[\d,]+$/u.test(part.dataset['note'] ?? '') ? (part.dataset['note'] ?? '') : '',
            ),
          ),
        ),
      ),
    ),
  )
}

/** @param {HTMLDialogElement} help */
export function corner(help) {
  return h(
    'div',
    { class: 'corner' },
    h(
      'button',
      { type: 'button', id: 'theme', 'aria-label': 'Light or dark', title: 'Light or dark (t)', onclick: switchTheme },
      '◐',
    ),
    h('button', { type: 'button', 'aria-label': 'Keys', title: 'Keys (?)', onclick: () => help.showModal() }, '?'),
  )
}

export function helpDialog() {
  const dialog = h(
    'dialog',
    { id: 'help', 'aria-labelledby': 'help-title' },
    h('h2', { id: 'help-title' }, 'Keys'),
    h(
      'dl',
      {},
      KEYS.flatMap(([key, what]) => [h('dt', {}, h('kbd', {}, key ?? '')), h('dd', {}, what ?? '')]),
    ),
    h('button', { type: 'button', onclick: () => dialog.close() }, 'Close'),
  )
  return dialog
}
