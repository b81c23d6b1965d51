import { isTestFailure, type Cause, type CauseCode, type Ending, type TestOutcome } from '../core/ending.ts'
import type { ErrorRecord, RunMeta, ServerFacts, TierEnd } from '../core/events.ts'
import type { AttemptRecord, FileRecord, Missing, RunRecord, TestRecord, TierRecord } from '../core/record.ts'
import type { ServiceRecord } from '../core/service-record.ts'
import {
  column,
  countFile,
  countRun,
  countTier,
  decidingAttempt,
  exitCode,
  fileEnding,
  isFailure,
  isFlakyFile,
  ownCase,
  testVerdicts,
  verdict,
  type Counts,
  type Verdict,
} from '../core/verdict.ts'
import { distinctCauses } from './causes.ts'
import { causeOf, failures, failuresByCause, portOf } from './failures.ts'
import { leaks, type Leak } from './leaks.ts'
import { isoTime } from './junit/text.ts'
import type { SlowReport } from './slow.ts'
import { leftRunning, quarantined, type LeakedBy, type Quarantined } from './known.ts'
import { nodeSummaries, type NodeSummary } from './nodes.ts'
import { stressReport, type StressReport } from './stress.ts'
import { suiteRows } from './suites.ts'
import { endingWords, nodeOf, planned, tierMs, wallMs } from './words.ts'

/** Grows when a member of {@link Summary} changes its meaning or goes; new members do not change it. */
export const SUMMARY_VERSION = 1

/**
 * summary.json: a run for programs. Durations are milliseconds, times ISO 8601 in UTC, shares 0 to 1. It holds no
 * environment, no connection URL and no output of tests; what a test's own error says is in it.
 */
export interface Summary {
  readonly version: number
  readonly run: RunMeta | null
  readonly verdict: Verdict
  /** Of the process; 5 (incomplete) for the journal of a killed run, which has none. */
  readonly exitCode: number
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly wallMs: number
  /** Tests, and files that no test speaks for; `flaky` is part of `passed`. */
  readonly counts: Counts
  readonly tiers: readonly TierSummary[]
  /** What failed in the end, in the order of the plan; tests that merely did not run are not in it. */
  readonly failures: readonly FailureSummary[]
  /** How many of the failures have a known cause, the most frequent one first; `of` counts files hit by infrastructure too. */
  readonly failuresByCause: readonly { readonly cause: CauseCode; readonly count: number; readonly of: number }[]
  /** Files that did not get a complete result, with the reason. */
  readonly notRun: readonly NotRunSummary[]
  /** What is missing and shows in no file, such as the end of a run that was killed. */
  readonly missing: readonly Missing[]
  readonly flaky: readonly { readonly tier: string; readonly file: string; readonly test: string }[]
  /** Files that failed as a whole (an import, a crash) and passed in a later attempt. */
  readonly flakyFiles: readonly { readonly tier: string; readonly file: string }[]
  /** Failures that the quarantine excuses: they count as skipped. */
  readonly quarantined: readonly Quarantined[]
  /** Processes that files left running. */
  readonly leaked: readonly LeakedBy[]
  /** Failure rates of a stress run; absent in any other run. */
  readonly stress?: StressReport
  /** What files left in their databases, worst first. */
  readonly leaks: readonly Leak[]
  /** What was wrong with the infrastructure, each cause once; also what only single files met. */
  readonly causes: readonly Cause[]
  readonly notices: readonly { readonly level: 'info' | 'warning'; readonly code: string; readonly message: string }[]
  readonly server: ServerFacts | null
  /** The services that were started: how often, and how long they took to be ready, ms. */
  readonly services: readonly ServiceRecord[]
  readonly slow: SlowReport
  /** The runs of several nodes that this is the summary of; absent for one run. */
  readonly nodes?: readonly NodeSummary[]
  /** Relative to the folder of this file. The runs of several nodes have their journals, and this has none. */
  readonly paths: {
    readonly journal?: string
    readonly junit: string
    readonly markdown: string
    readonly html: string
  }
}

