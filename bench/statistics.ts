/**
 * How often the rule for slower tests cries wolf, and how often it finds what it should: simulated histories on machines
 * of changing speed with noise that has a long tail. Prints the table of docs/statistics.md.
 *
 *   node bench/statistics.ts [--histories 10000]
 */
import { parseArgs } from 'node:util'
import { paces, type Timing } from '../src/history/pace.ts'
import { trendOf } from '../src/reports/regression.ts'

const RUNS = 25
const TESTS = 50

/** mulberry32: the same histories on every machine. */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

export interface Noise {
  /** Of the machine from run to run, and of a test within a run: sigma of a lognormal factor. */
  readonly machine: number
  readonly test: number
  /** A test meets a pause (a neighbour, the garbage collector) with this chance, which takes up to twice its time more. */
  readonly pauses: number
}

export const QUIET: Noise = { machine: 0.05, test: 0.05, pauses: 0.01 }
export const USUAL: Noise = { machine: 0.15, test: 0.15, pauses: 0.05 }
export const BUSY: Noise = { machine: 0.3, test: 0.3, pauses: 0.1 }

/**
 * The times of some tests over some runs; in the last `slowRuns` the first test takes `factor` times as long.
 *
 * @returns by test, then by run, whole ms
 */
export function simulate(random: () => number, noise: Noise, factor: number, slowRuns: number): number[][] {
  const speeds = Array.from({ length: RUNS }, () => Math.exp(noise.machine * normal(random)))
  return Array.from({ length: TESTS }, (_, test) => {
    const usual = test === 0 ? 400 : 20 * Math.exp(2 * Math.abs(normal(random)))
    return speeds.map((speed, run) => {
      const slower = test === 0 && run >= RUNS - slowRuns ? factor : 1
      const pause = random() < noise.pauses ? 1 + 2 * random() : 1
      return Math.round(usual * speed * slower * pause * Math.exp(noise.test * normal(random)))
    })
  })
}

/** Divides the times by the pace of their runs, as the history does. */
export function normalise(tests: readonly (readonly number[])[]): number[][] {
  const timings = tests.map((ms) => ms.map((one, run): Timing => ({ run, ms: one })))
  const pace = paces(timings)
  return timings.map((samples) => samples.map(({ run, ms }) => ms / (pace.get(run) ?? 1)))
}

/** The rule that comes to mind first, for comparison. */
function overLastRun(ms: readonly number[]): boolean {
  return ms.at(-1)! > 1.5 * ms.at(-2)!
}

export interface Rates {
  readonly regressed: number
  readonly suspect: number
  readonly overLastRun: number
}

/** The share of histories in which each rule speaks of the first test, right after its fifth (third, first) slow run. */
export function rates(histories: number, noise: Noise, factor: number, seed = 1): Rates {
  const random = generator(seed)
  const counts = { regressed: 0, suspect: 0, overLastRun: 0 }
  for (let i = 0; i < histories; i++) {
    if (trendOf(normalise(simulate(random, noise, factor, 5))[0]!).kind === 'regressed') counts.regressed++
    const early = trendOf(normalise(simulate(random, noise, factor, 3))[0]!).kind
    if (early === 'suspect' || early === 'regressed') counts.suspect++
    if (overLastRun(simulate(random, noise, factor, 1)[0]!)) counts.overLastRun++
  }
  return {
    regressed: counts.regressed / histories,
    suspect: counts.suspect / histories,
    overLastRun: counts.overLastRun / histories,
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : share < 0.1 ? 1 : 0)}%`
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { histories: { type: 'string', default: '10000' } } })
  const histories = Math.max(1, Number(values.histories) || 10_000)
  const lines = [
    '| machine | slower by | regressed | suspect | 1.5x the last run |',
    '| --- | --- | ---: | ---: | ---: |',
  ]
  for (const [name, noise] of Object.entries({ quiet: QUIET, usual: USUAL, busy: BUSY })) {
    for (const factor of [1, 1.5, 2, 3]) {
      const found = rates(histories, noise, factor)
      const what = factor === 1 ? 'nothing (false alarms)' : `${factor}x`
      lines.push(
        `| ${name} | ${what} | ${percent(found.regressed)} | ${percent(found.suspect)} | ${percent(found.overLastRun)} |`,
      )
    }
  }
  process.stdout.write(`${histories} histories a line\n\n${lines.join('\n')}\n`)
}
