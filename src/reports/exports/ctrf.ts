import { isTestFailure } from '../../core/ending.ts'
import type { FileRecord, RunRecord, TierRecord } from '../../core/record.ts'
import { column, decidingAttempt, fileEnding, ownCase, testVerdicts } from '../../core/verdict.ts'
import { casesOf, missingCases, type Case } from '../junit/cases.ts'
import { planned, shardName, wallMs } from '../words.ts'

/** The part of CTRF 0.0.0 that we write; the schema allows no other members. https://ctrf.io/docs/specification/overview */
export interface CtrfTest {
  readonly name: string
  readonly status: 'passed' | 'failed' | 'skipped' | 'other'
  /** Whole ms. */
  readonly duration: number
  readonly suite: readonly string[]
  readonly message?: string
  readonly trace?: string
  readonly line?: number
  readonly rawStatus: string
  readonly filePath?: string
  readonly retries?: number
  readonly flaky?: boolean
  readonly threadId?: string
}

/** ctrf.json: the run in the Common Test Report Format. What did not run is `other`, which is CTRF's word for the rest. */
export function ctrf(record: RunRecord): unknown {
  const { meta } = record
  const tests = [
    ...planned(record).flatMap(({ tier, file }) => fileTests(record, tier, file)),
    ...[...record.tiers.values()].flatMap((tier) => strays(tier)),
    ...missing(record),
  ]
  const count = (status: CtrfTest['status']): number => tests.filter((test) => test.status === status).length
  const start = Math.round(record.startedAt ?? 0)
  // To the last thing that is known, of a run that was killed.
  const stop = start + Math.round(wallMs(record))
  return {
    reportFormat: 'CTRF',
    specVersion: '0.0.0',
    // Documents with one runId are shards of one run. A slice does not know what the others call themselves.
    ...(meta?.run && !meta.slice ? { runId: meta.run } : {}),
    generatedBy: 'tiershard',
    results: {
      tool: { name: 'tiershard', ...(meta ? { version: meta.tiershard } : {}) },
      summary: {
        tests: tests.length,
        passed: count('passed'),
        failed: count('failed'),
        skipped: count('skipped'),
        pending: 0,
        other: count('other'),
        flaky: tests.filter(({ flaky }) => flaky).length,
        start,
        stop,
        duration: stop - start,
        extra: { run: meta?.run ?? null },
      },
      tests,
    },
  }
}

function fileTests(record: RunRecord, tier: TierRecord, file: FileRecord): CtrfTest[] {
  const verdicts = testVerdicts(file)
  const { cases, own } = casesOf(tier, file, record.causes.at(0) ?? null)
  const ending = fileEnding(file)
  return cases.map((one, index): CtrfTest => {
    const verdict = own && index === cases.length - 1 ? null : verdicts[index]!
    const where = verdict ? column(verdict.outcome) : isTestFailure(ending) ? 'failed' : 'notRun'
    // What the quarantine excuses counts as skipped, here as everywhere.
    const excused = (verdict ?? ownCase(file))?.quarantined != null
    const status = excused ? 'skipped' : where === 'notRun' ? 'other' : where
    const retries = verdict ? verdict.earlier.length + verdict.last.retries : 0
    const shard = decidingAttempt(file)?.shard
    return {
      // The schema wants a name.
      name: one.name || '(unnamed)',
      status,
      duration: whole(one.durationMs),
      suite: [tier.name, file.plan.suite, file.plan.id],
      rawStatus: verdict?.outcome ?? ending.kind,
      filePath: file.plan.path,
      ...problem(one),
      ...(one.line === null ? {} : { line: one.line }),
      ...(retries > 0 ? { retries } : {}),
      ...(verdict?.flaky ? { flaky: true } : {}),
      ...(shard === undefined ? {} : { threadId: shardName(record, shard) }),
    }
  })
}

function problem({ problems, skipped }: Case): Pick<CtrfTest, 'message' | 'trace'> {
  const [first] = problems
  if (first) return { message: first.message, trace: first.text }
  return skipped ? { message: skipped } : {}
}

function strays(tier: TierRecord): CtrfTest[] {
  return tier.strayErrors.map(({ message, stack }) => ({
    name: '(error)',
    status: 'failed',
    duration: 0,
    suite: [tier.name],
    rawStatus: 'failed',
    message,
    ...(stack === null ? {} : { trace: stack }),
  }))
}

function missing(record: RunRecord): CtrfTest[] {
  return missingCases(record.missing).map((one, index) => ({
    name: one.name,
    status: 'other',
    duration: 0,
    suite: ['(run)'],
    rawStatus: `incomplete:${record.missing[index]!.kind}`,
    ...problem(one),
  }))
}

function whole(ms: number): number {
  return Number.isFinite(ms) && ms > 0 ? Math.round(ms) : 0
}
