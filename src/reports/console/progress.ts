import type { PlannedFile, Stamped } from '../../core/events.ts'
import { makespan } from '../../core/plan.ts'
import type { AttemptRecord, RunRecord, TierRecord } from '../../core/record.ts'
import { addCounts, column, countFile, noCounts, type Counts } from '../../core/verdict.ts'

/** What the live view and the heartbeat show of the tier that runs now. All times in ms. */
export interface Snapshot {
  readonly tier: string
  readonly elapsedMs: number
  readonly deadlineMs: number
  readonly shards: readonly ShardView[]
  readonly counts: Counts
  readonly filesLeft: number
  readonly files: number
  /** Share of the expected work that is done, 0 to 1. */
  readonly done: number
  /** null while too little is known to say. */
  readonly etaMs: number | null
}

export interface ShardView {
  readonly shard: number
  readonly database: number | null
  /** null: between two files. */
  readonly running: {
    readonly file: string
    readonly attempt: number
    readonly elapsedMs: number
    readonly expectedMs: number | null
    /** Takes clearly longer than expected. */
    readonly over: boolean
  } | null
}

interface Running {
  readonly file: PlannedFile
  readonly attempt: AttemptRecord
}

/** A prediction: when it was made, when the tier would end, and which share of the work was done. */
interface Prediction {
  readonly at: number
  readonly endsAt: number | null
  readonly done: number
}

/**
 * Follows the tier that runs now. It counts nothing itself: the counts of a file come from core/verdict.ts when the file
 * has ended, and are kept so that a redraw need not look at every file of the run again.
 */
export class Progress {
  /** When anything last ended or began to wait, ms since 1970: the heartbeat's zero. */
  lastEnd = 0
  #tier: string | null = null
  readonly #settled = new Map<string, Counts>()
  readonly #total = noCounts()
  readonly #running = new Map<number, Running>()
  readonly #databases = new Map<number, number>()
  #speed = new Speed([])
  #prediction: Prediction | null = null

  see(event: Stamped, record: RunRecord): void {
    if (event.type === 'tier-started') {
      if (event.tier !== this.#tier) this.#open(event.tier, record.tiers.get(event.tier))
      this.lastEnd = event.at
    } else if (event.type === 'tier-ended') {
      this.#running.clear()
    } else if (event.type === 'lease-granted') {
      this.#databases.set(event.shard, event.database)
    } else if (event.type === 'file-started') {
      this.#start(event, record)
    } else if (event.type === 'file-ended') {
      this.#end(event, record)
    }
  }

  #start(event: Extract<Stamped, { type: 'file-started' }>, record: RunRecord): void {
    const file = record.tiers.get(event.tier)?.files.get(event.file)
    const attempt = file?.attempts.at(-1)
    if (!file || !attempt) return
    this.#unsettle(event.file)
    this.#running.set(event.shard, { file: file.plan, attempt })
  }

  #end(event: Extract<Stamped, { type: 'file-ended' }>, record: RunRecord): void {
    this.lastEnd = event.at
    const file = record.tiers.get(event.tier)?.files.get(event.file)
    if (!file || event.tier !== this.#tier) return
    for (const [shard, running] of this.#running) {
      if (running.file.id === event.file) this.#running.delete(shard)
    }
    this.#unsettle(event.file)
    this.#settle(event.file, countFile(file))
    const { kind } = event.ending
    if (kind === 'passed' || kind === 'failed') this.#speed.add(event.durationMs, file.plan.expectedMs)
  }

