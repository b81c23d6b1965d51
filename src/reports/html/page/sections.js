import { detailBody, nameView } from './details.js'
import { badge, commandLine, h, section, stepwise, table } from './dom.js'
import { amount, duration, percent, plural } from './words.js'

/** @typedef {import('./data.js').Report} Report */
/** @typedef {import('./details.js').Place} Place */
/** @typedef {(place: Place) => void} Open */

/** So many failures are shown in full without a click. */
const OPEN_FAILURES = 3

/** A button that opens a test or a file in the panel. @param {Report} report @param {Open} open @param {Place} place */
function link(report, open, place) {
  const { id } = report.file(place.file)
  const label =
    place.test === null
      ? h('span', {}, id)
      : h('span', {}, h('span', { class: 'group' }, `${id} › `), nameView(report.name(place.test)))
  return h('button', { type: 'button', class: 'link', onclick: () => open(place) }, label)
}

/** @param {Report} report @param {import('../data.ts').PageDetail} detail @returns {Place | null} */
function placeOf(report, { file, test }) {
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
      tier.from === null || tier.to === null ? '' : `${duration(tier.to - tier.from)} of ${duration(tier.deadlineMs)}`,
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

/** Tests that failed first and passed in the end. @param {Report} report @param {Open} open */
export function flakySection(report, open) {
  const flaky = report.head.details.filter(({ mark }) => mark === 'k')
  if (flaky.length === 0) return null
  return section(
    'flaky',
    'Flaky',
    amount(flaky.length),
    h('p', { class: 'note' }, 'Failed first and passed in the end. They count as passed.'),
    stepwise(flaky, 20, (shown) =>
      table(
        'Flaky tests',
        [
          ['test', 'half'],
          ['what it failed with', 'half'],
        ],
        shown.map((detail) => [
          link(report, open, /** @type {Place} */ (placeOf(report, detail))),
          h('span', { class: 'first' }, detail.message),
        ]),
      ),
    ),
  )
}

/** The slowest tests and files, and what does not fit its tier. @param {Report} report @param {Open} open */
export function slowSection(report, open) {
  const tiers = report.head.slow.filter(({ tests, files }) => tests.length + files.length > 0)
  if (tiers.length === 0) return null
  const over = tiers.reduce((sum, tier) => sum + tier.overCount, 0)
  return section(
    'slow',
    'Slow',
    over === 0 ? '' : `${amount(over)} over the threshold`,
    ...tiers.map((tier) => slowTier(report, open, tier)),
  )
}

/** @param {Report} report @param {Open} open @param {import('../../slow.ts').SlowTier} tier */
function slowTier(report, open, { tier, slowMs, tests, files, overCount, tooSlow, movable, movableCount }) {
  const longest = Math.max(1, ...tests.map(({ durationMs }) => durationMs))
  const longestFile = Math.max(1, ...files.map(({ durationMs }) => durationMs))
  const at = (/** @type {string} */ id) => report.find(tier, id)
  return h(
    'div',
    { class: 'slow' },
    h(
      'h3',
      {},
      tier,
      h(
        'span',
        { class: 'note' },
        overCount === 0
          ? `no test took more than ${duration(slowMs)}`
          : `${plural(overCount, 'test')} took more than ${duration(slowMs)}`,
      ),
    ),
    h(
      'div',
      { class: 'pair' },
      table(
        `Slowest tests of ${tier}`,
        [
          ['slowest tests', 'wide'],
          ['time', 'number'],
          ['share', 'number'],
        ],
        tests.map(({ file, name, durationMs, share }) => [
          timed(
            () => placeNamed(report, at(file), name),
            open,
            h('span', {}, h('span', { class: 'group' }, `${baseName(file)} › `), nameView(name)),
            durationMs / longest,
            durationMs > slowMs,
            `${file} › ${name}`,
          ),
          duration(durationMs),
          percent(share),
        ]),
      ),
      table(
        `Slowest files of ${tier}`,
        [
          ['slowest files', 'wide'],
          ['time', 'number'],
          ['share', 'number'],
        ],
        files.map(({ file, durationMs, share }) => [
          timed(() => at(file), open, h('span', {}, file), durationMs / longestFile, false, file),
          duration(durationMs),
          percent(share),
        ]),
      ),
    ),
    ...(tooSlow.length > 0 ? [h('h4', {}, 'Too slow for this tier'), moves(tooSlow, at, open)] : []),
    ...(movable.length > 0
      ? [
          h(
            'h4',
            {},
            movableCount > movable.length
              ? `Would fit a faster tier (${movable.length} of ${movableCount})`
              : 'Would fit a faster tier',
          ),
          moves(movable, at, open),
        ]
      : []),
  )
}

/**
 * A name with a bar under it: how long it took, against the slowest.
 *
 * @param {() => Place | null} place
 * @param {Open} open
 * @param {HTMLElement} label
 * @param {number} part
 * @param {boolean} over
 * @param {string} title
 */
function timed(place, open, label, part, over, title) {
  const bar = h('span', { class: over ? 'bar over' : 'bar', 'aria-hidden': 'true' })
  bar.style.width = `${Math.max(0.5, part * 100)}%`
  return h(
    'button',
    { type: 'button', class: 'link timed', title, onclick: () => follow(place, open) },
    label,
    over ? h('span', { class: 'unseen' }, ' (over the threshold)') : null,
    bar,
  )
}

/** @param {() => Place | null} place @param {Open} open */
function follow(place, open) {
  const found = place()
  if (found) open(found)
}

/** A test of a file by its name. @param {Report} report @param {Place | null} place @param {string} name @returns {Place | null} */
function placeNamed(report, place, name) {
  if (!place) return null
  for (let test = report.begin(place.file); test < report.end(place.file); test++) {
    if (report.name(test) === name) return { file: place.file, test }
  }
  return place
}

/** @param {readonly import('../../slow.ts').TierMove[]} list @param {(id: string) => Place | null} at @param {Open} open */
function moves(list, at, open) {
  return h(
    'ul',
    { class: 'moves' },
    list.map(({ file, text }) =>
      h(
        'li',
        {},
        h('button', { type: 'button', class: 'link', onclick: () => follow(() => at(file), open) }, file),
        h('span', {}, text),
      ),
    ),
  )
}

/** @param {string} path */
function baseName(path) {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Keys that files left in their databases. @param {Report} report @param {Open} open */
export function leftoversSection(report, open) {
  const left = report.head.files
    .map((file, place) => ({ place, keys: file.attempts.reduce((most, { keys }) => Math.max(most, keys ?? 0), 0) }))
    .filter(({ keys }) => keys > 0)
    .sort((a, b) => b.keys - a.keys)
  if (left.length === 0) return null
  return section(
    'leftovers',
    'Left behind in Redis',
    plural(left.length, 'file'),
    h('p', { class: 'note' }, 'Keys that were still in the database when a file had ended. They were flushed.'),
    stepwise(left, 20, (shown) =>
      table(
        'Keys left behind',
        [
          ['file', 'wide'],
          ['keys', 'number'],
        ],
        shown.map(({ place, keys }) => [link(report, open, { file: place, test: null }), amount(keys)]),
      ),
    ),
  )
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
export function environmentSection({ head }) {
  const { meta, server, startedAt, exitCode, command, wallMs } = head
  /** @type {[string, string | null][]} */
  const facts = [
    ['run', meta?.run ?? null],
    [
      'started',
      startedAt === null
        ? null
        : `${new Date(startedAt).toISOString().replace('T', ' ').slice(0, 19)} UTC, took ${duration(wallMs)}`,
    ],
    ['exit code', `${exitCode} (${head.verdict})`],
    ['commit', meta?.commit ?? null],
    ['machine', meta && `${meta.platform}, ${plural(meta.cpus, 'CPU')}${meta.ci === null ? '' : `, ${meta.ci}`}`],
    ['versions', meta && `tiershard ${meta.tiershard}, ${meta.engine}, node ${meta.node}`],
    [
      'Redis',
      server && `${server.product} ${server.version} at ${server.address}, ${plural(server.databases, 'database')}`,
    ],
    ['Redis source', server && `${server.source}: ${server.reason}`],
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
    command === '' ? null : h('h3', {}, 'Run all of it again'),
    command === '' ? null : commandLine('the command of this run', `npx ${command}`),
  )
}
