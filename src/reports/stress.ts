import { isTestFailure } from '../core/ending.ts'
import type { FileRecord, RunRecord } from '../core/record.ts'
import { column } from '../core/verdict.ts'

/** How often something was repeated, how often it failed, and what that says. */
export interface Rate {
  /** Repetitions that came to an end of their own: passed or failed. */
  readonly runs: number
  readonly failures: number
  /** failures / runs, 0 to 1. */
  readonly rate: number
  /** Bounds of the 95% confidence interval of the rate, 0 to 1. */
  readonly low: number
  readonly high: number
}

export interface FileRate extends Rate {
  readonly tier: string
  readonly file: string
  /** The tests that failed at least once, the worst first. */
  readonly tests: readonly (Rate & { readonly test: string })[]
}

export interface StressReport {
  readonly files: readonly FileRate[]
  /** All repetitions of all files. */
  readonly total: Rate
}

/** 97.5th percentile of the normal distribution: both tails of 2.5% are left out. */
const Z = 1.959964

/**
 * The rate with its Wilson score interval, which holds for few runs and for rates near 0 and 1, where the usual one is
 * [0, 0] after a run without a failure. https://doi.org/10.1080/01621459.1927.10502953
 */
export function wilson(failures: number, runs: number): Rate {
  if (runs === 0) return { runs, failures, rate: 0, low: 0, high: 1 }
  const rate = failures / runs
  const z2 = (Z * Z) / runs
  const middle = (rate + z2 / 2) / (1 + z2)
  const half = (Z / (1 + z2)) * Math.sqrt((rate * (1 - rate)) / runs + z2 / (4 * runs))
  const low = failures === 0 ? 0 : Math.max(0, middle - half)
  return { runs, failures, rate, low, high: failures === runs ? 1 : Math.min(1, middle + half) }
}

/** Failure rates of a stress run; null for any other run. */
export function stressReport(record: RunRecord): StressReport | null {
  const tiers = [...record.tiers.values()].filter(({ settings }) => settings.stress)
  if (tiers.length === 0) return null
  const files = tiers.flatMap(({ name, files }) => [...files.values()].map((file) => fileRate(name, file)))
  const sum = (of: (rate: Rate) => number): number => files.reduce((all, file) => all + of(file), 0)
  return {
    files,
    total: wilson(
      sum(({ failures }) => failures),
      sum(({ runs }) => runs),
    ),
  }
}

function fileRate(tier: string, file: FileRecord): FileRate {
  const ended = file.attempts.filter(({ ending }) => ending && (ending.kind === 'passed' || isTestFailure(ending)))
  const failed = ended.filter(({ ending }) => isTestFailure(ending!)).length
  const tests = new Map<string, { runs: number; failures: number }>()
  for (const attempt of ended) {
    for (const { name, outcome } of attempt.tests.values()) {
      const where = outcome === null ? 'notRun' : column(outcome)
      if (where !== 'passed' && where !== 'failed') continue
      const counts = tests.get(name) ?? { runs: 0, failures: 0 }
      tests.set(name, counts)
      counts.runs++
      if (where === 'failed') counts.failures++
    }
  }
  const bad = [...tests].filter(([, { failures }]) => failures > 0)
  return {
    tier,
    file: file.plan.id,
    ...wilson(failed, ended.length),
    tests: bad
      .map(([test, { failures, runs }]) => ({ test, ...wilson(failures, runs) }))
      .toSorted((a, b) => b.rate - a.rate),
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}

/** `3 of 200 failed: 1.5% (0.5% to 4.3%)` */
export function rateWords({ runs, failures, rate, low, high }: Rate): string {
  return `${failures} of ${runs} failed: ${percent(rate)} (${percent(low)} to ${percent(high)})`
}
