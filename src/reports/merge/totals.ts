/** How a case ended, as its elements say. A case is counted once: as a failure before an error before a skip. */
export type Verdict = 'passed' | 'failure' | 'error' | 'skipped'

export interface Totals {
  tests: number
  failures: number
  errors: number
  skipped: number
  /** The times of the cases together. */
  seconds: number
  /** Cases that stand for errors which a suite had without a case; part of `tests`. */
  added: number
}

export function noTotals(): Totals {
  return { tests: 0, failures: 0, errors: 0, skipped: 0, seconds: 0, added: 0 }
}

export function countCase(into: Totals, verdict: Verdict, seconds: number): void {
  into.tests++
  into.seconds += seconds
  if (verdict === 'failure') into.failures++
  else if (verdict === 'error') into.errors++
  else if (verdict === 'skipped') into.skipped++
}

export function addTotals(into: Totals, more: Totals): void {
  into.tests += more.tests
  into.failures += more.failures
  into.errors += more.errors
  into.skipped += more.skipped
  into.seconds += more.seconds
  into.added += more.added
}

/** What a suite says of itself; undefined where it says nothing. */
export interface Declared {
  readonly tests: number | undefined
  readonly failures: number | undefined
  readonly errors: number | undefined
  readonly skipped: number | undefined
  /** googletest counts its disabled tests apart from the skipped ones. */
  readonly disabled: number | undefined
}

export function declaredBy(get: (name: string) => string | undefined): Declared {
  const number = (name: string): number | undefined => {
    const text = get(name)?.trim()
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
  }
  return {
    tests: number('tests'),
    failures: number('failures'),
    errors: number('errors'),
    skipped: number('skipped'),
    disabled: number('disabled'),
  }
}

export interface Counted {
  readonly declared: Declared
  /** Of the suite's own cases, and together with those of the suites inside. */
  readonly own: Totals
  readonly all: Totals
  /** How many suites are directly inside. */
  readonly inner: number
}

/**
 * Whether what is there differs from what was declared. Some runners count what nested suites hold, some only the
 * suite's own cases, and node:test its cases and inner suites; some count errors as failures, and mocha's xunit failures
 * as errors. Any of these is right.
 */
export function differs({ declared, own, all, inner }: Counted): boolean {
  if (agrees(declared, all) || agrees(declared, own)) return false
  return inner === 0 || declared.tests !== own.tests + inner
}

function agrees(declared: Declared, counted: Totals): boolean {
  const { tests, failures, errors, skipped, disabled = 0 } = declared
  if (tests !== undefined && tests !== counted.tests && tests !== counted.tests - counted.added) return false
  const apart =
    (failures === undefined || failures === counted.failures) && (errors === undefined || errors === counted.errors)
  const together =
    (failures ?? 0) + (errors ?? 0) === counted.failures + counted.errors &&
    ((failures ?? 0) === 0 || (errors ?? 0) === 0)
  if (!apart && !together) return false
  return skipped === undefined || skipped === counted.skipped || skipped + disabled === counted.skipped
}

const PLAIN = /^\d{1,9}(?:\.\d{1,12})?$/

/**
 * Seconds as runners write them: `1.5`, `1e-3`, `1,234.5` (Surefire), `0,5` and `1.234,5` (of a comma locale). One comma
 * before three digits separates thousands, as Surefire means it.
 *
 * @returns null for anything else; a negative time, of a clock that was set back, is 0
 */
export function parseSeconds(text: string): number | null {
  if (PLAIN.test(text)) return Number(text)
  const plain = text.trim()
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(plain)) return finite(plain)
  if (/^\d{1,3}(?:,\d{3})+(?:\.\d*)?$/.test(plain)) return finite(plain.replaceAll(',', ''))
  if (/^\d{1,3}(?:\.\d{3})*,\d+$/.test(plain)) return finite(plain.replaceAll('.', '').replace(',', '.'))
  return /^\d+,\d+$/.test(plain) ? finite(plain.replace(',', '.')) : null
}

function finite(text: string): number | null {
  const number = Number(text)
  return Number.isFinite(number) && number < 1e9 ? Math.max(0, number) : null
}

/** A time as every reader takes it: as it was written, if that is plain. */
export function timeText(written: string, seconds: number): string {
  return PLAIN.test(written) ? written : secondsText(seconds)
}

/** Seconds to the microsecond, as a plain decimal. */
export function secondsText(seconds: number): string {
  const text = seconds.toFixed(6)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}
