import { printable } from '../format.ts'
import type { SlowTier } from '../slow.ts'
import type { SlowerTest, TierTrends, UsualTime } from '../trends.ts'

/** What was slow, and what past runs say, with names as they can be shown and whole milliseconds. */
export function printableSlow(tier: SlowTier): SlowTier {
  const { trends } = tier
  return {
    ...tier,
    tests: timed(tier.tests),
    files: timed(tier.files),
    over: timed(tier.over),
    tooSlow: timed(tier.tooSlow),
    movable: timed(tier.movable),
    ...(trends ? { trends: printableTrends(trends) } : {}),
  }
}

function printableTrends(trends: TierTrends): TierTrends {
  const slower = (list: readonly SlowerTest[]): SlowerTest[] =>
    named(list).map((test) => ({
      ...test,
      beforeMs: Math.round(test.beforeMs),
      nowMs: Math.round(test.nowMs),
      lostMs: Math.round(test.lostMs),
    }))
  const usual = (list: readonly UsualTime[]): UsualTime[] =>
    timed(list).map((test) => ({ ...test, usualMs: Math.round(test.usualMs) }))
  return {
    ...trends,
    machine: printable(trends.machine),
    regressed: slower(trends.regressed),
    suspect: slower(trends.suspect),
    overBudget: usual(trends.overBudget),
    spiked: usual(trends.spiked),
    flaky: named(trends.flaky),
    flakyBefore: named(trends.flakyBefore),
  }
}

function named<T extends { readonly file: string; readonly name?: string }>(list: readonly T[]): T[] {
  return list.map((entry) => ({
    ...entry,
    file: printable(entry.file),
    ...(entry.name === undefined ? {} : { name: printable(entry.name) }),
  }))
}

function timed<T extends { readonly file: string; readonly name?: string; readonly durationMs: number }>(
  list: readonly T[],
): T[] {
  return named(list).map((entry) => ({ ...entry, durationMs: Math.round(entry.durationMs) }))
}
