import { escape, packName, unescape, unpackName } from './names.ts'
import { endOfNumber, packNumber, readNumber } from './numbers.ts'

/**
 * How the past of one file is packed. A history of 100,000 files holds millions of samples: as two strings a file they
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

const MARKS: Record<SampleOutcome, string> = { passed: '', again: '?', failed: '!', 'timed-out': '^', crashed: '#' }
const OUTCOMES = new Map(Object.entries(MARKS).map(([outcome, mark]) => [mark, outcome as SampleOutcome]))

/** One to four runs that are passed over, as in a matrix whose other slices lie between; no digit of a number. */
const SHORT_STEPS = 'wxyz'

/**
 * One after the other: how far the run lies behind the one after that of the sample before ({@link SHORT_STEPS}, or `>`
 * and `<` with a number), a mark for the outcome, and the ms. What is usual takes nothing: the next run, and a pass.
 */
export function packSamples(samples: readonly Sample[]): string {
  let next = 1
  return samples
    .map(({ run, outcome, ms }) => {
      const step = run - next
      next = run + 1
      return packStep(step) + MARKS[outcome] + packNumber(ms)
    })
    .join('')
}

function packStep(step: number): string {
  if (step >= 0 && step <= SHORT_STEPS.length) return SHORT_STEPS.charAt(step - 1)
  return (step > 0 ? '>' : '<') + packNumber(Math.abs(step))
}

/** What does not read as a sample is left out. */
export function unpackSamples(packed: string): Sample[] {
  const samples: Sample[] = []
  eachSample(packed, (run, outcome, ms) => void samples.push({ run, outcome, ms }))
  return samples
}

/** The run of the oldest sample, without unpacking the others; null when there is none. */
export function oldestRun(packed: string): number | null {
  let oldest: number | null = null
  eachSample(packed, (run) => {
    oldest = run
    return 'enough'
  })
  return oldest
}

/**
 * Of the passing samples, how many there are and how long the last `count` took, ms. Planning asks this of every file,
 * so it makes nothing of the rest.
 */
export function passingSamples(packed: string, count: number): { readonly total: number; readonly lastMs: number[] } {
  const ms: number[] = []
  eachSample(packed, (_, outcome, took) => void ((outcome === 'passed' || outcome === 'again') && ms.push(took)))
  return { total: ms.length, lastMs: ms.slice(-count) }
}

/** @param see returns `enough` when no more samples are wanted */
function eachSample(packed: string, see: (run: number, outcome: SampleOutcome, ms: number) => 'enough' | void): void {
  let run = 1
  let outcome: SampleOutcome = 'passed'
  for (let at = 0; at < packed.length;) {
    const char = packed.charAt(at)
    const isStep = char === '>' || char === '<'
    const from = isStep ? at + 1 : at
    const to = endOfNumber(packed, from)
    if (isStep && to !== -1) {
      const step = readNumber(packed, from, to)
      run += char === '>' ? step : -step
      at = to
    } else if (to !== -1) {
      if (see(run, outcome, readNumber(packed, from, to)) === 'enough') return
      run++
      outcome = 'passed'
      at = to
    } else {
      run += SHORT_STEPS.indexOf(char) + 1
      outcome = OUTCOMES.get(char) ?? outcome
      at++
    }
  }
}

/**
 * How a file's tests did: one place a sample of the file, in its order. A duration where the test passed
 * at the first try; {@link FAILED} where it did not pass; {@link PASSED_AGAIN} where it failed first and passed in the
 * end; '' where it was not there or did not end. They stay text: merging a run moves millions of them.
 */
export type TestColumns = Map<string, string[]>

/** A place of a test that failed. */
export const FAILED = '!'

/** A place of a test that failed and then passed, within one run. */
export const PASSED_AGAIN = '?'

/** In a packed column, a place that is empty. */
const EMPTY = ','

/** "name|places|name|places": without the empty places at the end; tests without any other are left out. */
export function packTests(tests: TestColumns): string {
  const parts: string[] = []
  let before = ''
  for (const [name, column] of tests) {
    const used = column.findLastIndex((place) => place !== '') + 1
    if (used === 0) continue
    const places = column.slice(0, used).map((place) => place || EMPTY)
    parts.push(escape(packName(name, before)), places.join(''))
    before = name
  }
  return parts.join('|')
}

/** @param length how many samples the file has: every column gets as many places */
export function unpackTests(packed: string, length: number): TestColumns {
  const tests: TestColumns = new Map()
  if (packed === '') return tests
  const parts = packed.split('|')
  let name = ''
  for (let i = 0; i + 1 < parts.length; i += 2) {
    name = unpackName(unescape(parts[i]!), name)
    tests.set(name, placesOf(parts[i + 1]!, length))
  }
  return tests
}

/** What does not read as a place is left out. */
function placesOf(packed: string, length: number): string[] {
  const places: string[] = []
  for (let at = 0; at < packed.length && places.length < length;) {
    const char = packed.charAt(at)
    const to = endOfNumber(packed, at)
    if (to !== -1) places.push(packed.slice(at, to))
    else if (char === EMPTY) places.push('')
    else if (char === FAILED || char === PASSED_AGAIN) places.push(char)
    at = to === -1 ? at + 1 : to
  }
  while (places.length < length) places.push('')
  return places
}

/** A place of a test that passed at the first try. @param ms whole */
export function packMs(ms: number): string {
  return packNumber(ms)
}

/** The duration that a place holds, ms; null when it holds none. */
export function durationOf(place: string): number | null {
  const to = endOfNumber(place, 0)
  return to === -1 ? null : readNumber(place, 0, to)
}

/** The durations of a column, ms: those of passes at the first try. */
export function durationsOf(column: readonly string[]): number[] {
  return column.flatMap((place) => durationOf(place) ?? [])
}
