import { median, quantile } from '../core/quantile.ts'

/**
 * When a test counts as slower than it was. The rule and its rates are in docs/statistics.md, made by
 * `node bench/statistics.ts`: single slow runs say nothing on a busy machine, five in a row do.
 */

/** Earlier samples that are compared with, at most and at least. */
export const BASELINE = 20
const BASELINE_NEEDED = 10

/** So many last samples must all be slow. */
const REGRESSED_AFTER = 5
const SUSPECT_AFTER = 3

/** What is less than this matters to nobody, whatever its odds. */
const FACTOR = 1.25
const LEAST_MS = 50

export type Trend =
  /** Slower in each of the last five runs. */
  | { readonly kind: 'regressed'; readonly beforeMs: number; readonly nowMs: number }
  /** Slower in each of the last three: worth a look, and never a reason to fail anything. */
  | { readonly kind: 'suspect'; readonly beforeMs: number; readonly nowMs: number }
  | { readonly kind: 'steady' }
  /** Fewer samples than a judgement takes. */
  | { readonly kind: 'unknown' }

/** @param ms the test's passes at the first try on one class of machine, divided by the pace of their runs; newest last */
export function trendOf(ms: readonly number[]): Trend {
  if (ms.length < BASELINE_NEEDED + SUSPECT_AFTER) return { kind: 'unknown' }
  const regressed = slower(ms, REGRESSED_AFTER)
  if (regressed) return { kind: 'regressed', ...regressed }
  const suspect = slower(ms, SUSPECT_AFTER)
  return suspect ? { kind: 'suspect', ...suspect } : { kind: 'steady' }
}

function slower(ms: readonly number[], count: number): { readonly beforeMs: number; readonly nowMs: number } | null {
  const before = ms
    .slice(0, -count)
    .slice(-BASELINE)
    .sort((a, b) => a - b)
  if (before.length < BASELINE_NEEDED) return null
  const last = ms.slice(-count)
  const upper = quantile(before, 0.9)
  const beforeMs = median(before)
  const nowMs = median(last)
  const isSlower = last.every((one) => one > upper) && nowMs > FACTOR * beforeMs && nowMs - beforeMs > LEAST_MS
  return isSlower ? { beforeMs, nowMs } : null
}
