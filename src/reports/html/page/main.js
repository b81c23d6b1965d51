import { Report, unpack } from './data.js'
import { badge, h, section } from './dom.js'
import { flakySection } from './flaky.js'
import { contents, corner, facts, helpDialog, shares } from './frame.js'
import { lanesSection } from './lanes.js'
import { leftoversSection } from './left.js'
import { quarantineSection, stressSection } from './known.js'
import { createList } from './list.js'
import { missingSection } from './nodes.js'
import { createPanel } from './panel.js'
import { searcher } from './search.js'
import { environmentSection, failuresSection, notRunSection, tiersSection, warningsSection } from './sections.js'
import { slowSection } from './slow.js'
import { switchTheme } from './theme.js'
import { amount, OUTCOMES } from './words.js'

/** @typedef {import('./words.js').Outcome} Outcome */
/** @typedef {import('./details.js').Place} Place */

try {
  await start()
} catch (error) {
  // The verdict is on the page already; what is wrong with the rest has to be seen as well.
  document
    .getElementById('app')
    ?.append(h('p', { class: 'broken', role: 'alert' }, `This report cannot be shown: ${String(error)}`))
  throw error
}

async function start() {
  const pieces = [...document.querySelectorAll('script[data-holds]')]
  const holding = (/** @type {string} */ kind) => pieces.filter((piece) => piece.getAttribute('data-holds') === kind)
  const report = new Report(await unpack(holding('head')[0]?.textContent ?? ''))
  const page = build(report)
  performance.mark('report-shown')
  for (const piece of holding('tests')) {
    report.add(await unpack(piece.textContent ?? ''))
    piece.remove()
  }
  page.ready()
  performance.mark('report-ready')
}

