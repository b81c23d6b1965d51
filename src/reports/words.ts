import { unreachable, type Ending, type NotRunReason, type TestOutcome } from '../core/ending.ts'
import type { FileRecord, NodeRecord, RunRecord, TierRecord } from '../core/record.ts'
import {
  countFile,
  countRun,
  exitCode,
  failsByFlakiness,
  fileEnding,
  JOURNAL_FAILED,
  unkept,
  verdict,
  type Counts,
  type Verdict,
} from '../core/verdict.ts'
import type { QuarantineEntry, SliceMark } from '../core/events.ts'
import { duration, plural, printable } from './format.ts'

/** A run in words: what the console, the summary and whoever else writes for people say about it. */

export interface EndingWords {
  /** For the eye; never without `word`. */
  readonly symbol: '✓' | '✗' | '!' | '-'
  readonly word: string
  /** What is known beyond the word; '' when nothing is. */
  readonly detail: string
}

/** Below the first line of a cause there is the end of a log, which is shown once and not everywhere. */
function firstLine(message: string): string {
  return message.split('\n', 1)[0]!
}

/** How a file ended, in words. */
export function endingWords(ending: Ending, tier: string): EndingWords {
  switch (ending.kind) {
    case 'passed':
      return { symbol: '✓', word: 'passed', detail: '' }
    case 'failed':
      return { symbol: '✗', word: 'failed', detail: '' }
    case 'timed-out': {
      const limit = duration(ending.limitMs)
      const detail =
        ending.limit === 'file' ? `over its deadline of ${limit}` : `stopped by the deadline of tier ${tier} (${limit})`
      return { symbol: '✗', word: 'timed out', detail }
    }
    case 'crashed':
      return { symbol: '✗', word: 'crashed', detail: crash(ending) }
    case 'infrastructure':
      return {
        symbol: '!',
        word: 'infrastructure',
        detail: `${ending.cause.code}: ${printable(firstLine(ending.cause.message))}`,
      }
    case 'lease-lost':
      return { symbol: '!', word: 'lease lost', detail: printable(ending.message) }
    case 'cancelled':
      return { symbol: '-', word: 'cancelled', detail: CANCELLED[ending.by] }
    case 'not-run':
      return { symbol: '-', word: ending.why === 'lost' ? 'lost' : 'not run', detail: NOT_RUN[ending.why] }
    case 'no-tests':
      return { symbol: '✗', word: 'no tests', detail: 'the file holds no test' }
    default:
      return unreachable(ending)
  }
}

const CANCELLED = {
  signal: 'the run was interrupted',
  'fail-fast': 'ended because enough tests had failed (fail-fast)',
  'run-ended': 'the run ended',
} as const

const NOT_RUN: Record<NotRunReason, string> = {
  'tier-deadline': 'the deadline of the tier came first',
  signal: 'the run was interrupted',
  'fail-fast': 'enough tests had failed before (fail-fast)',
  infrastructure: 'the infrastructure failed',
  lost: 'the run ended without a word of it',
}

function crash(ending: Extract<Ending, { kind: 'crashed' }>): string {
  if (ending.outOfMemory) return 'out of memory'
  if (ending.signal !== null) return `signal ${ending.signal}`
  return ending.exitCode === null ? 'its process went away' : `exit code ${ending.exitCode}`
}

/** How a test ended, in words. */
export function outcomeWord(outcome: TestOutcome): string {
  return outcome === 'timed-out' ? 'timed out' : outcome === 'not-run' ? 'not run' : outcome
}

/** Why a failure does not count: `quarantined until 2026-12-31 (quarantine[0]): reason`. */
export function quarantineWords({ entry, until, reason }: QuarantineEntry): string {
  return `quarantined until ${until} (${entry}): ${reason}`
}

/** `2/4` */
export function sliceName({ index, of }: Pick<SliceMark, 'index' | 'of'>): string {
  return `${index}/${of}`
}

/** The node on which a shard of the runs of several nodes was; null for the record of one run. */
export function nodeOf({ nodes }: RunRecord, shard: number): NodeRecord | null {
  return nodes?.findLast(({ firstShard }) => firstShard <= shard) ?? null
}

/** `shard 3`; of the runs of several nodes `slice 2/4 shard 0`. */
export function shardName(record: RunRecord, shard: number): string {
  const node = nodeOf(record, shard)
  return node ? `${node.name} shard ${shard - node.firstShard}` : `shard ${shard}`
}

/** Every planned file of a run, with its tier. */
export function planned(record: RunRecord): { readonly tier: TierRecord; readonly file: FileRecord }[] {
  return [...record.tiers.values()].flatMap((tier) => [...tier.files.values()].map((file) => ({ tier, file })))
}

/** The verdict as the exit code says it. */
export function verdictOf(record: RunRecord): Verdict {
  return verdict(record.exitCode ?? exitCode(record))
}

/** The whole run in one sentence, beginning with the verdict: `failed: 3 of 120 tests in 2 of 31 files, 12.3s (4 shards)`. */
export function verdictSentence(record: RunRecord): string {
  const word = verdictOf(record)
  switch (word) {
    case 'passed':
      return `passed: ${passed(record)}`
    case 'failed':
      return `failed: ${failed(record)}`
    case 'deadline':
      return `deadline: ${deadline(record)}`
    case 'infrastructure':
      return `infrastructure: ${infrastructure(record)}`
    case 'incomplete':
      return `incomplete: ${incomplete(record)}`
    case 'interrupted':
      return `interrupted: ${interrupted(record)}`
    default:
      return unreachable(word)
  }
}

