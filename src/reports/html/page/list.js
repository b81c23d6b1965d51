import { badge, h } from './dom.js'
import { nameView } from './details.js'
import { amount, duration, plural } from './words.js'

/** Height of a row in px, as the style has it. */
const ROW = 30
/** Browsers lose count of pixels beyond some 17 million: so many rows are shown at most. */
const MOST_ROWS = 500_000
/** Rows drawn above and below what can be seen. */
const MARGIN = 8

/** @typedef {import('./details.js').Place} Place */

/**
 * The list of all files and their tests: only the rows that can be seen exist, whatever the size of the run. Passed tests
 * are folded into their files until something is searched for.
 *
 * @param {import('./data.js').Report} report
 * @param {(place: Place) => void} onOpen
 */
export function createList(report, onOpen) {
  /** Rows: a file as -1 - its place, a test as its number. @type {number[]} */
  let rows = []
  /** @type {import('./search.js').Found} */
  let found = { files: [], tests: 0 }
  /** What the user opened or closed by hand. @type {Map<number, boolean>} */
  const folded = new Map()
  let narrow = false
  let selected = -1

  const spacer = h('div', { class: 'rows', role: 'presentation' })
  const box = h(
    'div',
    {
      id: 'list',
      class: 'list',
      role: 'tree',
      tabindex: 0,
      'aria-label': 'Files and tests',
      onscroll: draw,
      onkeydown: onKey,
      onclick: onClick,
    },
    spacer,
  )
  const sum = h('p', { class: 'sum', 'aria-live': 'polite' })

  /** Whether a file shows its tests: those with something to see do, and all when the search is narrow. @param {number} file */
  function isOpen(file) {
    const { counts } = report.file(file)
    return folded.get(file) ?? (narrow || (counts[1] > 0 && report.total < 2000))
  }

  /** @param {import('./search.js').Found} next @param {boolean} narrowed something is searched or filtered */
  function show(next, narrowed) {
    found = next
    narrow = narrowed && next.tests <= 20_000
    folded.clear()
    selected = -1
    fill()
    box.scrollTop = 0
    draw()
  }

  function fill() {
    rows = []
    for (const { file, tests } of found.files) {
      rows.push(-1 - file)
      if (!isOpen(file)) continue
      if (tests === null) for (let test = report.begin(file); test < report.end(file); test++) rows.push(test)
      else for (const test of tests) rows.push(test)
    }
    const more = rows.length - MOST_ROWS
    if (more > 0) rows.length = MOST_ROWS
    spacer.style.height = `${rows.length * ROW}px`
    box.style.height = `min(72vh, ${Math.max(2, rows.length) * ROW + 2}px)`
    sum.textContent =
      found.files.length === 0
        ? 'Nothing matches.'
        : `${plural(found.tests, 'test')} in ${plural(found.files.length, 'file')}` +
          (more > 0 ? `; ${amount(more)} rows more than fit here: search for less` : '')
  }

  function draw() {
    const from = Math.max(0, Math.floor(box.scrollTop / ROW) - MARGIN)
    const to = Math.min(rows.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + MARGIN)
    const drawn = []
    for (let at = from; at < to; at++) drawn.push(row(at))
    spacer.replaceChildren(...drawn)
    if (selected >= from && selected < to) box.setAttribute('aria-activedescendant', `row-${selected}`)
    else box.removeAttribute('aria-activedescendant')
  }

  /** @param {number} at */
  function row(at) {
    const value = rows[at] ?? 0
    const element = value < 0 ? fileRow(-1 - value) : testRow(value)
    element.id = `row-${at}`
    element.dataset['at'] = String(at)
    element.setAttribute('aria-setsize', String(rows.length))
    element.setAttribute('aria-posinset', String(at + 1))
    element.setAttribute('aria-selected', String(at === selected))
    element.style.top = `${at * ROW}px`
    return element
  }

  /** @param {number} file */
  function fileRow(file) {
    const { id, mark, word, counts, suite, ms, tests, attempts } = report.file(file)
    const [passed, failed, skipped, notRun, flaky] = counts
    const open = isOpen(file)
    const amounts = [
      failed > 0 ? `${amount(failed)} failed` : null,
      flaky > 0 ? `${amount(flaky)} flaky` : null,
      notRun > 0 ? `${amount(notRun)} not run` : null,
      skipped > 0 ? `${amount(skipped)} skipped` : null,
      passed > 0 ? `${amount(passed)} passed` : null,
    ]
    return h(
      'div',
      { class: 'row file', role: 'treeitem', 'aria-level': 1, 'aria-expanded': tests > 0 ? String(open) : null },
      h('span', { class: 'fold', 'aria-hidden': 'true' }, tests === 0 ? '' : open ? '▾' : '▸'),
      badge(mark, 'said', word),
      h('span', { class: 'name', title: id }, id),
      attempts.length > 1 ? h('span', { class: 'tag' }, `${attempts.length} attempts`) : null,
      h('span', { class: 'amounts' }, amounts.filter(Boolean).join(', ')),
      h('span', { class: 'suite' }, suite),
      h('span', { class: 'time' }, attempts.length === 0 ? '' : duration(ms)),
    )
  }

  /** @param {number} test */
  function testRow(test) {
    const mark = report.mark(test)
    const name = report.name(test)
    const line = report.lines[test] ?? 0
    const slow = (report.ms[test] ?? 0) > (report.head.tiers[report.file(report.fileOf(test)).tier]?.slowMs ?? Infinity)
    return h(
      'div',
      { class: 'row test', role: 'treeitem', 'aria-level': 2 },
      badge(mark, mark === 'p' ? 'said' : 'shown'),
      h('span', { class: 'name', title: name }, nameView(name)),
      slow ? h('span', { class: 'tag' }, 'slow') : null,
      h('span', { class: 'suite' }, line > 0 ? `:${line}` : ''),
      h('span', { class: 'time' }, mark === 'n' || mark === 's' ? '' : duration(report.ms[test] ?? 0)),
    )
  }

  /** @param {number} at */
  function select(at) {
    if (rows.length === 0) return
    selected = Math.max(0, Math.min(rows.length - 1, at))
    const top = selected * ROW
    if (top < box.scrollTop) box.scrollTop = top
    else if (top + ROW > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW - box.clientHeight
    draw()
  }

  /** @param {number} at @param {boolean} [open] */
  function fold(at, open) {
    const value = rows[at] ?? 0
    if (value >= 0) return
    folded.set(-1 - value, open ?? !isOpen(-1 - value))
    fill()
    select(at)
  }

  /** @param {number} at */
  function open(at) {
    const value = rows[at]
    if (value === undefined) return
    onOpen(value < 0 ? { file: -1 - value, test: null } : { file: report.fileOf(value), test: value })
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const page = Math.max(1, Math.floor(box.clientHeight / ROW) - 1)
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowDown: () => select(selected + 1),
      ArrowUp: () => select(selected - 1),
      PageDown: () => select(selected + page),
      PageUp: () => select(selected - page),
      Home: () => select(0),
      End: () => select(rows.length - 1),
      ArrowRight: () => fold(selected, true),
      ArrowLeft: () => ((rows[selected] ?? 0) < 0 ? fold(selected, false) : select(parent(selected))),
      ' ': () => fold(selected),
      Enter: () => open(selected),
    }
    const act = actions[event.key]
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    act()
  }

  /** The row of the file of a test. @param {number} at */
  function parent(at) {
    let row = at
    while (row > 0 && (rows[row] ?? 0) >= 0) row--
    return row
  }

  /** @param {MouseEvent} event */
  function onClick(event) {
    const target = event.target instanceof Element ? event.target : null
    const element = target?.closest('.row')
    if (!(element instanceof HTMLElement)) return
    const at = Number(element.dataset['at'])
    select(at)
    if ((rows[at] ?? 0) < 0 && !target?.closest('.name')) fold(at)
    else open(at)
  }

  return {
    element: h('div', {}, sum, box),
    show,
    redraw: () => {
      fill()
      draw()
    },
    /** Selects the next row, or the one before it, and brings the list into view. @param {number} by */
    step(by) {
      box.focus({ preventScroll: true })
      box.scrollIntoView({ block: 'nearest' })
      select(selected + by)
    },
    /** Opens what is selected. */
    enter: () => open(selected),
    foldAll(/** @type {boolean} */ open) {
      for (const { file } of found.files) folded.set(file, open)
      fill()
      draw()
    },
  }
}