/** @param {Report} report */
function build(report) {
  /** @type {{ text: string, outcomes: Set<Outcome>, tier: string, suite: string }} */
  const query = { text: '', outcomes: new Set(), tier: '', suite: '' }
  /** @type {Place | null} */
  let shown = null
  const { find, prepare } = searcher(report)
  const panel = createPanel(report, (place) => {
    shown = place
    writeHash()
  })
  const open = panel.show
  const list = createList(report, open)
  const lanes = lanesSection(report, open)
  const help = helpDialog()
  const search = h('input', {
    type: 'search',
    id: 'search',
    placeholder: 'Search tests, files and suites  ( / )',
    'aria-label': 'Search tests, files and suites',
    autocomplete: 'off',
    spellcheck: 'false',
    oninput: () => {
      query.text = search.value
      apply()
    },
  })
  const buttons = OUTCOMES.map(({ key, word, mark }) =>
    h(
      'button',
      {
        type: 'button',
        class: `filter ${report.head.counts[key] === 0 ? 'none' : ''}`,
        'aria-pressed': 'false',
        'data-outcome': key,
        onclick: () => toggle(key),
      },
      badge(mark, 'shown', word),
      h('span', { class: 'count' }, amount(report.head.counts[key])),
    ),
  )
  const tiers = choice(
    'Tier',
    report.head.tiers.map(({ name }) => name),
    (value) => (query.tier = value),
  )
  const suites = choice(
    'Suite',
    [...new Set(report.head.files.map(({ suite }) => suite))].toSorted(),
    (value) => (query.suite = value),
  )

  const failures = failuresSection(report, open)
  const tests = section(
    'tests',
    'All tests',
    amount(report.total),
    h(
      'div',
      { class: 'controls' },
      h('button', { type: 'button', onclick: () => list.foldAll(true) }, 'Unfold all'),
      h('button', { type: 'button', onclick: () => list.foldAll(false) }, 'Fold all'),
    ),
    list.element,
  )
  const sections = [
    missingSection(report),
    failures,
    stressSection(report, open),
    tiersSection(report),
    lanes.element,
    tests,
    slowSection(report, open),
    flakySection(report, open),
    quarantineSection(report, open),
    leftoversSection(report, open),
    notRunSection(report, open),
    warningsSection(report),
    environmentSection(report),
  ].filter((part) => part !== null)
  const toolbar = h(
    'div',
    { class: 'toolbar', role: 'search' },
    search,
    h('div', { class: 'filters', role: 'group', 'aria-label': 'Outcome' }, buttons),
    report.head.tiers.length > 1 ? tiers.element : null,
    suites.amount > 1 ? suites.element : null,
  )
  document.getElementById('verdict')?.append(facts(report), shares(report))
  document
    .getElementById('app')
    ?.append(
      toolbar,
      h('div', { class: 'columns' }, contents(sections), h('main', {}, sections)),
      h('footer', {}, 'Press ', h('kbd', {}, '?'), ' for the keys of this page.'),
      panel.element,
      help,
    )
  document.body.prepend(
    h(
      'a',
      {
        class: 'skip',
        href: '#app',
        onclick: (/** @type {Event} */ event) =>
          (event.preventDefault(), search.focus()),
      },
      'Skip to the search',
    ),
    corner(help),
  )
  window.addEventListener('beforeprint', () => {
    for (const card of document.querySelectorAll('details.card')) card.setAttribute('open', '')
  })
  for (const query of ['print', '(prefers-color-scheme: dark)'])
    matchMedia(query).addEventListener('change', lanes.draw)
  document.addEventListener('theme', lanes.draw)
  document.addEventListener('keydown', onKey)
  lanes.draw()

  function apply() {
    const narrow = query.text.trim() !== '' || query.outcomes.size > 0
    list.show(find(query), narrow)
    for (const button of buttons)
      button.setAttribute(
        'aria-pressed',
        String(query.outcomes.has(/** @type {Outcome} */ (button.dataset['outcome']))),
      )
    document.documentElement.classList.toggle('searching', narrow || query.tier !== '' || query.suite !== '')
    writeHash()
  }

  /** @param {Outcome} outcome */
  function toggle(outcome) {
    if (!query.outcomes.delete(outcome)) query.outcomes.add(outcome)
    apply()
    tests.scrollIntoView({ block: 'start' })
  }

  /** @param {string} name @param {string[]} values @param {(value: string) => void} set */
  function choice(name, values, set) {
    const select = h(
      'select',
      {
        'aria-label': name,
        onchange: () => {
          set(select.value)
          apply()
        },
      },
      h('option', { value: '' }, `All ${name.toLowerCase()}s`),
      values.map((value) => h('option', { value }, value)),
    )
    return { element: select, amount: values.length }
  }

  /** What is shown, as an address that can be passed on: `#test=...`, `q`, `outcome`, `tier`, `suite`. */
  function writeHash() {
    const parts = new URLSearchParams()
    if (shown) {
      const file = report.file(shown.file)
      parts.set('test', shown.test === null ? file.id : `${file.id} > ${report.name(shown.test)}`)
      if (report.head.tiers.length > 1) parts.set('in', report.head.tiers[file.tier]?.name ?? '')
    }
    if (query.text !== '') parts.set('q', query.text)
    if (query.outcomes.size > 0) parts.set('outcome', [...query.outcomes].join(','))
    if (query.tier !== '') parts.set('tier', query.tier)
    if (query.suite !== '') parts.set('suite', query.suite)
    const hash = parts.toString().replaceAll('%2F', '/')
    history.replaceState(null, '', hash === '' ? location.pathname + location.search : `#${hash}`)
  }

  function readHash() {
    const parts = new URLSearchParams(location.hash.slice(1))
    const name = parts.get('test')
    const place = name === null ? null : report.find(parts.get('in') ?? '', name)
    const keys = (parts.get('outcome') ?? '').split(',')
    query.text = search.value = parts.get('q') ?? ''
    query.outcomes = new Set(OUTCOMES.map(({ key }) => key).filter((key) => keys.includes(key)))
    query.tier = tiers.element.value = parts.get('tier') ?? ''
    query.suite = suites.element.value = parts.get('suite') ?? ''
    apply()
    if (place) open(place)
    else if (name === null) panel.hide()
    else document.getElementById(name)?.scrollIntoView()
  }

  /** @param {number} by */
  function stepFailure(by) {
    const places = report.head.details
      .filter(({ file, mark }) => file !== null && 'ftcexl'.includes(mark))
      .map(({ file, test }) => ({ file: file ?? 0, test: test === null ? null : report.begin(file ?? 0) + test }))
    const now = places.findIndex(({ file, test }) => shown?.file === file && shown.test === test)
    const next = places[now < 0 ? (by > 0 ? 0 : places.length - 1) : (now + by + places.length) % places.length]
    if (next) open(next)
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return
    const target = event.target instanceof HTMLElement ? event.target : null
    const typing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement
    if (event.key === 'Escape') {
      if (panel.isOpen()) panel.hide()
      else if (search.value !== '' || query.outcomes.size > 0) {
        query.text = search.value = ''
        query.outcomes.clear()
        apply()
      } else if (typing) target.blur()
      return
    }
    if (typing) {
      if (target === search && (event.key === 'Enter' || event.key === 'ArrowDown')) {
        event.preventDefault()
        list.step(1)
      }
      return
    }
    /** @type {Record<string, () => void>} */
    const actions = {
      '/': () => (search.focus(), search.select()),
      j: () => list.step(1),
      k: () => list.step(-1),
      n: () => stepFailure(1),
      p: () => stepFailure(-1),
      t: switchTheme,
      '?': () => help.showModal(),
    }
    const act = actions[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }

  /** Makes the first search as fast as the later ones, in moments in which nothing else happens. @param {number} file */
  function prepareFrom(file) {
    // Safari has no such moments; there the first search is slower.
    if (typeof requestIdleCallback !== 'function') return
    requestIdleCallback((idle) => {
      let next = file
      while (next < report.head.files.length && idle.timeRemaining() > 1) prepare(next++)
      if (next < report.head.files.length) prepareFrom(next)
    })
  }

  return {
    ready() {
      readHash()
      window.addEventListener('hashchange', readHash)
      document.documentElement.dataset['ready'] = 'true'
      prepareFrom(0)
    },
  }
}
