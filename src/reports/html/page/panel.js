import { announce, h } from './dom.js'
import { detailBody, titleOf } from './details.js'

/** @typedef {import('./details.js').Place} Place */

/**
 * The panel at the side that shows one test or file.
 *
 * @param {import('./data.js').Report} report
 * @param {(place: Place | null) => void} onChange called with what is shown, or with null when it is closed
 */
export function createPanel(report, onChange) {
  /** @type {Element | null} */
  let before = null
  const body = h('div', { class: 'panel-body' })
  const close = h('button', { type: 'button', class: 'close', 'aria-label': 'Close (Esc)', onclick: hide }, '×')
  const element = h(
    'aside',
    { id: 'panel', role: 'dialog', 'aria-labelledby': 'panel-title', hidden: true },
    close,
    body,
  )

  /** @param {Place} place */
  function show(place) {
    if (element.hidden) before = document.activeElement
    const detail = report.detail(place.file, place.test)
    body.replaceChildren(
      titleOf(report, place, 'h2'),
      ...detailBody(report, detail, place).filter((part) => part !== null),
    )
    element.hidden = false
    document.documentElement.classList.add('with-panel')
    body.scrollTop = 0
    const title = body.querySelector('#panel-title')
    if (title instanceof HTMLElement) title.focus()
    onChange(place)
  }

  function hide() {
    if (element.hidden) return
    element.hidden = true
    document.documentElement.classList.remove('with-panel')
    if (before instanceof HTMLElement && before.isConnected) before.focus()
    announce('Closed')
    onChange(null)
  }

  return { element, show, hide, isOpen: () => !element.hidden }
}
