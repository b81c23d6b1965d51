import { isTestFailure, type Cause } from '../../core/ending.ts'
import type { AttemptRecord, FileRecord, NodeRecord, RunRecord, TierRecord } from '../../core/record.ts'
import {
  countFile,
  countRun,
  countTier,
  decidingAttempt,
  exitCode,
  fileEnding,
  ownCase,
  testVerdicts,
} from '../../core/verdict.ts'
import { distinctCauses } from '../causes.ts'
import { printable } from '../format.ts'
import type { SlowReport } from '../slow.ts'
import { serviceWords } from '../services.ts'
import { suiteRows } from '../suites.ts'
import { nodeSummaries } from '../nodes.ts'
import { endingWords, planned, tierMs, verdictOf, wallMs } from '../words.ts'
import { fileMark, type PageAttempt, type PageFile, type PageHead, type PageNode, type PageTier } from './data.ts'
import { pageDetails, pageOutputs } from './details.ts'
import { pageKnown } from './known.ts'
import { pageLeft } from './left.ts'
import { paceOf } from './pace.ts'
import { pagePauses, pageRedis } from './redis.ts'
import { printableSlow } from './slow.ts'
import { quote } from './text.ts'

/** Everything of a report but the columns of its tests. */
export function pageHead(record: RunRecord, slow: SlowReport): PageHead {
  const files = planned(record)
  const start = record.startedAt ?? 0
  const now = start + wallMs(record)
  const tiers = [...record.tiers.values()]
  const places = new Map(files.map(({ tier, file }, place) => [key(tier.name, file.plan.id), place]))
  const placeOf = (tier: string, file: string): number => places.get(key(tier, file))!
  const { meta } = record
  return {
    version: 1,
    meta,
    command: meta?.command.map(quote).map(printable).join(' ') ?? '',
    verdict: verdictOf(record),
    exitCode: record.exitCode ?? exitCode(record),
    startedAt: record.startedAt,
    wallMs: Math.round(wallMs(record)),
    counts: countRun(record),
    causes: distinctCauses(record).map(printableCause),
    missing: record.missing.map(({ message }) => printable(message)),
    warnings: [...new Set(record.notices.filter(({ level }) => level === 'warning').map(({ message }) => message))].map(
      printable,
    ),
    server: record.server,
    services: record.services.map(serviceWords),
    ...(record.nodes ? { nodes: pageNodes(record.nodes) } : {}),
    tiers: tiers.map((tier) => pageTier(tier, start, now, places)),
    files: files.map(({ tier, file }) => pageFile(tier, tiers.indexOf(tier), file, start, now)),
    ...pageDetails(record, files, places),
    ...pageLeft(record, placeOf),
    ...pageKnown(record, placeOf),
    redis: pageRedis(record, start),
    pauses: pagePauses(record, start, now),
    outputs: pageOutputs(files),
    slow: slow.tiers.map(printableSlow),
  }
}

export function printableCause({ code, message, remedy }: Cause): Cause {
  return { code, message: printable(message), remedy: printable(remedy) }
}

function pageNodes(nodes: readonly NodeRecord[]): PageNode[] {
  return nodeSummaries(nodes).map(({ node, run, verdict, files, wallMs: ms, machine, server }, at) => ({
    name: printable(node),
    firstShard: nodes[at]!.firstShard,
    run: printable(run ?? 'unknown'),
    verdict,
    files,
    ms,
    machine: printable(machine ?? 'unknown'),
    server: server ? printable(`${server.product} ${server.version} at ${server.address}`) : '',
  }))
}

function key(tier: string, file: string): string {
  return `${tier}\n${file}`
}

function pageTier(tier: TierRecord, start: number, now: number, places: ReadonlyMap<string, number>): PageTier {
  const { name, settings, shards, end } = tier
  const wall = tierMs(tier)
  // A tier that only a run before this one had lies outside of the time of this one.
  const inside = (at: number | null): number | null =>
    at === null || at < start || at > now ? null : Math.round(at - start)
  return {
    name: printable(name),
    shards,
    deadlineMs: settings.deadlineMs,
    slowMs: settings.slowMs,
    end,
    from: inside(tier.startedAt),
    to: inside(tier.endedAt),
    ms: wall === null ? null : Math.round(wall),
    counts: countTier(tier),
    suites: suiteRows(tier).rows.map(({ suite, files, counts, timeMs }) => ({
      name: printable(suite),
      files,
      ...counts,
      ms: Math.round(timeMs),
    })),
    pace: paceOf(tier, start, now, (id) => places.get(key(name, id)) ?? null),
  }
}

function pageFile(tier: TierRecord, tierPlace: number, file: FileRecord, start: number, now: number): PageFile {
  const { id, path, project, suite } = file.plan
  const ending = fileEnding(file)
  const { word, detail } = endingWords(ending, tier.name)
  const { passed, failed, skipped, notRun, flaky } = countFile(file)
  const tests = testVerdicts(file)
  const own = ownCase(file, tests)
  return {
    id: printable(id),
    path: printable(path),
    project: printable(project),
    tier: tierPlace,
    suite: printable(suite),
    mark: fileMark(ending),
    word,
    why: detail,
    counts: [passed, failed, skipped, notRun, flaky],
    own: own === null ? null : own.quarantined ? 'skipped' : isTestFailure(own.ending) ? 'failed' : 'notRun',
    tests: tests.length,
    ms: Math.round(decidingAttempt(file)?.durationMs ?? 0),
    attempts: file.attempts.map((attempt) => pageAttempt(attempt, tier.name, start, now)),
  }
}

function pageAttempt(attempt: AttemptRecord, tier: string, start: number, now: number): PageAttempt {
  const { shard, database, startedAt, endedAt, collectedAt, leftovers, run } = attempt
  const ms = run === undefined ? (endedAt ?? Math.max(now, startedAt)) - startedAt : attempt.durationMs
  const ending = attempt.ending ?? ({ kind: 'not-run', why: 'lost' } as const)
  const { word, detail } = endingWords(ending, tier)
  return {
    shard,
    database,
    run: run === undefined ? null : printable(run),
    from: run === undefined ? Math.round(startedAt - start) : null,
    ms: Math.round(ms),
    startUpMs: collectedAt === null ? null : Math.round(collectedAt - startedAt),
    mark: fileMark(ending),
    word,
    why: detail,
    keys: leftovers?.keys ?? null,
  }
}
