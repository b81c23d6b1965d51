import type { ErrorRecord } from '../core/events.ts'
import type { RunRecord, TierRecord } from '../core/record.ts'
import { distinctCauses } from './causes.ts'
import { causeLines, failures, groupFailures, type Failure, type FailureGroup } from './failures.ts'
import { duration, percent, plural, printable, printableLines } from './format.ts'
import { day } from './console/trends.ts'
import { leftRunning, quarantined } from './known.ts'
import type { SlowReport, SlowTest } from './slow.ts'
import { leakLine, leaks } from './leaks.ts'
import { missingLines } from './missing.ts'
import { nodeSummaries } from './nodes.ts'
import { rateWords, stressReport } from './stress.ts'
import { flakyTests, suiteRows, type SuiteRow } from './suites.ts'
import { serviceWords } from './services.ts'
import { worthSaying } from './trends.ts'
import { sliceName, tierMs, verdictSentence } from './words.ts'

/**
 * GitHub drops a job summary above 1 MiB whole; several steps may write to one page, so we stay well below.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
 */
export const MARKDOWN_LIMIT = 900_000

const FAILURES = 50
const STACK_LINES = 15
const MESSAGE_LINES = 20
const LIST = 20
const SLOWEST = 10

/** summary.md: the run for people, also as a GitHub job summary. At most {@link MARKDOWN_LIMIT} bytes of UTF-8. */
export function summaryMarkdown(record: RunRecord, slow: SlowReport): string {
  const all = failures(record)
  return bounded([
    `## ${text(verdictSentence(record))}\n\n${facts(record)}\n`,
    nodeSection(record),
    ...[...record.tiers.values()].map(tierSection),
    causeSection(record),
    byCauseSection(all),
    ...failureSections(groupFailures(all)),
    missingSection(record),
    flakySection(record),
    quarantineSection(record),
    leftRunningSection(record),
    stressSection(record),
    slowSection(slow),
    ...trendSections(slow),
    misfitSection(slow),
    leakSection(record),
    warningSection(record),
  ])
}

/** Joins sections as long as they fit; the first that does not fit, and all after it, are named as missing. */
function bounded(sections: readonly string[]): string {
  const note = '\nThe rest does not fit into a job summary: see junit.xml and summary.json of the run.\n'
  const kept: string[] = []
  let bytes = Buffer.byteLength(note)
  for (const section of sections.filter((section) => section !== '')) {
    bytes += Buffer.byteLength(section) + 1
    if (bytes > MARKDOWN_LIMIT) return [...kept, note].join('\n')
    kept.push(section)
  }
  return kept.join('\n')
}

function facts({ meta, server, services }: RunRecord): string {
  const run =
    meta && `run ${code(meta.run)}, tiershard ${text(meta.tiershard)}, ${text(meta.engine)}, node ${text(meta.node)}`
  const commit = meta?.commit ? `, commit ${code(meta.commit)}` : ''
  const redis =
    server &&
    `${server.product} ${text(server.version)} at ${code(server.address)} (${server.source}: ${text(server.reason)})`
  const slice = meta?.slice && `slice ${sliceName(meta.slice)} of ${plural(meta.slice.files, 'file')}`
  const before = meta?.continues && `continues run ${code(meta.continues)}: this is the account of both`
  const isolation = server?.enforcement && `isolation by ${server.enforcement.by}: ${text(server.enforcement.reason)}`
  const others = services.map((service) => text(serviceWords(service)))
  return [run && run + commit, slice, before, redis, isolation, ...others].filter(Boolean).join('  \n')
}

function nodeSection({ nodes }: RunRecord): string {
  if (!nodes) return ''
  return [
    '### Nodes',
    '',
    '| node | verdict | files | passed | failed | not run | time | machine | run |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |',
    ...nodeSummaries(nodes).map(({ node, verdict, files, counts, wallMs, machine, run }) => {
      const { passed, failed, notRun } = counts
      const cells = [
        text(node),
        verdict,
        files,
        passed,
        failed,
        notRun,
        duration(wallMs),
        text(machine ?? ''),
        code(run ?? ''),
      ]
      return `| ${cells.join(' | ')} |`
    }),
    '',
  ].join('\n')
}

