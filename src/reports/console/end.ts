import type { RunRecord, TierRecord } from '../../core/record.ts'
import { fileEnding } from '../../core/verdict.ts'
import { causeLines, failures, groupFailures } from '../failures.ts'
import { duration, percent, plural, printable } from '../format.ts'
import type { SlowReport } from '../slow.ts'
import { flakyTests, suiteRows, type SuiteRow } from '../suites.ts'
import { endingWords, planned, tierMs, verdictOf, verdictSentence } from '../words.ts'
import type { Paint } from './paint.ts'
import { table, type Cell, type Column } from './table.ts'

/** The end of a run: what a reader sees who looks at nothing else. Every number comes from core/verdict.ts. */

const NAMES = 10
const GROUPS = 10
const NAMES_A_GROUP = 3
const SLOWEST = 3

export interface EndOptions {
  readonly paint: Paint
  readonly width: number
  /** The folder of the run, as it is shown; null: no reports were asked for. */
  readonly folder: string | null
}

export function endLines(record: RunRecord, slow: SlowReport, options: EndOptions): string[] {
  const { paint, width, folder } = options
  const blocks = [
    ...[...record.tiers.values()].map((tier) => tierBlock(tier, width, paint)),
    failureBlock(record, paint),
    notRunBlock(record, paint),
    flakyBlock(record, paint),
    slowBlock(slow, paint),
    misfitBlock(slow, paint),
    warningBlock(record, paint),
  ].filter((block) => block.length > 0)
  const verdict = verdictOf(record)
  const good = verdict === 'passed'
  const style = good ? 'green' : verdict === 'failed' ? 'red' : 'yellow'
  return [
    ...blocks.flatMap((block) => ['', ...block]),
    '',
    ...(folder === null ? [] : [`reports: ${printable(folder)} (junit.xml, summary.md, summary.json, journal.ndjson)`]),
    paint([style, 'bold'], `${good ? '✓' : verdict === 'failed' ? '✗' : '!'} ${verdictSentence(record)}`),
  ]
}

const COLUMNS: readonly Column[] = [
  { header: 'suite', shrink: 'end' },
  { header: 'files', align: 'right' },
  { header: 'passed', align: 'right' },
  { header: 'failed', align: 'right' },
  { header: 'skipped', align: 'right' },
  { header: 'not run', align: 'right' },
  { header: 'flaky', align: 'right' },
  { header: 'file time', align: 'right' },
]

function tierBlock(tier: TierRecord, width: number, paint: Paint): string[] {
  const { rows, total } = suiteRows(tier)
  const wall = tierMs(tier)
  const predicted = tier.forecast.makespanMs === null ? '' : `, predicted ${duration(tier.forecast.makespanMs)}`
  const time = wall === null ? 'did not end' : duration(wall)
  const heading =
    `${paint('bold', `tier ${printable(tier.name)}`)}: ${time} on ${plural(tier.shards, 'shard')}${predicted}, ` +
    `deadline ${duration(tier.settings.deadlineMs)}`
  return [heading, ...table(COLUMNS, [...rows, ...(rows.length > 1 ? [total] : [])].map(cells), width, paint)]
}

function cells({ suite, files, counts, timeMs }: SuiteRow): Cell[] {
  const { passed, failed, skipped, notRun, flaky } = counts
  return [
    printable(suite),
    String(files),
    { text: String(passed), ...(passed > 0 ? { style: 'green' } : {}) },
    { text: String(failed), ...(failed > 0 ? { style: ['red', 'bold'] as const } : {}) },
    String(skipped),
    { text: String(notRun), ...(notRun > 0 ? { style: 'yellow' } : {}) },
    { text: String(flaky), ...(flaky > 0 ? { style: 'yellow' } : {}) },
    duration(timeMs),
  ]
}

