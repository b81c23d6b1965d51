import * as v from 'valibot'
import type { Duration } from './define.ts'
import { parseDuration } from './duration.ts'
import { LONGEST_MS } from './limits.ts'
import { nearest } from './nearest.ts'

/** The parts that schemas are made of. The message of an issue is what was expected, and after a line break a hint. */

/** A value that either fits or does not. */
export function leaf<T>(expected: string, fits: (input: unknown) => boolean, hint?: (input: unknown) => string | null) {
  return v.custom<T>(fits, (issue) => {
    const advice = hint?.(issue.input) ?? null
    return advice === null ? expected : `${expected}\n${advice}`
  })
}

export const durationForm = "a duration such as '90s', '15m' or '1h' (a number means milliseconds)"

/** A config's duration in ms; null when it is none. */
export function toMs(input: unknown): number | null {
  if (typeof input === 'number') return Number.isFinite(input) ? Math.round(input) : null
  return typeof input === 'string' ? parseDuration(input) : null
}

export function duration(leastMs: 0 | 1) {
  const expected = leastMs === 0 ? `${durationForm}, up to 24h` : `${durationForm}, more than 0 and up to 24h`
  return v.pipe(
    leaf<Duration>(
      expected,
      (input) => {
        const value = toMs(input)
        return value !== null && value >= leastMs && value <= LONGEST_MS
      },
      durationHint,
    ),
    v.transform((input) => toMs(input)!),
  )
}

export function durationHint(input: unknown): string | null {
  if (typeof input !== 'string') return null
  const number = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(input)
  if (!number) return null
  const [, count, unit] = number
  if (unit === '') return `write the unit: '${count}s' for seconds, '${count}m' for minutes`
  const short = { m: 'm', s: 's', h: 'h' }[unit!.toLowerCase()[0]!]
  return short && parseDuration(input) === null ? `the units are ms, s, m and h: '${count}${short}'` : null
}

export function integer(least: number, most: number) {
  return leaf<number>(
    `a whole number from ${least} to ${most}`,
    (input) => Number.isInteger(input) && (input as number) >= least && (input as number) <= most,
    (input) => (typeof input === 'string' && /^\d+$/.test(input.trim()) ? 'write it without quotes' : null),
  )
}

export function choice<const T extends string>(options: readonly T[]) {
  return leaf<T>(
    options.length === 1
      ? `'${options[0]}'`
      : options
          .map((option, at) => (at === options.length - 1 ? `or '${option}'` : `'${option}'`))
          .join(options.length > 2 ? ', ' : ' '),
    (input) => options.includes(input as T),
    (input) => didYouMean(input, options),
  )
}

export function didYouMean(input: unknown, options: readonly string[]): string | null {
  const near = typeof input === 'string' ? nearest(input, options) : null
  return near === null ? null : `did you mean '${near}'?`
}

/** Keys that JavaScript treats as special, and that valibot passes over in records. */
export const RESERVED_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])