function tierSection(tier: TierRecord): string {
  const { rows, total } = suiteRows(tier)
  const wall = tierMs(tier)
  const time = wall === null ? 'did not end' : duration(wall)
  const lines = [...rows, ...(rows.length > 1 ? [total] : [])].map(suiteRow)
  return [
    `### Tier ${text(tier.name)}: ${time} on ${plural(tier.shards, 'shard')}, deadline ${duration(tier.settings.deadlineMs)}`,
    '',
    '| suite | files | passed | failed | skipped | not run | flaky | file time |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...lines,
    '',
  ].join('\n')
}

function leakSection(record: RunRecord): string {
  const lines = leaks(record).map((leak) => `${code(leak.file)}: ${text(leakLine(leak))}`)
  return list('Left behind in their databases', lines, 'file')
}

function suiteRow({ suite, files, counts, timeMs }: SuiteRow): string {
  const { passed, failed, skipped, notRun, flaky } = counts
  return `| ${[text(suite), files, passed, failed, skipped, notRun, flaky, duration(timeMs)].join(' | ')} |`
}

function causeSection(record: RunRecord): string {
  return list(
    'Infrastructure',
    distinctCauses(record).map(
      ({ code: name, message, remedy }) => `${code(name)}: ${text(message)}. What to do: ${text(remedy)}`,
    ),
    'cause',
  )
}

/** `31 of 33: redis-read-only`: one cause behind many failures is what a reader wants to know first. */
function byCauseSection(all: readonly Failure[]): string {
  return list(
    'Failures by cause',
    causeLines(all).map((line) => text(line)),
    'cause',
  )
}

/** One section a message, so that a cut by size falls between two of them. */
function failureSections(groups: readonly FailureGroup[]): string[] {
  let left = FAILURES
  const sections: string[] = []
  for (const { message, failures } of groups) {
    if (left === 0) break
    const shown = failures.slice(0, left)
    left -= shown.length
    const more = failures.length - shown.length
    const lines = shown.map((failure) => `- ${name(failure)}`)
    sections.push(
      [
        `#### ${failures.length} x ${text(message, 300)}`,
        '',
        ...lines,
        ...(more > 0 ? [`- and ${more} more`] : []),
        '',
        details(shown[0]!),
      ].join('\n'),
    )
  }
  const hidden = groups.length - sections.length
  const total = groups.reduce((sum, { failures }) => sum + failures.length, 0)
  if (sections.length === 0) return []
  const tail = hidden > 0 ? [`and ${plural(hidden, 'more message')}, all of them in junit.xml\n`] : []
  return [`### ${plural(total, 'failure')} by message\n`, ...sections, ...tail]
}

function name({ file, test, word, tier }: Failure): string {
  return `${code(test === null ? file : `${file} > ${test}`)} (${text(word)}, tier ${text(tier)})`
}

/** The first error of a failure, folded. */
function details({ errors }: Failure): string {
  const error = errors.at(0)
  if (!error) return ''
  const body = [
    ...(error.suite === undefined ? [] : [printable(`in suite ${error.suite}`)]),
    ...block(error.message, MESSAGE_LINES),
    ...(error.diff === null ? [] : ['', ...block(error.diff, MESSAGE_LINES)]),
    ...stack(error),
  ]
  return `<details><summary>message and stack</summary>\n\n<pre>${body.map(html).join('\n')}</pre>\n\n</details>\n`
}

function stack(error: ErrorRecord): string[] {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s*at /u.test(line))
  if (frames.length === 0) return []
  const more = frames.length - STACK_LINES
  const shown = frames.slice(0, STACK_LINES).map((line) => printable(line))
  return ['', ...shown, ...(more > 0 ? [`    and ${plural(more, 'more line')}`] : [])]
}

function block(message: string, most: number): string[] {
  const { lines, more } = printableLines(message, most)
  return [...lines.map((line) => line.slice(0, LONGEST)), ...(more > 0 ? [`and ${plural(more, 'more line')}`] : [])]
}

function missingSection(record: RunRecord): string {
  const lines = missingLines(record).map(({ file, text: said }) =>
    file === null ? text(said) : `${code(file)}: ${text(said)}`,
  )
  return list('Without a full result', lines, 'file')
}

function flakySection(record: RunRecord): string {
  return list(
    'Flaky: failed first, passed in the end',
    flakyTests(record).map((test) => code(test)),
    'test',
  )
}