/** The failures once more, those with one message together: after a long log nobody scrolls up for the list. */
function failureBlock(record: RunRecord, paint: Paint): string[] {
  const all = failures(record)
  const groups = groupFailures(all)
  if (groups.length === 0) return []
  const causes = causeLines(all).map((line) => `${paint('bold', 'failures by cause')}: ${paint('yellow', line)}`)
  const lines = groups.slice(0, GROUPS).flatMap(({ message, failures }) => {
    const more = failures.length - NAMES_A_GROUP
    return [
      `  ${paint('red', `${failures.length} x`)} ${message.slice(0, 200)}`,
      ...failures
        .slice(0, NAMES_A_GROUP)
        .map(({ file, test }) => `      ${printable(test === null ? file : `${file} > ${test}`)}`),
      ...(more > 0 ? [`      and ${more} more`] : []),
    ]
  })
  return [...causes, paint('bold', 'failures by message'), ...lines, ...rest(groups.length - GROUPS, 'message', '  ')]
}

function notRunBlock(record: RunRecord, paint: Paint): string[] {
  const missing = planned(record).flatMap(({ tier, file }) => {
    const ending = fileEnding(file)
    if (ending.kind !== 'not-run' && ending.kind !== 'cancelled') return []
    return [`  ${printable(file.plan.id)}: ${endingWords(ending, tier.name).detail}`]
  })
  if (missing.length === 0) return []
  const heading = paint('bold', `${plural(missing.length, 'file')} without a full result`)
  return [heading, ...missing.slice(0, NAMES), ...rest(missing.length - NAMES, 'file', '  ')]
}

function flakyBlock(record: RunRecord, paint: Paint): string[] {
  const flaky = flakyTests(record)
  if (flaky.length === 0) return []
  const lines = flaky.slice(0, NAMES).map((name) => `  ${printable(name)}`)
  const heading = paint('bold', `flaky: ${plural(flaky.length, 'test')} failed first and passed in the end`)
  return [heading, ...lines, ...rest(flaky.length - NAMES, 'test', '  ')]
}

function slowBlock(slow: SlowReport, paint: Paint): string[] {
  const tests = slow.tiers.flatMap((tier) => tier.tests.slice(0, SLOWEST))
  if (tests.length === 0) return []
  const lines = tests.map(
    ({ file, name, durationMs, share, tier }) =>
      `  ${duration(durationMs)}  ${percent(share)} of tier ${printable(tier)}'s test time  ${printable(`${file} > ${name}`)}`,
  )
  return [paint('bold', 'slowest tests'), ...lines]
}

function misfitBlock(slow: SlowReport, paint: Paint): string[] {
  const moves = slow.tiers.flatMap((tier) => tier.tooSlow)
  if (moves.length === 0) return []
  const lines = moves.slice(0, NAMES).map(({ file, from, to, durationMs, slowestTestMs }) => {
    const advice = to === null ? 'fits no tier: split it' : `belongs in ${printable(to)}`
    return `  ${printable(file)}: ${duration(durationMs)} (slowest test ${duration(slowestTestMs)}) is too slow for ${printable(from)}, ${advice}`
  })
  return [paint('bold', 'files that do not fit their tier'), ...lines, ...rest(moves.length - NAMES, 'file', '  ')]
}

function warningBlock(record: RunRecord, paint: Paint): string[] {
  const warnings = [...new Set(warningsOf(record))]
  if (warnings.length === 0) return []
  const lines = warnings.slice(0, NAMES).map((warning) => `  ${paint('yellow', '!')} ${warning}`)
  return [
    paint('bold', plural(warnings.length, 'warning')),
    ...lines,
    ...rest(warnings.length - NAMES, 'warning', '  '),
  ]
}

function warningsOf(record: RunRecord): string[] {
  return record.notices.filter(({ level }) => level === 'warning').map(({ message }) => printable(message))
}

function rest(more: number, word: string, indent: string): string[] {
  return more > 0 ? [`${indent}and ${plural(more, `more ${word}`)}`] : []
}
