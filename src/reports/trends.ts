import type { TestPast, TierPast } from '../core/ports.ts'
import { median } from '../core/quantile.ts'
import type { TierRecord } from '../core/record.ts'
import { trendOf } from './regression.ts'

/** What a tier's history says beside this one run. */
export interface TierTrends {
  /** Only runs on machines of this class are compared: "linux-x64, 4 cpus". */
  readonly machine: string
  /**
   * How long this run's machine took compared with its past, by which all times below are divided; null: not known. Of
   * several nodes the median, and each node's times are divided by its own.
   */
  readonly pace: number | null
  /** Tests of this run with enough samples to be judged. */
  readonly judged: number
  /** Slower for five runs, the most time lost first, `top` at most. */
  readonly regressed: readonly SlowerTest[]
  readonly regressedCount: number
  /** Slower for three runs. */
  readonly suspect: readonly SlowerTest[]
  readonly suspectCount: number
  /** Usually over the tier's slow threshold: the median of the last five runs is. */
  readonly overBudget: readonly UsualTime[]
  readonly overBudgetCount: number
  /** Within the threshold as a rule, and more than three times over it in this run. */
  readonly spiked: readonly UsualTime[]
  readonly spikedCount: number
  /** Failed and passed on the same code; the latest first. */
  readonly flaky: readonly FlakyTest[]
  readonly flakyCount: number
  /** Those of them that have passed since: the flaky tests of this very run are known without a past. */
  readonly flakyBefore: readonly FlakyTest[]
  readonly flakyBeforeCount: number
}

export interface UsualTime {
  readonly file: string
  readonly name: string
  /** The median of the last five runs, each divided by its pace, ms. */
  readonly usualMs: number
  /** Of this run, ms. */
  readonly durationMs: number
}

export interface SlowerTest {
  readonly file: string
  readonly name: string
  /** The median before and now, ms. */
  readonly beforeMs: number
  readonly nowMs: number
  /** What every run pays for it, ms. */
  readonly lostMs: number
  /** Of the tier's test time in this run, 0 to 1. */
  readonly share: number
  /** All of its samples, whole ms, newest last: for a sparkline. */
  readonly ms: readonly number[]
}

export interface FlakyTest {
  readonly file: string
  readonly name: string
  readonly lastAt: number
  readonly passes: number
  /** Its last runs, newest last: `p` passed at the first try, `k` failed and then passed, `f` failed. */
  readonly recent: string
}

/** A budget is judged by so many runs, and one run alone only from this factor on. */
const BUDGET_RUNS = 5
const SPIKE = 3

/**
 * @param known one of a run, or those of the runs of several nodes: each says something of the tests of its own run
 * @param testMs the time of all tests of the tier in this run, ms
 * @param top how many entries a list has at most
 */
export function analyseTrends(
  tier: TierRecord,
  known: readonly [TierPast, ...TierPast[]],
  testMs: number,
  top: number,
): TierTrends {
  const [first, ...others] = known.map((one) => trendsOf(tier, one, testMs, top)) as [TierTrends, ...TierTrends[]]
  return others.length === 0 ? first : together([first, ...others], top)
}

function trendsOf(tier: TierRecord, known: TierPast, testMs: number, top: number): TierTrends {
  const tests = known.tests.filter(({ isOfRun }) => isOfRun)
  const { regressed, suspect, judged } = slowerTests(tests, testMs)
  const { overBudget, spiked } = budgets(tests, tier.settings.slowMs, known)
  const flaky = known.flaky.toSorted((a, b) => b.lastAt - a.lastAt || byPlace(a, b))
  const flakyBefore = flaky.filter(({ passes }) => passes > 0)
  return {
    machine: known.machine,
    pace: known.pace,
    judged,
    regressed: regressed.slice(0, top),
    regressedCount: regressed.length,
    suspect: suspect.slice(0, top),
    suspectCount: suspect.length,
    overBudget: overBudget.slice(0, top),
    overBudgetCount: overBudget.length,
    spiked: spiked.slice(0, top),
    spikedCount: spiked.length,
    flaky: flaky.slice(0, top),
    flakyCount: flaky.length,
    flakyBefore: flakyBefore.slice(0, top),
    flakyBeforeCount: flakyBefore.length,
  }
}