export interface TierSummary {
  readonly tier: string
  readonly end: TierEnd | null
  readonly wallMs: number | null
  readonly deadlineMs: number
  readonly shards: number
  readonly files: number
  readonly counts: Counts
  /** In the order of the config; those without a file are left out, and errors outside of any file are one of their own. */
  readonly suites: readonly SuiteSummary[]
}

export interface SuiteSummary extends Counts {
  readonly suite: string
  readonly files: number
  /** Tests that ran to an end: passed and failed. */
  readonly run: number
  /** Time of all attempts at its files, added up, ms. */
  readonly ms: number
}

export interface FailureSummary {
  readonly tier: string
  readonly suite: string
  /** The file's id; null: an error of the engine that belongs to no file. */
  readonly file: string | null
  /** null: the file itself (an import, a hook, a crash, its deadline, no test in it). */
  readonly test: string | null
  readonly outcome: TestOutcome
  readonly message: string
  /** What the error gives away about the infrastructure; null: nothing. */
  readonly cause: CauseCode | null
  readonly location: { readonly file: string; readonly line: number; readonly column: number | null } | null
  /** Which attempt this is; 0 when it never started. */
  readonly attempt: number
  readonly shard: number | null
  /** Of the runs of several nodes: on which. */
  readonly node?: string
  readonly database: number | null
  /** How that attempt at the file ended. */
  readonly ending: Ending
}

export interface NotRunSummary {
  readonly tier: string
  readonly file: string
  /** Tests without a result; null: which tests it holds is not known. */
  readonly tests: number | null
  /** The first of their names. */
  readonly names: readonly string[]
  readonly ending: Ending
}

/** The summary of a run; pure. */
export function summaryJson(record: RunRecord, slow: SlowReport): Summary {
  const code = record.exitCode ?? exitCode(record)
  const files = planned(record)
  const stress = stressReport(record)
  const all = failures(record)
  return {
    version: SUMMARY_VERSION,
    run: record.meta,
    verdict: verdict(code),
    exitCode: code,
    startedAt: isoTime(record.startedAt),
    endedAt: isoTime(record.endedAt),
    wallMs: Math.round(wallMs(record)),
    counts: countRun(record),
    tiers: [...record.tiers.values()].map(tierSummary),
    failures: [
      ...files.flatMap(({ tier, file }) => failuresOf(record, tier, file)),
      ...strayFailures(record, portOf(record)),
    ],
    failuresByCause: failuresByCause(all).map((group) => ({
      cause: group.cause,
      count: group.failures.length,
      of: all.length,
    })),
    notRun: files.flatMap(({ tier, file }) => notRunOf(tier, file) ?? []),
    missing: record.missing,
    flaky: files.flatMap(({ tier, file }) =>
      testVerdicts(file)
        .filter((test) => test.flaky)
        .map((test) => ({ tier: tier.name, file: file.plan.id, test: test.name })),
    ),
    flakyFiles: files
      .filter(({ file }) => isFlakyFile(file))
      .map(({ tier, file }) => ({ tier: tier.name, file: file.plan.id })),
    quarantined: quarantined(record),
    leaked: leftRunning(record),
    ...(stress === null ? {} : { stress }),
    leaks: leaks(record),
    causes: distinctCauses(record),
    notices: record.notices,
    server: record.server,
    services: record.services.map((service) => ({
      ...service,
      totalMs: Math.round(service.totalMs),
      slowestMs: Math.round(service.slowestMs),
    })),
    slow,
    ...(record.nodes ? { nodes: nodeSummaries(record.nodes) } : {}),
    paths: {
      ...(record.nodes ? {} : { journal: 'journal.ndjson' }),
      junit: 'junit.xml',
      markdown: 'summary.md',
      html: 'report.html',
    },
  }
}

function tierSummary(tier: TierRecord): TierSummary {
  const wall = tierMs(tier)
  return {
    tier: tier.name,
    end: tier.end,
    wallMs: wall === null ? null : Math.round(wall),
    deadlineMs: tier.settings.deadlineMs,
    shards: tier.shards,
    files: tier.files.size,
    counts: countTier(tier),
    suites: suiteRows(tier).rows.map(({ suite, files, counts, timeMs }) => ({
      suite,
      files,
      run: counts.passed + counts.failed,
      ...counts,
      ms: Math.round(timeMs),
    })),
  }
}