  /** The state at `now`, ms since 1970; null when no tier runs. */
  snapshot(record: RunRecord, now: number): Snapshot | null {
    const tier = this.#tier === null ? undefined : record.tiers.get(this.#tier)
    if (!tier) return null
    const { done, endsAt } = this.#predict(tier, now)
    return {
      tier: tier.name,
      elapsedMs: now - (tier.startedAt ?? now),
      deadlineMs: tier.settings.deadlineMs,
      shards: Array.from({ length: tier.shards }, (_, shard) => this.#shard(shard, now)),
      counts: this.#counts(),
      filesLeft: tier.files.size - this.#settled.size,
      files: tier.files.size,
      done,
      etaMs: endsAt === null ? null : Math.max(0, endsAt - now),
    }
  }

  #open(name: string, tier: TierRecord | undefined): void {
    this.#tier = name
    this.#settled.clear()
    Object.assign(this.#total, noCounts())
    this.#running.clear()
    this.#speed = new Speed([...(tier?.files.values() ?? [])].map(({ plan }) => plan))
    this.#prediction = null
  }

  #settle(file: string, counts: Counts): void {
    this.#settled.set(file, counts)
    addCounts(this.#total, counts)
  }

  /** A file that is tried again is open again. */
  #unsettle(file: string): void {
    const counts = this.#settled.get(file)
    if (!counts) return
    this.#settled.delete(file)
    const { passed, failed, skipped, notRun, flaky, quarantined = 0 } = counts
    addCounts(this.#total, {
      passed: -passed,
      failed: -failed,
      skipped: -skipped,
      notRun: -notRun,
      flaky: -flaky,
      quarantined: -quarantined,
    })
  }

  /** Files that have ended, and what the running ones have shown so far. */
  #counts(): Counts {
    const counts = { ...this.#total }
    for (const { attempt } of this.#running.values()) {
      for (const test of attempt.tests.values()) if (test.outcome !== null) counts[column(test.outcome)]++
    }
    return counts
  }

  #shard(shard: number, now: number): ShardView {
    const running = this.#running.get(shard)
    const database = this.#databases.get(shard) ?? null
    if (!running) return { shard, database, running: null }
    const { file, attempt } = running
    const elapsedMs = Math.max(0, now - attempt.startedAt)
    const { expectedMs } = file
    return {
      shard,
      database: attempt.database,
      running: {
        file: file.id,
        attempt: attempt.attempt,
        elapsedMs,
        expectedMs,
        // A fifth and half a second more: the noise of a short file is nothing to point at.
        over: expectedMs !== null && elapsedMs > expectedMs * 1.2 + 500,
      },
    }
  }

  /** Simulates the rest of the tier, at most once a second: that takes some 25 ms for 100,000 files. */
  #predict(tier: TierRecord, now: number): Prediction {
    if (this.#prediction && now - this.#prediction.at < 1000 && now >= this.#prediction.at) return this.#prediction
    const { durations, guessed, unknown } = this.#rest(tier, now)
    // More guesses than knowledge, and too few files so far to guess from: better no number than a wrong one.
    const known = unknown === 0 && (guessed <= durations.length / 2 || this.#speed.files >= 3)
    const left = durations.reduce((sum, ms) => sum + ms, 0)
    // Everything left is over its expectation: nobody knows when that ends.
    const overdue = left === 0 && durations.length > 0
    const underWay = [...this.#running.values()].reduce((sum, { attempt }) => sum + now - attempt.startedAt, 0)
    this.#prediction = {
      at: now,
      endsAt: known && !overdue ? now + makespan(durations, tier.shards) : null,
      done: known
        ? share(this.#speed.spentMs + underWay, left)
        : share(this.#settled.size, tier.files.size - this.#settled.size),
    }
    return this.#prediction
  }

  /**
   * What is left to do: first what the running files still need, then the waiting ones in the order in which they will
   * start, ms each. `guessed` of all are files without history, and `unknown` are those nothing can be said of.
   */
  #rest(tier: TierRecord, now: number): { durations: number[]; guessed: number; unknown: number } {
    const running = new Map([...this.#running.values()].map((one) => [one.file.id, one.attempt]))
    const open: number[] = []
    const waiting: number[] = []
    let guessed = 0
    let unknown = 0
    // The record keeps the files in the order of the plan, which is the order in which they start.
    for (const { plan } of tier.files.values()) {
      if (this.#settled.has(plan.id)) continue
      if (plan.expectedMs === null) guessed++
      const expected = this.#speed.expect(plan.expectedMs)
      const attempt = running.get(plan.id)
      if (expected === null) unknown++
      // What is over its expectation may end at any moment, and nobody knows when.
      else if (attempt) open.push(Math.max(0, expected - (now - attempt.startedAt)))
      else waiting.push(expected)
    }
    return { durations: [...open, ...waiting], guessed, unknown }
  }
}

function share(done: number, left: number): number {
  return done + left <= 0 ? 0 : done / (done + left)
}

/** How long files really take, against what the plan expected of them. */
class Speed {
  /** The time of all files so far, ms. */
  spentMs = 0
  files = 0
  readonly #planMeanMs: number | null
  #withHistory = 0
  #actualMs = 0
  #expectedMs = 0

  /** @param planned the tier's files: the mean of those with history stands for the others until some have ended */
  constructor(planned: readonly Pick<PlannedFile, 'expectedMs'>[]) {
    const known = planned.flatMap(({ expectedMs }) => (expectedMs === null ? [] : [expectedMs]))
    this.#planMeanMs = known.length === 0 ? null : known.reduce((sum, ms) => sum + ms, 0) / known.length
  }

  add(actualMs: number, expectedMs: number | null): void {
    this.spentMs += actualMs
    this.files++
    if (expectedMs === null || expectedMs <= 0) return
    this.#withHistory++
    this.#actualMs += actualMs
    this.#expectedMs += expectedMs
  }

  /** Expected duration of a file on this machine, ms; null: no idea. */
  expect(expectedMs: number | null): number | null {
    if (expectedMs === null) return this.files === 0 ? this.#planMeanMs : this.spentMs / this.files
    // Two files say little about a machine; and no machine is more than four times off, a file may well be.
    const factor = this.#withHistory < 3 ? 1 : Math.min(4, Math.max(0.25, this.#actualMs / this.#expectedMs))
    return expectedMs * factor
  }
}
