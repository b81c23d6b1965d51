import { MARKS } from './words.js'

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * An element. What comes from the run goes in as text or as the value of an attribute, never as markup.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | null | ((event: never) => void)>} [properties] attributes (false
 *   and null: absent, true: empty), and listeners under names such as `onclick`, which know what event that is
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), /** @type {EventListener} */ (value))
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? '' : String(value))
  }
  for (const child of children.flat()) if (child) element.append(child)
  return element
}

/**
 * A mark for the eye, with its word for those who listen, or for everybody.
 *
 * @param {import('./words.js').Mark} mark
 * @param {'said' | 'shown'} [word]
 * @param {string} [text] another word than the mark's own
 */
export function badge(mark, word = 'said', text = MARKS[mark].word) {
  const { sign, tone } = MARKS[mark]
  return h(
    'span',
    { class: `badge ${tone}`, title: text },
    h('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
    h('span', { class: word === 'said' ? 'unseen' : 'word' }, text),
  )
}

/**
 * A button that copies a text.
 *
 * @param {string} what for its label: `Copy the command`
 * @param {string} text
 */
export function copyButton(what, text) {
  const button = h(
    'button',
    { type: 'button', class: 'copy', 'aria-label': `Copy ${what}`, onclick: () => void copy() },
    'Copy',
  )
  async function copy() {
    const done = await toClipboard(text)
    button.textContent = done ? 'Copied' : 'Press Ctrl+C'
    announce(done ? `Copied ${what}` : `${what} could not be copied`)
    setTimeout(() => (button.textContent = 'Copy'), 1500)
  }
  return button
}

/** @param {string} text */
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // No permission, or a browser that gives pages from disk no clipboard: the old way.
    const area = h('textarea', { class: 'unseen', 'aria-hidden': 'true' })
    area.value = text
    document.body.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}

/** A command with its copy button. @param {string} what @param {string} command */
export function commandLine(what, command) {
  return h('div', { class: 'command' }, h('code', { tabindex: 0 }, command), copyButton(what, command))
}

const live = h('div', { class: 'unseen', role: 'status', 'aria-live': 'polite' })
document.body.append(live)

/** Says something to those who listen. @param {string} text */
export function announce(text) {
  live.textContent = text
}

/**
 * A section of the page with its place in the contents.
 *
 * @param {string} id
 * @param {string} title
 * @param {string} note beside the title, such as an amount
 * @param {...(Child | Child[])} children
 */
export function section(id, title, note, ...children) {
  return h(
    'section',
    { id, 'aria-labelledby': `${id}-title`, 'data-title': title, 'data-note': note },
    h('h2', { id: `${id}-title` }, title, note === '' ? null : h('span', { class: 'note' }, note)),
    ...children,
  )
}

/**
 * A table. Numbers stand right.
 *
 * @param {string} caption for those who listen
 * @param {readonly (readonly [string, ('number' | 'wide' | 'half')?])[]} columns
 * @param {Child[][]} rows
 */
export function table(caption, columns, rows) {
  const kind = (/** @type {number} */ column) => columns[column]?.[1] ?? null
  return h(
    'div',
    { class: 'scroll' },
    h(
      'table',
      {},
      h('caption', { class: 'unseen' }, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          columns.map(([name], at) => h('th', { scope: 'col', class: kind(at) }, name)),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map((row) =>
          h(
            'tr',
            {},
            row.map((cell, at) => h('td', { class: kind(at) }, cell)),
          ),
        ),
      ),
    ),
  )
}

/**
 * The first entries, and a button that shows the next ones.
 *
 * @template Entry
 * @param {readonly Entry[]} entries
 * @param {number} step
 * @param {(shown: Entry[]) => Node} render
 */
export function stepwise(entries, step, render) {
  const box = h('div', { class: 'stepwise' }, render(entries.slice(0, step)))
  let shown = step
  const more = h('button', { type: 'button', class: 'more', onclick: showMore })
  function showMore() {
    const next = entries.slice(shown, shown + 10 * step)
    shown += next.length
    more.before(render(next))
    label()
  }
  function label() {
    more.textContent = `Show ${amountLeft()} more`
    if (shown >= entries.length) more.remove()
  }
  function amountLeft() {
    return Math.min(10 * step, entries.length - shown)
  }
  if (entries.length > step) box.append(more)
  label()
  return box
}
