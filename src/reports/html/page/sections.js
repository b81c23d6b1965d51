import { detailBody, nameView } from './details.js'
import { badge, commandLine, h, section, stepwise, table } from './dom.js'
import { nodeTable } from './nodes.js'
import { amount, duration, plural } from './words.js'

/** @typedef {import('./data.js').Report} Report */
/** @typedef {import('./details.js').Place} Place */
/** @typedef {(place: Place) => void} Open */

/** So many failures are shown in full without a click. */
const OPEN_FAILURES = 3

/** A button that opens a test or a file in the panel. @param {Report} report @param {Open} open @param {Place} place */
export function link(report, open, place) {
  const { id } = report.file(place.file)
  const label =
    place.test === null
      ? h('span', {}, id)
      : h('span', {}, h('span', { class: 'group' }, `${id} › `), nameView(report.name(place.test)))
  return h('button', { type: 'button', class: 'link', onclick: () => open(place) }, label)
}

/** @param {Report} report @param {import('../data.ts').PageDetail} detail @returns {Place | null} */
export function placeOf(report, { file, test }) {
  return file === null ? null : { file, test: test === null ? null : report.begin(file) + test }
}

/** Failures by message, the first ones in full. @param {Report} report @param {Open} open */
export function failuresSection(report, open) {
  const { groups, details, bare } = report.head
  const total = groups.reduce((sum, group) => sum + group.details.length, 0)
  if (total === 0) return null
  let left = OPEN_FAILURES
  const groupView = (/** @type {typeof groups[number]} */ group) =>
    h(
      'div',
      { class: 'failures' },
      group.details.length > 1
        ? h(
            'h3',
            { class: 'message-title' },
            h('span', { class: 'count' }, `${amount(group.details.length)} ×`),
            group.message,
          )
        : null,
      stepwise(group.details, 5, (shown) =>
        h(
          'div',
          {},
          shown.map((place) => card(place)),
        ),
      ),
    )
  /** @param {number} at */
  function card(at) {
    const detail = /** @type {import('../data.ts').PageDetail} */ (details[at])
    const place = placeOf(report, detail)
    const shown = left-- > 0
    const body = h('div', { class: 'body' })
    const fill = () => {
      if (body.childElementCount > 0) return
      body.append(...detailBody(report, detail, place).filter((part) => part !== null))
      if (place)
        body.append(
          h(
            'p',
            {},
            h('button', { type: 'button', class: 'more', onclick: () => open(place) }, 'Open beside the page'),
          ),
        )
    }
    if (shown) fill()
    return h(
      'details',
      { class: 'card', open: shown, ontoggle: fill },
      h(
        'summary',
        {},
        badge(detail.mark, 'shown', detail.word),
        h(
          'span',
          { class: 'what' },
          h(
            'span',
            { class: 'name' },
            place === null
              ? '(outside of any file)'
              : place.test === null
                ? report.file(place.file).id
                : nameView(report.name(place.test)),
          ),
          h('span', { class: 'first' }, detail.message),
        ),
        place === null ? null : h('span', { class: 'where' }, whereabouts(report, detail, place)),
      ),
      body,
    )
  }
  return section(
    'failures',
    'Failures',
    amount(total),
    byCause(report, open, total),
    stepwise(groups, 30, (shown) =>
      h(
        'div',
        {},
        shown.map((group) => groupView(group)),
      ),
    ),
    bare > 0
      ? h('p', { class: 'note' }, `${amount(bare)} more have only their first line here; junit.xml has all of them.`)
      : null,
  )
}

/**
 * One cause behind many failures is what a reader wants to know first. Its remedy, where the run met it, stands at the top.
 *
 * @param {Report} report
 * @param {Open} open
 * @param {number} total
 */
function byCause(report, open, total) {
  const { byCause: groups, details } = report.head
  if (groups.length === 0) return null
  const entry = (/** @type {number} */ at) => {
    const detail = /** @type {import('../data.ts').PageDetail} */ (details[at])
    const place = placeOf(report, detail)
    const name = place === null ? '(outside of any file)' : link(report, open, place)
    return h('li', {}, name, h('span', { class: 'first' }, detail.message))
  }
  return h(
    'div',
    { class: 'by-cause' },
    h('h3', {}, 'By cause'),
    groups.map(({ cause, details: members }) => {
      const bar = h('span', { class: 'bar', 'aria-hidden': 'true' })
      bar.style.width = `${(members.length / total) * 100}%`
      return h(
        'details',
        {},
        h(
          'summary',
          {},
          h('strong', {}, `${amount(members.length)} of ${amount(total)}`),
          ' ',
          h('code', {}, cause),
          bar,
        ),
        stepwise(members, 10, (shown) => h('ul', {}, shown.map(entry))),
      )
    }),
    h('h3', {}, 'By message'),
  )
}

/** @param {Report} report @param {import('../data.ts').PageDetail} detail @param {Place} place */
function whereabouts(report, detail, { file }) {
  const { path, tier } = report.file(file)
  const name = report.head.tiers.length > 1 ? ` · ${report.head.tiers[tier]?.name ?? ''}` : ''
  return `${path}${detail.line === null ? '' : `:${detail.line}`}${name}`
}