function passed(record: RunRecord): string {
  const counts = countRun(record)
  return [
    `${plural(counts.passed, 'test')} in ${plural(planned(record).length, 'file')}`,
    ...amounts(counts, ['skipped', 'quarantined', 'flaky']),
    took(record),
  ].join(', ')
}

function failed(record: RunRecord): string {
  const counts = countRun(record)
  const [flaky] = failsByFlakiness(record)
  if (counts.failed === 0 && flaky) return `flaky tests, which tier ${flaky.name} does not allow; ${passed(record)}`
  const files = planned(record)
  const bad = files.filter(({ file }) => countFile(file).failed > 0).length
  const stray = [...record.tiers.values()].reduce((sum, tier) => sum + tier.strayErrors.length, 0)
  const inFiles = counts.failed - stray
  counts.notRun -= record.missing.length
  const tests = counts.passed + inFiles + counts.skipped + counts.notRun
  return [
    ...(inFiles > 0
      ? [`${inFiles} of ${plural(tests, 'test')} in ${bad} of ${plural(files.length, 'file')}`]
      : [`${plural(counts.passed, 'test')} passed`]),
    ...(stray > 0 ? [`${plural(stray, 'error')} outside of any file`] : []),
    ...amounts(counts, ['notRun', 'quarantined', 'flaky']),
    ...(record.missing.length > 0 ? [missingWords(record)] : []),
    took(record),
  ].join(', ')
}

function deadline(record: RunRecord): string {
  const late = [...record.tiers.values()].filter((tier) => tier.end === 'deadline')
  const endings = late.flatMap((tier) => [...tier.files.values()].map(fileEnding))
  const names = late.map((tier) => `tier ${tier.name} stopped at ${duration(tier.settings.deadlineMs)}`)
  const stopped = endings.filter((ending) => ending.kind === 'timed-out' && ending.limit === 'tier').length
  const notRun = endings.filter((ending) => ending.kind === 'not-run').length
  const counts = countRun(record)
  return (
    `${names.join(' and ')}; ${plural(stopped, 'file')} timed out, ${notRun} did not run; ` +
    `tests: ${counts.passed} passed, ${counts.failed} failed`
  )
}

function infrastructure(record: RunRecord): string {
  const hit = planned(record)
    .map(({ file }) => fileEnding(file))
    .filter((ending) => ending.kind === 'infrastructure' || ending.kind === 'lease-lost')
  const first = hit.at(0)
  const cause =
    record.causes.at(0) ??
    (first?.kind === 'infrastructure'
      ? first.cause
      : first
        ? { code: 'lease-lost', message: first.message }
        : { code: JOURNAL_FAILED, message: unkept(record) ?? '' })
  const counts = countRun(record)
  return (
    `${cause.code}: ${printable(firstLine(cause.message)).replace(/\.$/u, '')}; ${plural(hit.length, 'file')} ended by it; ` +
    `tests: ${counts.passed} passed, ${counts.failed} failed, ${counts.notRun} not run`
  )
}

function incomplete(record: RunRecord): string {
  const { missing } = record
  const counts = countRun(record)
  const pattern = record.meta?.testName
  if (pattern !== undefined && counts.passed + counts.skipped + counts.notRun === 0) {
    return `no test of ${plural(planned(record).length, 'file')} has a name that matches ${pattern}`
  }
  if (record.tiers.size === 0) return missing.length > 0 ? missingWords(record) : 'nothing was planned'
  const tests = counts.notRun - missing.length
  const files = planned(record).filter(({ file }) => countFile(file).notRun > 0).length
  return [
    ...(missing.length > 0 ? [missingWords(record)] : []),
    ...(tests > 0 ? [`${plural(tests, 'test')} of ${plural(files, 'file')} without a result`] : []),
    passed(record),
  ].join(', ')
}

/** The first of what is missing from the record, and how much more there is. */
function missingWords({ missing }: RunRecord): string {
  const more = missing.length > 1 ? ` (and ${missing.length - 1} more)` : ''
  return `${printable(missing[0]!.message)}${more}`
}

function interrupted(record: RunRecord): string {
  const counts = countRun(record)
  const notRun = planned(record).filter(({ file }) => fileEnding(file).kind === 'not-run').length
  const by = record.interrupted ?? 'a signal'
  return `by ${by} after ${took(record)}; ${counts.passed} passed, ${counts.failed} failed, ${plural(notRun, 'file')} did not run`
}

function amounts(counts: Counts, columns: readonly (keyof Counts)[]): string[] {
  return columns
    .filter((key) => (counts[key] ?? 0) > 0)
    .map((key) => `${counts[key]} ${key === 'notRun' ? 'not run' : key}`)
}

function took(record: RunRecord): string {
  const shards = [...record.tiers.values()].reduce((most, tier) => Math.max(most, tier.shards), 0)
  const nodes = record.nodes ? `${plural(record.nodes.length, 'node')}, ` : ''
  return `${duration(wallMs(record))} (${nodes}${plural(shards, 'shard')})`
}

/** Wall time of the run, ms; to the last thing that is known of it when it has not ended. */
export function wallMs({ startedAt, endedAt, lastAt }: RunRecord): number {
  return startedAt === null ? 0 : Math.max(0, (endedAt ?? lastAt ?? startedAt) - startedAt)
}

/** Wall time of a tier, ms; null when it did not start or did not end. */
export function tierMs(tier: TierRecord): number | null {
  return tier.startedAt === null || tier.endedAt === null ? null : tier.endedAt - tier.startedAt
}
