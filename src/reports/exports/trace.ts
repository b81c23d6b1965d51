import type { AttemptRecord, RunRecord, TierRecord } from '../../core/record.ts'
import { endingWords, shardName, wallMs } from '../words.ts'

/** One event of the Trace Event Format; times are microseconds since the start of the run. */
export interface TraceEvent {
  readonly name: string
  readonly ph: 'M' | 'X'
  readonly pid: number
  readonly tid: number
  readonly ts?: number
  readonly dur?: number
  readonly cat?: string
  readonly args: Readonly<Record<string, unknown>>
}

/**
 * trace.json: opens in https://ui.perfetto.dev and chrome://tracing. A tier is a process and a shard one of its threads,
 * so that the lanes of a run lie below each other; every attempt at a file in this run is a slice.
 */
export function trace(record: RunRecord): {
  readonly traceEvents: readonly TraceEvent[]
  readonly displayTimeUnit: 'ms'
} {
  const tiers = [...record.tiers.values()]
  return {
    displayTimeUnit: 'ms',
    traceEvents: tiers.flatMap((tier, index) => tierEvents(record, tier, index + 1)),
  }
}

function tierEvents(record: RunRecord, tier: TierRecord, pid: number): TraceEvent[] {
  const start = record.startedAt ?? 0
  const runEnd = start + wallMs(record)
  const attempts = [...tier.files.values()].flatMap(({ plan, attempts }) =>
    // Those of a run that this one continues lie at another time, perhaps of another clock.
    attempts.filter(({ run }) => run === undefined).map((attempt) => ({ plan, attempt })),
  )
  const shards = [...new Set(attempts.map(({ attempt }) => attempt.shard))].sort((a, b) => a - b)
  const named = (name: string, tid: number, args: TraceEvent['args']): TraceEvent => ({ name, ph: 'M', pid, tid, args })
  return [
    named('process_name', 0, { name: `tier ${tier.name}` }),
    named('process_sort_index', 0, { sort_index: pid }),
    ...shards.flatMap((shard) => [
      named('thread_name', shard + 1, { name: shardName(record, shard) }),
      named('thread_sort_index', shard + 1, { sort_index: shard }),
    ]),
    ...attempts.map(({ plan, attempt }): TraceEvent => {
      const end = attempt.endedAt ?? Math.max(runEnd, attempt.startedAt)
      return {
        name: plan.id,
        ph: 'X',
        pid,
        tid: attempt.shard + 1,
        ts: microseconds(attempt.startedAt - start),
        // A slice without any length cannot be clicked at.
        dur: Math.max(1, microseconds(end - attempt.startedAt)),
        cat: attempt.ending?.kind ?? 'lost',
        args: facts(tier, plan.suite, attempt),
      }
    }),
  ]
}

function facts(
  tier: TierRecord,
  suite: string,
  { attempt, ending, database, tests }: AttemptRecord,
): TraceEvent['args'] {
  const words = ending && endingWords(ending, tier.name)
  return {
    suite,
    attempt,
    ending: words ? [words.word, words.detail].filter(Boolean).join(': ') : 'nothing was heard of it',
    tests: tests.size,
    ...(database === null ? {} : { database }),
  }
}

function microseconds(ms: number): number {
  return Math.max(0, Math.round(ms * 1000))
}