/** Tiers and their suites with their counts. @param {Report} report */
export function tiersSection(report) {
  const { tiers } = report.head
  const rows = tiers.flatMap((tier) => [
    [
      h(
        'span',
        {},
        h('strong', {}, tier.name),
        ' ',
        tier.end === 'completed' ? null : h('span', { class: 'tag' }, tier.end ?? 'killed'),
      ),
      amount(report.head.files.filter((file) => tiers[file.tier] === tier).length),
      ...countCells(tier.counts),
      tier.ms === null ? '' : `${duration(tier.ms)} of ${duration(tier.deadlineMs)}`,
    ],
    ...tier.suites.map((suite) => [
      h('span', { class: 'indent' }, suite.name),
      amount(suite.files),
      ...countCells(suite),
      `${duration(suite.ms)} in files`,
    ]),
  ])
  return section(
    'tiers',
    'Tiers and suites',
    '',
    table(
      'Tiers and suites',
      [
        ['tier, suite', 'wide'],
        ['files', 'number'],
        ['passed', 'number'],
        ['failed', 'number'],
        ['skipped', 'number'],
        ['not run', 'number'],
        ['flaky', 'number'],
        ['time', 'number'],
      ],
      rows,
    ),
  )
}

/** @param {import('../../../core/verdict.ts').Counts} counts */
function countCells({ passed, failed, skipped, notRun, flaky }) {
  const cell = (/** @type {number} */ count, /** @type {string} */ tone) =>
    h('span', { class: count === 0 ? 'zero' : tone }, amount(count))
  return [cell(passed, ''), cell(failed, 'bad'), cell(skipped, ''), cell(notRun, 'bad'), cell(flaky, 'warn')]
}

/** Files without a complete result, by reason. @param {Report} report @param {Open} open */
export function notRunSection(report, open) {
  /** @type {Map<string, number[]>} */
  const reasons = new Map()
  for (const [place, { counts, word, why }] of report.head.files.entries()) {
    if (counts[3] === 0) continue
    const reason = why === '' ? word : `${word}: ${why}`
    reasons.set(reason, [...(reasons.get(reason) ?? []), place])
  }
  if (reasons.size === 0) return null
  return section(
    'not-run',
    'Did not run',
    plural(
      [...reasons.values()].reduce((sum, places) => sum + places.length, 0),
      'file',
    ),
    ...[...reasons].flatMap(([reason, places]) => [
      h('h3', {}, reason, h('span', { class: 'note' }, plural(places.length, 'file'))),
      stepwise(places, 15, (shown) =>
        h(
          'ul',
          { class: 'plain' },
          shown.map((place) => {
            const { tests, counts } = report.file(place)
            return h(
              'li',
              {},
              link(report, open, { file: place, test: null }),
              tests > 0 ? h('span', { class: 'note' }, `${counts[3]} of ${plural(tests, 'test')}`) : null,
            )
          }),
        ),
      ),
    ]),
  )
}

/** @param {Report} report */
export function warningsSection({ head: { warnings } }) {
  if (warnings.length === 0) return null
  return section(
    'warnings',
    'Warnings',
    amount(warnings.length),
    h(
      'ul',
      { class: 'plain' },
      warnings.map((text) => h('li', {}, text)),
    ),
  )
}

/** Where and how this run was made. @param {Report} report */
export function environmentSection(report) {
  const { head } = report
  const { meta, server, startedAt, exitCode, command, wallMs } = head
  /** @type {[string, string | null][]} */
  const facts = [
    ['run', meta?.run ?? null],
    ['continues', meta?.continues ? `run ${meta.continues}; this is the account of both` : null],
    [
      'started',
      startedAt === null
        ? null
        : `${new Date(startedAt).toISOString().replace('T', ' ').slice(0, 19)} UTC, took ${duration(wallMs)}`,
    ],
    ['slice', meta?.slice ? `${meta.slice.index}/${meta.slice.of} of ${plural(meta.slice.files, 'file')}` : null],
    ['exit code', `${exitCode} (${head.verdict})`],
    ['commit', meta?.commit ?? null],
    [
      'machine',
      head.nodes
        ? null
        : meta && `${meta.platform}, ${plural(meta.cpus, 'CPU')}${meta.ci === null ? '' : `, ${meta.ci}`}`,
    ],
    ['versions', meta && `tiershard ${meta.tiershard}, ${meta.engine}, node ${meta.node}`],
    [
      'Redis',
      server && `${server.product} ${server.version} at ${server.address}, ${plural(server.databases, 'database')}`,
    ],
    ['Redis source', server && `${server.source}: ${server.reason}`],
    ['isolation', server?.enforcement ? `by ${server.enforcement.by}: ${server.enforcement.reason}` : null],
    ...head.services.map((text) => /** @type {[string, string]} */ (['service', text])),
  ]
  return section(
    'environment',
    'Environment',
    '',
    h(
      'dl',
      {},
      facts.flatMap(([name, value]) => (value ? [h('dt', {}, name), h('dd', {}, value)] : [])),
    ),
    nodeTable(report),
    command === '' ? null : h('h3', {}, 'Run all of it again'),
    command === '' ? null : commandLine('the command of this run', `npx ${command}`),
  )
}
