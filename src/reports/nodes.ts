import { machineOf, type ServerFacts } from '../core/events.ts'
import type { NodeRecord } from '../core/record.ts'
import { countRun, exitCode, verdict, type Counts, type Verdict } from '../core/verdict.ts'
import { isoTime } from './junit/text.ts'
import { planned, wallMs } from './words.ts'

/** One of several nodes, as its own journal tells it. */
export interface NodeSummary {
  readonly node: string
  /** Its id. */
  readonly run: string | null
  readonly verdict: Verdict
  readonly exitCode: number
  /** By the clock of the node. */
  readonly startedAt: string | null
  readonly wallMs: number
  readonly tiers: readonly string[]
  readonly files: number
  readonly counts: Counts
  readonly shards: number
  /** "linux-x64, 4 cpus" */
  readonly machine: string | null
  readonly server: ServerFacts | null
}

export function nodeSummaries(nodes: readonly NodeRecord[]): NodeSummary[] {
  return nodes.map(({ name, shards, record }) => {
    const { meta, startedAt, tiers, server } = record
    const code = record.exitCode ?? exitCode(record)
    return {
      node: name,
      run: meta?.run ?? null,
      verdict: verdict(code),
      exitCode: code,
      startedAt: isoTime(startedAt),
      wallMs: Math.round(wallMs(record)),
      tiers: [...tiers.keys()],
      files: planned(record).length,
      counts: countRun(record),
      shards,
      machine: meta && machineOf(meta),
      server,
    }
  })
}
