/**
 * How the past of one file is packed. A history of 100,000 files holds two million samples: as two strings a file they
 * are read in a fraction of a second and unpacked only for the files that somebody asks for.
 */

/**
 * How a file did in one run: passed at once, passed after a failed attempt (`again`), failed, over its deadline, or its
 * process died. Attempts that infrastructure or the end of the run stopped are no samples: they say nothing of the file.
 */
export type SampleOutcome = 'passed' | 'again' | 'failed' | 'timed-out' | 'crashed'

export interface Sample {
  /** The `n` of its run. */
  readonly run: number
  readonly outcome: SampleOutcome
  /** Duration of the deciding attempt, whole ms. */
  readonly ms: number
}

const LETTERS: Record<SampleOutcome, string> = { passed: 'P', again: 'A', failed: 'F', 'timed-out': 'T', crashed: 'C' }
const OUTCOMES = new Map(Object.entries(LETTERS).map(([outcome, letter]) => [letter, outcome as SampleOutcome]))

/** "3P1a4 5F2c": run and ms to base 36, which has no capital letters, with the outcome's capital between them. */
export function packSamples(samples: readonly Sample[]): string {
  return samples.map(({ run, outcome, ms }) => run.toString(36) + LETTERS[outcome] + ms.toString(36)).join(' ')
}

/** What does not read as a sample is left out. */
export function unpackSamples(packed: string): Sample[] {
  return packed === '' ? [] : packed.split(' ').flatMap((text) => unpackSample(text) ?? [])
}

function unpackSample(text: string): Sample | null {
  const at = text.search(/[A-Z]/)
  const outcome = OUTCOMES.get(text.charAt(at))
  const run = Number.parseInt(text.slice(0, at), 36)
  const ms = Number.parseInt(text.slice(at + 1), 36)
  return outcome === undefined || Number.isNaN(run) || Number.isNaN(ms) ? null : { run, outcome, ms }
}

/** The run of the oldest sample, without unpacking the others; null when there is none. */
export function oldestRun(packed: string): number | null {
  const run = Number.parseInt(packed.slice(0, packed.search(/[A-Z]/)), 36)
  return Number.isNaN(run) ? null : run
}

/**
 * Of the passing samples, how many there are and how long the last `count` took, ms. Planning asks this of every file,
 * so it does not unpack the rest.
 */
export function passingSamples(packed: string, count: number): { readonly total: number; readonly lastMs: number[] } {
  const places: number[] = []
  for (let i = 0; i < packed.length; i++) {
    const code = packed.charCodeAt(i)
    if (code === PASSED || code === AGAIN) places.push(i)
  }
  const lastMs = places.slice(-count).map((place) => Number.parseInt(packed.slice(place + 1, place + 12), 36))
  return { total: places.length, lastMs: lastMs.filter((ms) => !Number.isNaN(ms)) }
}

const PASSED = LETTERS.passed.charCodeAt(0)
const AGAIN = LETTERS.again.charCodeAt(0)

/**
 * How a file's tests did: one place a sample of the file, in its order. A duration (ms to base 36) where the test passed
 * at the first try; {@link FAILED} where it did not pass; {@link PASSED_AGAIN} where it failed first and passed in the
 * end; '' where it was not there or did not end. They stay text: merging a run moves millions of them.
 */
export type TestColumns = Map<string, string[]>

/** "name|a,,c|other|b": durations without the empty places at the end; tests without any are left out. */
export function packTests(tests: TestColumns): string {
  const parts: string[] = []
  for (const [name, column] of tests) {
    const used = column.findLastIndex((place) => place !== '') + 1
    if (used > 0) parts.push(escape(name), column.slice(0, used).join(','))
  }
  return parts.join('|')
}

/** @param length how many samples the file has: every column gets as many places */
export function unpackTests(packed: string, length: number): TestColumns {
  const tests: TestColumns = new Map()
  if (packed === '') return tests
  const parts = packed.split('|')
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const column = parts[i + 1]!.split(',').slice(0, length)
    while (column.length < length) column.push('')
    tests.set(unescape(parts[i]!), column)
  }
  return tests
}

export function packMs(ms: number): string {
  return ms.toString(36)
}

/** A place of a test that failed; capital letters are no durations. */
export const FAILED = 'F'

/** A place of a test that failed and then passed, within one run. */
export const PASSED_AGAIN = 'A'

/** The duration that a place holds, ms; null when it holds none. */
export function durationOf(place: string): number | null {
  if (place === '' || place === FAILED || place === PASSED_AGAIN) return null
  const ms = Number.parseInt(place, 36)
  return Number.isNaN(ms) ? null : ms
}

/** The durations of a column, ms: those of passes at the first try. */
export function durationsOf(column: readonly string[]): number[] {
  return column.flatMap((place) => durationOf(place) ?? [])
}

/** So that a name can stand between bars. */
export function escape(name: string): string {
  return /[%|]/.test(name) ? name.replaceAll('%', '%25').replaceAll('|', '%7C') : name
}

export function unescape(text: string): string {
  return text.includes('%') ? text.replaceAll('%7C', '|').replaceAll('%25', '%') : text
}
