import type { RunRecord, TierRecord } from '../../core/record.ts'
import { distinctCauses } from '../causes.ts'
import { causeLines, failures, groupFailures } from '../failures.ts'
import { missingLines } from '../missing.ts'
import { duration, percent, plural, printable, printableLines } from '../format.ts'
import { leakLine, leaks } from '../leaks.ts'
import { leftRunning, quarantined } from '../known.ts'
import type { SlowReport } from '../slow.ts'
import { rateWords, stressReport } from '../stress.ts'
import { flakyTests, suiteRows, type SuiteRow } from '../suites.ts'
import { tierMs, verdictOf, verdictSentence } from '../words.ts'
import { nodeBlock } from './nodes.ts'
import type { Paint } from './paint.ts'
import { table, type Cell, type Column } from './table.ts'
import { trendBlocks } from './trends.ts'

/** The end of a run: what a reader sees who looks at nothing else. Every number comes from core/verdict.ts. */

const NAMES = 10
const GROUPS = 10
const NAMES_A_GROUP = 3
const REMEDY_LINES = 5
const SLOWEST = 3

export interface EndOptions {
  readonly paint: Paint
  readonly width: number
  /** The folder of the run, as it is shown; null: no reports were asked for. */
  readonly folder: string | null
  /** The names of the reports in it that people look for. */
  readonly files?: readonly string[]
}

export function endLines(record: RunRecord, slow: SlowReport, options: EndOptions): string[] {
  const { paint, width, folder, files = [] } = options
  const blocks = [
    nodeBlock(record, width, paint),
    ...[...record.tiers.values()].map((tier) => tierBlock(tier, width, paint)),
    causeBlock(record, paint),
    failureBlock(record, paint),
    notRunBlock(record, paint),
    flakyBlock(record, paint),
    quarantineBlock(record, paint),
    leftRunningBlock(record, paint),
    stressBlock(record, paint),
    slowBlock(slow, paint),
    ...trendBlocks(slow, paint),
    misfitBlock(slow, paint),
    leakBlock(record, paint),
    warningBlock(record, paint),
  ].filter((block) => block.length > 0)
  const verdict = verdictOf(record)
  const good = verdict === 'passed'
  const style = good ? 'green' : verdict === 'failed' ? 'red' : 'yellow'
  return [
    ...blocks.flatMap((block) => ['', ...block]),
    '',
    ...(folder === null ? [] : [`reports: ${printable(folder)}${files.length > 0 ? ` (${files.join(', ')})` : ''}`]),
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

/** What was wrong with the infrastructure, and what to do: nobody should have to look for it in a long log. */
function causeBlock(record: RunRecord, paint: Paint): string[] {
  const causes = distinctCauses(record)
  if (causes.length === 0) return []
  const lines = causes
    .slice(0, NAMES)
    .flatMap(({ code, message, remedy }) => [
      `  ${paint('yellow', code)}: ${printable(message)}`,
      ...printableLines(remedy, REMEDY_LINES).lines.map((line, at) => `    ${at === 0 ? 'what to do: ' : ''}${line}`),
    ])
  return [paint('bold', 'infrastructure'), ...lines, ...rest(causes.length - NAMES, 'cause', '  ')]
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
  const missing = missingLines(record).map(({ file, text }) =>
    file === null ? `  ${printable(text)}` : `  ${printable(file)}: ${printable(text)}`,
  )
  if (missing.length === 0) return []
  const heading = paint(
    'bold',
    `${plural(missing.length, record.missing.length > 0 ? 'thing' : 'file')} without a full result`,
  )
  return [heading, ...missing.slice(0, NAMES), ...rest(missing.length - NAMES, 'file', '  ')]
}

function flakyBlock(record: RunRecord, paint: Paint): string[] {
  const flaky = flakyTests(record)
  if (flaky.length === 0) return []
  const lines = flaky.slice(0, NAMES).map((name) => `  ${printable(name)}`)
  const heading = paint('bold', `flaky: ${plural(flaky.length, 'test')} failed first and passed in the end`)
  return [heading, ...lines, ...rest(flaky.length - NAMES, 'test', '  ')]
}

function quarantineBlock(record: RunRecord, paint: Paint): string[] {
  const known = quarantined(record)
  if (known.length === 0) return []
  const lines = known.slice(0, NAMES).map(({ file, test, until, entry, reason, message }) => {
    const name = printable(test === null ? file : `${file} > ${test}`)
    return `  ${name}: ${printable(message)} (${entry}, until ${until}: ${printable(reason)})`
  })
  const heading = paint('bold', `quarantined: ${plural(known.length, 'known failure')} not counted`)
  return [heading, ...lines, ...rest(known.length - NAMES, 'failure', '  ')]
}

function leftRunningBlock(record: RunRecord, paint: Paint): string[] {
  const all = leftRunning(record).flatMap(({ file, processes }) =>
    processes.map(({ pid, command }) => `  ${printable(file)}: pid ${pid}, ${printable(command)}`),
  )
  if (all.length === 0) return []
  const heading = paint(
    'bold',
    `leaked: ${plural(all.length, 'process', 'processes')} left running by test files, ended`,
  )
  return [heading, ...all.slice(0, NAMES), ...(all.length > NAMES ? [`  and ${all.length - NAMES} more`] : [])]
}

function stressBlock(record: RunRecord, paint: Paint): string[] {
  const report = stressReport(record)
  if (!report) return []
  const worst = report.files.toSorted((a, b) => b.rate - a.rate)
  const lines = worst
    .slice(0, NAMES)
    .flatMap((file) => [
      `  ${printable(file.file)}: ${rateWords(file)}`,
      ...file.tests.slice(0, NAMES_A_GROUP).map((test) => `      ${printable(test.test)}: ${rateWords(test)}`),
      ...rest(file.tests.length - NAMES_A_GROUP, 'test', '      '),
    ])
  const heading = paint('bold', `repetitions: ${rateWords(report.total)}, 95% confidence`)
  return [heading, ...lines, ...rest(worst.length - NAMES, 'file', '  ')]
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

const LEAKS = 5

/** What files left behind: the runner flushes it, and the code under test may do the same in production. */
function leakBlock(record: RunRecord, paint: Paint): string[] {
  const found = leaks(record)
  if (found.length === 0) return []
  const lines = found.slice(0, LEAKS).map((leak) => `  ${printable(leak.file)}: ${leakLine(leak)}`)
  const heading = paint('bold', `left behind in their databases by ${plural(found.length, 'file')}`)
  return [heading, ...lines, ...rest(found.length - LEAKS, 'file', '  ')]
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