/** What a run should say of its past by itself, over all tiers: the first entries, and how many there are. */
export function worthSaying(tiers: readonly { readonly trends?: TierTrends }[]): {
  readonly regressed: readonly SlowerTest[]
  readonly regressedCount: number
  readonly flaky: readonly FlakyTest[]
  readonly flakyCount: number
} {
  const known = tiers.flatMap(({ trends }) => trends ?? [])
  return {
    regressed: known.flatMap(({ regressed }) => regressed),
    regressedCount: known.reduce((sum, { regressedCount }) => sum + regressedCount, 0),
    flaky: known.flatMap(({ flakyBefore }) => flakyBefore),
    flakyCount: known.reduce((sum, { flakyBeforeCount }) => sum + flakyBeforeCount, 0),
  }
}

/** Nodes have tests of their own, but for the flaky ones, which are those of the tier for each of them. */
function together(all: readonly [TierTrends, ...TierTrends[]], top: number): TierTrends {
  const sum = (count: (one: TierTrends) => number): number => all.reduce((total, one) => total + count(one), 0)
  const mostLost = (list: (one: TierTrends) => readonly SlowerTest[]): SlowerTest[] =>
    all
      .flatMap(list)
      .sort((a, b) => b.lostMs - a.lostMs || byPlace(a, b))
      .slice(0, top)
  const longest = (list: (one: TierTrends) => readonly UsualTime[], ms: (one: UsualTime) => number): UsualTime[] =>
    all
      .flatMap(list)
      .sort((a, b) => ms(b) - ms(a) || byPlace(a, b))
      .slice(0, top)
  const paces = all.flatMap(({ pace }) => pace ?? [])
  const { flaky, flakyCount, flakyBefore, flakyBeforeCount } = all[0]
  return {
    machine: [...new Set(all.map(({ machine }) => machine))].join('; '),
    pace: paces.length === 0 ? null : median(paces),
    judged: sum(({ judged }) => judged),
    regressed: mostLost(({ regressed }) => regressed),
    regressedCount: sum(({ regressedCount }) => regressedCount),
    suspect: mostLost(({ suspect }) => suspect),
    suspectCount: sum(({ suspectCount }) => suspectCount),
    overBudget: longest(
      ({ overBudget }) => overBudget,
      ({ usualMs }) => usualMs,
    ),
    overBudgetCount: sum(({ overBudgetCount }) => overBudgetCount),
    spiked: longest(
      ({ spiked }) => spiked,
      ({ durationMs }) => durationMs,
    ),
    spikedCount: sum(({ spikedCount }) => spikedCount),
    flaky,
    flakyCount,
    flakyBefore,
    flakyBeforeCount,
  }
}

function slowerTests(
  tests: readonly TestPast[],
  testMs: number,
): { readonly regressed: SlowerTest[]; readonly suspect: SlowerTest[]; readonly judged: number } {
  const found = { regressed: [] as SlowerTest[], suspect: [] as SlowerTest[] }
  let judged = 0
  for (const { file, name, ms } of tests) {
    const trend = trendOf(ms)
    if (trend.kind !== 'unknown') judged++
    if (trend.kind !== 'regressed' && trend.kind !== 'suspect') continue
    const { beforeMs, nowMs } = trend
    const lostMs = nowMs - beforeMs
    const share = testMs > 0 ? Math.min(1, lostMs / testMs) : 0
    found[trend.kind].push({ file, name, beforeMs, nowMs, lostMs, share, ms: ms.map(Math.round) })
  }
  const mostLostFirst = (a: SlowerTest, b: SlowerTest): number => b.lostMs - a.lostMs || byPlace(a, b)
  return { regressed: found.regressed.sort(mostLostFirst), suspect: found.suspect.sort(mostLostFirst), judged }
}

function budgets(
  tests: readonly TestPast[],
  slowMs: number,
  { pace }: TierPast,
): { readonly overBudget: UsualTime[]; readonly spiked: UsualTime[] } {
  const enough = tests.filter(({ ms }) => ms.length >= BUDGET_RUNS)
  const usual = enough.map(({ file, name, ms }): UsualTime => {
    return { file, name, usualMs: median(ms.slice(-BUDGET_RUNS)), durationMs: Math.round(ms.at(-1)! * (pace ?? 1)) }
  })
  return {
    overBudget: usual.filter(({ usualMs }) => usualMs > slowMs).sort((a, b) => b.usualMs - a.usualMs || byPlace(a, b)),
    spiked: usual
      .filter(({ usualMs, durationMs }) => usualMs <= slowMs && durationMs > SPIKE * slowMs)
      .sort((a, b) => b.durationMs - a.durationMs || byPlace(a, b)),
  }
}

function byPlace(
  a: { readonly file: string; readonly name: string },
  b: { readonly file: string; readonly name: string },
): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.name < b.name ? -1 : 1
}
