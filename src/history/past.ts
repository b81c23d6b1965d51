import { machineOf } from '../core/events.ts'
import type { Past, TestPast, TierPast } from '../core/ports.ts'
import type { RunRecord } from '../core/record.ts'
import type { HistoryData, TierData } from './data.ts'
import { passesSince, recentRuns, unpackFlaky } from './flaky.ts'
import { addRun, byNumber } from './merge.ts'
import { paces, type Timing } from './pace.ts'
import { durationOf, unpackSamples, unpackTests } from './samples.ts'

/** What a history says up to and with one run, which it may know already. The history itself is not changed. */
export function pastOf(data: HistoryData, record: RunRecord): Past {
  const { meta, startedAt } = record
  const known = [...data.tiers.values()].some(({ runs }) => runs.some(({ id }) => id === meta?.run))
  const whole = known ? data : withRun(data, record)
  return {
    tier(name) {
      const tier = whole.tiers.get(name)
      return tier && meta && startedAt !== null ? tierPast(tier, meta.run, machineOf(meta), startedAt) : null
    },
  }
}

function withRun(data: HistoryData, record: RunRecord): HistoryData {
  const tiers = new Map([...data.tiers].map(([name, { runs, files }]) => [name, { runs, files: new Map(files) }]))
  addRun({ tiers }, record)
  return { tiers }
}

interface Timed {
  readonly file: string
  readonly name: string
  readonly timings: readonly Timing[]
}

function tierPast({ runs, files }: TierData, id: string, machine: string, until: number): TierPast {
  const own = runs.find((run) => run.id === id)?.n ?? null
  const lookup = byNumber(runs)
  // A run that is looked at later must not be judged by what came after it.
  const alike = new Set(runs.filter((run) => run.machine === machine && run.at <= until).map(({ n }) => n))
  const timed: Timed[] = []
  const flaky: TierPast['flaky'][number][] = []
  for (const [file, past] of files) {
    const samples = unpackSamples(past.samples)
    const columns = unpackTests(past.tests, samples.length)
    for (const [name, column] of columns) {
      const timings = samples.flatMap(({ run }, i) => {
        const ms = alike.has(run) ? durationOf(column[i]!) : null
        return ms === null ? [] : [{ run, ms }]
      })
      if (timings.length > 0) timed.push({ file, name, timings })
    }
    for (const [name, at] of unpackFlaky(past.flaky)) {
      const column = columns.get(name) ?? []
      const passes = passesSince(at, column, samples, lookup)
      flaky.push({ file, name, lastAt: at, passes, recent: recentRuns(column, samples, lookup, until) })
    }
  }
  const pace = paces(timed.map(({ timings }) => timings))
  const tests = timed.map(({ file, name, timings }): TestPast => ({
    file,
    name,
    ms: timings.map(({ run, ms }) => ms / (pace.get(run) ?? 1)),
    isOfRun: own !== null && timings.at(-1)?.run === own,
  }))
  return { machine, runs: alike.size, pace: own === null ? null : (pace.get(own) ?? null), tests, flaky }
}