function failuresOf(record: RunRecord, tier: TierRecord, file: FileRecord): FailureSummary[] {
  const tests = testVerdicts(file)
  const own = ownCase(file, tests)
  const found = tests.filter(isFailure).map(({ outcome, last }) => failure(record, tier, file, outcome, last))
  if (own && isTestFailure(own.ending) && !own.quarantined) {
    found.push(failure(record, tier, file, ownOutcome(own.ending), null))
  }
  return found
}

/** What the case of a file counts as. */
function ownOutcome(ending: Ending): TestOutcome {
  return ending.kind === 'timed-out' || ending.kind === 'crashed' ? ending.kind : 'failed'
}

/** @param test null: the file itself */
function failure(
  record: RunRecord,
  tier: TierRecord,
  file: FileRecord,
  outcome: TestOutcome,
  test: TestRecord | null,
): FailureSummary {
  const { id, path, suite } = file.plan
  const attempt = (test && file.attempts.find((one) => one.tests.get(test.name) === test)) ?? decidingAttempt(file)
  const ending = attempt?.ending ?? fileEnding(file)
  const errors = test ? test.errors : (attempt?.errors ?? [])
  const [error] = errors
  const { word, detail } = endingWords(ending, tier.name)
  return {
    tier: tier.name,
    suite,
    file: id,
    test: test?.name ?? null,
    outcome,
    message: error ? messageOf(error) : detail === '' ? word : `${word}: ${detail}`,
    cause: causeOf(errors, portOf(record, file)),
    location: locationOf(error) ?? (test && test.line !== null ? { file: path, line: test.line, column: null } : null),
    attempt: attempt?.attempt ?? 0,
    ...placeOf(record, attempt),
    database: attempt?.database ?? null,
    ending,
  }
}

/** Shards are numbered as on their node. */
function placeOf(record: RunRecord, attempt: AttemptRecord | null): Pick<FailureSummary, 'shard' | 'node'> {
  if (attempt === null) return { shard: null }
  const node = nodeOf(record, attempt.shard)
  return node ? { shard: attempt.shard - node.firstShard, node: node.name } : { shard: attempt.shard }
}

function strayFailures(record: RunRecord, port: number | null): FailureSummary[] {
  return [...record.tiers.values()].flatMap((tier) =>
    tier.strayErrors.map((error): FailureSummary => ({
      tier: tier.name,
      suite: '',
      file: null,
      test: null,
      outcome: 'failed',
      message: messageOf(error),
      cause: causeOf([error], port),
      location: locationOf(error),
      attempt: 0,
      shard: null,
      database: null,
      ending: { kind: 'failed' },
    })),
  )
}

function notRunOf(tier: TierRecord, file: FileRecord): NotRunSummary | null {
  const { notRun } = countFile(file)
  if (notRun === 0) return null
  const unfinished = testVerdicts(file).filter(
    ({ outcome, quarantined }) => column(outcome) === 'notRun' && quarantined === null,
  )
  const names = unfinished.slice(0, NAMES).map(({ name }) => name)
  return { tier: tier.name, file: file.plan.id, tests: unfinished.length || null, names, ending: fileEnding(file) }
}

/** Of the tests of a file without a result so many are named; all of them are in the JUnit report. */
const NAMES = 20

/** The whole message is in the JUnit report and the journal; a program that reads a summary wants its beginning. */
const LONGEST_MESSAGE = 2000

function messageOf({ name, message }: ErrorRecord): string {
  const whole = message === '' ? name : message.startsWith(name) || name === '' ? message : `${name}: ${message}`
  return whole.length <= LONGEST_MESSAGE ? whole : `${whole.slice(0, LONGEST_MESSAGE)}...`.toWellFormed()
}

function locationOf(error: ErrorRecord | undefined): FailureSummary['location'] {
  const frame = error?.frames[0]
  return frame ? { file: frame.file, line: frame.line, column: frame.column || null } : null
}
