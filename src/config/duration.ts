const FORM = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/**
 * `'500ms'`, `'90s'`, `'15m'`, `'1.5h'` in milliseconds; null when the text is none of these. A bare number is refused:
 * in a text nobody can see whether it means seconds or milliseconds. (The package `ms` takes bare numbers and years, and
 * would cost `tiershard --help` a tenth of its time.)
 */
export function parseDuration(text: string): number | null {
  const [, count, unit] = FORM.exec(text.trim()) ?? []
  return count === undefined || unit === undefined ? null : Math.round(Number(count) * UNIT_MS[unit]!)
}
