import { differs, type Counted, type Declared, type Totals } from './totals.ts'

/** What is listed of each kind for one input; the rest is only counted. */
const LISTED = 20

/** What became of one input. */
export type InputState =
  /** Every byte was understood. */
  | 'whole'
  /** It is damaged, or holds what does not belong there: what could be recovered is in the report. */
  | 'partial'
  /** It could not be read, or nothing is there. */
  | 'missing'
  /** Well-formed, but no JUnit: found in a folder, and left alone. */
  | 'ignored'

export interface Difference {
  readonly suite: string
  readonly declared: Declared
  readonly counted: Totals
}

/** What was found in one input. The totals are its own: without the case that marks it as partial or missing. */
export interface InputReport {
  readonly path: string
  readonly state: InputState
  readonly totals: Totals
  readonly suites: number
  /** Of all that is wrong with it the first ones, in order; `line` counts from 1, 0 when it has none. */
  readonly problems: readonly { readonly line: number; readonly message: string }[]
  readonly problemCount: number
  /** Suites that hold other totals than they declare, the first ones. */
  readonly differences: readonly Difference[]
  readonly differenceCount: number
  /** Characters that XML cannot hold, replaced by U+FFFD. */
  readonly replacedCharacters: number
  /** Texts that were cut in the middle because readers refuse longer ones. */
  readonly cutTexts: number
  /** Cases that got a number, because another one has the same name and class. */
  readonly renamed: number
  /** Times that are no number. */
  readonly wrongTimes: number
  /** Elements inside of cases that are not known; they are kept. */
  readonly unknownElements: readonly string[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Collects what is found in one input. */
export class InputNotes {
  readonly problems: { line: number; message: string }[] = []
  problemCount = 0
  readonly differences: Difference[] = []
  differenceCount = 0
  readonly counts: Mutable<Pick<InputReport, 'cutTexts' | 'renamed' | 'wrongTimes'>> = {
    cutTexts: 0,
    renamed: 0,
    wrongTimes: 0,
  }
  readonly unknownElements = new Set<string>()

  problem(message: string, line: number): void {
    this.problemCount++
    if (this.problems.length < LISTED) this.problems.push({ line, message: message.slice(0, 500) })
  }

  compare(suite: string, counted: Counted): void {
    if (!differs(counted)) return
    const { declared, all } = counted
    this.differenceCount++
    if (this.differences.length < LISTED)
      this.differences.push({ suite: suite.slice(0, 500), declared, counted: { ...all } })
  }

  unknown(element: string): void {
    if (this.unknownElements.size < LISTED) this.unknownElements.add(element.slice(0, 100))
  }
}