function quarantineSection(record: RunRecord): string {
  const known = quarantined(record).map(({ file, test, until, entry, reason, message }) => {
    const name = code(test === null ? file : `${file} > ${test}`)
    return `${name}: ${text(message)} (${text(entry)}, until ${text(until)}: ${text(reason)})`
  })
  return list('Quarantined: known failures, not counted', known, 'failure')
}

function leftRunningSection(record: RunRecord): string {
  const all = leftRunning(record).flatMap(({ file, processes }) =>
    processes.map(({ pid, command }) => `${code(file)}: pid ${pid}, ${code(command)}`),
  )
  return list('Processes that files left running', all, 'line')
}

function stressSection(record: RunRecord): string {
  const report = stressReport(record)
  if (!report) return ''
  const rates = report.files.flatMap((file) => [
    `${code(file.file)}: ${rateWords(file)}`,
    ...file.tests.map((test) => `${code(`${file.file} > ${test.test}`)}: ${rateWords(test)}`),
  ])
  return list(`Repetitions: ${rateWords(report.total)}, 95% confidence`, rates, 'line')
}

function slowSection({ tiers }: SlowReport): string {
  const tests = tiers.flatMap((tier) => tier.tests.slice(0, SLOWEST))
  if (tests.length === 0) return ''
  return [
    '### Slowest tests',
    '',
    '| time | share of the tier | test |',
    '| ---: | ---: | --- |',
    ...tests.map(slowRow),
    '',
  ].join('\n')
}

function slowRow({ file, name, durationMs, share, tier }: SlowTest): string {
  return `| ${duration(durationMs)} | ${percent(share)} of ${text(tier)} | ${code(`${file} > ${name}`)} |`
}

function trendSections({ tiers }: SlowReport): string[] {
  const { regressed, regressedCount, flaky, flakyCount } = worthSaying(tiers)
  return [
    list(
      'Slower for five runs',
      regressed.map(
        ({ file, name, beforeMs, nowMs }) =>
          `${code(`${file} > ${name}`)}: ${duration(beforeMs)}, now ${duration(nowMs)}`,
      ),
      'test',
      regressedCount,
    ),
    list(
      'Flaky in the last runs: failed and passed on the same code',
      flaky.map(
        ({ file, name, lastAt, passes }) =>
          `${code(`${file} > ${name}`)}: last on ${day(lastAt)}, ${plural(passes, 'pass', 'passes')} since`,
      ),
      'test',
      flakyCount,
    ),
  ]
}

function misfitSection({ tiers }: SlowReport): string {
  const moves = tiers.flatMap((tier) => tier.tooSlow)
  return list(
    'Files that do not fit their tier',
    moves.map(({ file, from, to, durationMs }) => {
      const advice = to === null ? 'fits no tier, split it' : `belongs in ${text(to)}`
      return `${code(file)}: ${duration(durationMs)} is too slow for ${text(from)}, ${advice}`
    }),
    'file',
  )
}

function warningSection({ notices }: RunRecord): string {
  const warnings = notices.filter(({ level }) => level === 'warning').map(({ message }) => text(message))
  return list('Warnings', [...new Set(warnings)], 'warning')
}

/** @param total of which `entries` are the first, when there are more than those */
function list(title: string, entries: readonly string[], word: string, total = entries.length): string {
  if (entries.length === 0) return ''
  const more = total - Math.min(LIST, entries.length)
  return [
    `### ${title}`,
    '',
    ...entries.slice(0, LIST).map((entry) => `- ${entry}`),
    ...(more > 0 ? [`- and ${plural(more, `more ${word}`)}`] : []),
    '',
  ].join('\n')
}

// ---- escaping ----------------------------------------------------------------------------------------------------

const LONGEST = 500

/** Text from outside as one line of markdown that means nothing but itself: no markup, no HTML, no formula. */
function text(raw: string, longest = LONGEST): string {
  return html(clip(raw, longest))
    .replaceAll(/[\\`*_[\]#|~]/gu, String.raw`\$&`)
    .replaceAll('$', '&#36;')
}

/** The same, set as code. An HTML element and not backticks, because no escape works between those. */
function code(raw: string): string {
  return `<code>${text(raw)}</code>`
}

function html(raw: string): string {
  return raw.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function clip(raw: string, longest: number): string {
  const line = printable(raw)
  return line.length > longest ? `${line.slice(0, longest).toWellFormed()}…` : line
}
