import type { Cause } from '../core/ending.ts'
import { isTestFailure } from '../core/ending.ts'
import type { PlannedFile } from '../core/events.ts'
import type { Batch, Engine } from '../core/ports.ts'
import { isRepetition } from '../core/verdict.ts'
import type { TierDesk } from './desk.ts'
import { isWorthIt } from './endings.ts'
import type { Guard } from './guard.ts'
import type { Ledger } from './ledger.ts'
import type { TierPlan } from './plan.ts'

/** What a stress run needs of its tier. */
export interface StressParts {
  /** The desk that the tier halts. */
  readonly first: TierDesk
  /** Another desk on the same lanes. */
  readonly open: () => TierDesk
  readonly engine: Engine
  readonly anotherEngine: () => Engine
  readonly execute: (batch: Batch, desk: TierDesk, engine: Engine) => Promise<void>
  readonly noLaneLeft: (files: number) => Cause
  readonly ledger: Ledger
  readonly guard: Guard
  readonly scratch: string
  readonly testName: string | null
}

/** A repetition is expected to take at most this much longer than the longest one before, as a factor and in ms. */
const SLACK = { factor: 1.25, ms: 1_000 }

/**
 * Repeats the files of a tier, in turn, on all lanes at once. An engine runs a file once at a time, so every lane has an
 * engine of its own; each repetition is an attempt in a fresh process and a flushed database. Repetitions that run when
 * their file fails go on to their end: they are counted too.
 */
export async function runStress(plan: TierPlan, lanes: number, parts: StressParts): Promise<void> {
  const { first, scratch, testName } = parts
  const queue = repetitions(plan, lanes, parts.ledger)
  const begun = performance.now()
  const others = Array.from({ length: lanes - 1 }, () => ({ desk: parts.open(), engine: parts.anotherEngine() }))
  // Whoever halts, all halt.
  void first.whenHalted.then(() => others.forEach(({ desk }) => desk.halt(first.halted!)))
  for (const { desk } of others) void desk.whenHalted.then(() => first.halt(desk.halted!))

  const work = async (desk: TierDesk, engine: Engine): Promise<void> => {
    const { settings } = plan
    for (let file = queue.next(); file && !first.halted; file = queue.next()) {
      const batch = { tier: settings, files: [file], shards: 1, scratch, testName }
      const before = desk.starts
      await parts.execute(batch, desk, engine)
      queue.done(file)
      // No seat was to be had: its lane is gone. Another one may still do it.
      if (desk.starts === before) return
    }
  }
  try {
    await Promise.all([{ desk: first, engine: parts.engine }, ...others].map(({ desk, engine }) => work(desk, engine)))
    const left = queue.left()
    if (left === 0 || first.halted) return
    // Lanes that were lost to an outage come back in the next round, which does what is missing of a number.
    const isOutage = plan.settings.stress!.times !== null && (await parts.guard.blame(begun)) !== null
    if (!isOutage) await first.abandon(parts.noLaneLeft(left))
  } finally {
    await Promise.all(others.map(({ engine }) => engine.close()))
  }
}

interface Repetitions {
  /** The file that has been repeated least; null: there is nothing more to start. */
  next(): PlannedFile | null
  /** The repetition has ended; one that did not start, or that the server spoiled, is still to be done. */
  done(file: PlannedFile): void
  /** Files with repetitions left to do. */
  left(): number
}

function repetitions({ settings, files }: TierPlan, lanes: number, ledger: Ledger): Repetitions {
  const { times, untilFailure } = settings.stress!
  const running = new Map(files.map(({ id }) => [id, 0]))
  const openedAt = performance.now()
  const attempts = (id: string) => ledger.record.tiers.get(settings.name)?.files.get(id)?.attempts ?? []
  const taken = (id: string): number => attempts(id).filter(isRepetition).length + running.get(id)!
  const fits = (id: string): boolean => {
    if (times !== null) return true
    const longest = attempts(id).reduce((most, { durationMs }) => Math.max(most, durationMs), 0)
    return performance.now() - openedAt + longest * SLACK.factor + SLACK.ms < settings.deadlineMs
  }
  const isOpen = ({ id }: PlannedFile): boolean => {
    if (taken(id) >= (times ?? Infinity) || !isWorthIt(attempts(id), lanes)) return false
    if (untilFailure && attempts(id).some(({ ending }) => ending && isTestFailure(ending))) return false
    return taken(id) === 0 || fits(id)
  }
  return {
    next() {
      const [least] = files.filter(isOpen).toSorted((a, b) => taken(a.id) - taken(b.id))
      if (least) running.set(least.id, running.get(least.id)! + 1)
      return least ?? null
    },
    done: ({ id }) => void running.set(id, running.get(id)! - 1),
    left: () => files.filter(isOpen).length,
  }
}
