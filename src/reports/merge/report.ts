import path from 'node:path'
import { escapeValue } from './escape.ts'
import { UniqueNames } from './names.ts'
import { Part } from './part.ts'
import { addTotals, countCase, noTotals, secondsText, type Totals, type Verdict } from './totals.ts'

const SUITE_END = '</testsuite>\n'
const END = '</testsuites>\n'
/** Totals stand in an opening tag before they are known: room for them, filled with spaces. */
const TOTALS_WIDTH = totalsText({
  tests: 1e9,
  failures: 1e9,
  errors: 1e9,
  skipped: 1e9,
  seconds: 123_456_789.123_456,
  added: 0,
}).length
const NO_TOTALS_YET = ' '.repeat(TOTALS_WIDTH)

/** A `<testsuite>` that is open in the current part. */
interface OpenSuite {
  readonly name: string
  readonly attributes: string
  /** Where its totals go. */
  readonly totalsAt: number
  /** Of what it holds in this part. */
  readonly totals: Totals
  readonly openAt: number
  readonly bodyAt: number
  /** Whether a part of it is in the part before. */
  readonly continued: boolean
}

/** The merged report: suites one after the other, in one file or in several of a limited size. */
export class MergedReport {
  readonly totals: Totals = noTotals()
  suites = 0
  /** Parts over the limit, because one case alone is over it. */
  oversized = 0
  private readonly file: string
  private readonly limit: number
  private readonly names: UniqueNames
  private readonly parts: Part[] = []
  private part: Part
  private partTotals: Totals = noTotals()
  private rootTotalsAt = 0
  /** Where the first suite of the part begins. */
  private partBodyAt = 0
  private suite: OpenSuite | null = null
  private unitAt = 0

  /**
   * @param limit bytes of one file; Infinity for one file of any size
   * @param names gives the suites theirs
   */
  constructor(file: string, limit: number, names = new UniqueNames()) {
    this.names = names
    this.file = file
    this.limit = limit
    this.part = this.openPart()
  }

  /** @param attributes as they are written, with a space before each; without name and totals */
  openSuite(name: string, attributes: string): void {
    this.open(this.names.unique('', name), attributes, false)
  }

  /** @param seconds what the suite says of its time; null for the time of its cases */
  closeSuite(seconds: number | null): void {
    if (this.suite === null) return
    const { totals, totalsAt, continued } = this.suite
    this.part.write(SUITE_END)
    this.patch(totalsAt, seconds === null || continued ? totals : { ...totals, seconds })
    addTotals(this.partTotals, totals)
    addTotals(this.totals, totals)
    this.suite = null
  }

  /** Begins what must not be torn apart: a case, or an element of the suite. */
  beginUnit(): void {
    this.unitAt = this.part.size
  }

  write(text: string): void {
    this.part.write(text)
  }

  /** @param verdict null when the unit is no case */
  endUnit(verdict: Verdict | null, seconds: number): void {
    this.part.write('\n')
    const { suite } = this
    if (suite === null) return
    if (this.part.size + SUITE_END.length + END.length > this.limit) this.moveUnit(suite)
    if (verdict !== null) countCase(this.suite!.totals, verdict, seconds)
  }

  /** Completes every part, then makes all of them appear. Returns their names. */
  finish(): string[] {
    this.closeSuite(null)
    this.closePart()
    for (const part of this.parts) part.publish()
    return this.parts.map(({ file }) => file)
  }

  /** Leaves nothing behind. */
  discard(): void {
    for (const part of this.parts) part.discard()
  }

  private open(name: string, attributes: string, continued: boolean): void {
    const tag = `<testsuite name="${escapeValue(name)}"${attributes}`
    const size = Buffer.byteLength(tag) + TOTALS_WIDTH + SUITE_END.length + END.length + '>\n'.length
    if (this.part.size > this.partBodyAt && this.part.size + size > this.limit) this.nextPart()
    const openAt = this.part.size
    this.part.write(tag)
    const totalsAt = this.part.size
    this.part.write(`${NO_TOTALS_YET}>\n`)
    this.suite = { name, attributes, openAt, totalsAt, bodyAt: this.part.size, totals: noTotals(), continued }
    this.suites++
  }

  /** The unit at the end is too much for the part: it goes to the next one, with its suite if it is the first of it. */
  private moveUnit(suite: OpenSuite): void {
    const first = this.unitAt === suite.bodyAt
    if (first && suite.openAt === this.partBodyAt) {
      this.oversized++
      return
    }
    const bytes = this.part.take(this.unitAt)
    if (first) {
      this.part.take(suite.openAt)
      this.suite = null
      this.suites--
      this.nextPart()
      this.open(suite.name, suite.attributes, suite.continued)
    } else {
      this.closeSuite(null)
      this.nextPart()
      this.open(this.names.unique('', suite.name), suite.attributes, true)
    }
    this.unitAt = this.part.size
    this.part.append(bytes)
    if (this.part.size + SUITE_END.length + END.length > this.limit) this.oversized++
  }

  private nextPart(): void {
    this.closePart()
    this.part = this.openPart()
  }

  private openPart(): Part {
    const { dir, name, ext } = path.parse(this.file)
    const number = this.parts.length + 1
    const part = new Part(number === 1 ? this.file : path.join(dir, `${name}-${number}${ext}`))
    this.parts.push(part)
    part.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="tiershard merge"')
    this.rootTotalsAt = part.size
    part.write(`${NO_TOTALS_YET}>\n`)
    this.partBodyAt = part.size
    this.partTotals = noTotals()
    return part
  }

  private closePart(): void {
    this.part.write(END)
    this.patch(this.rootTotalsAt, this.partTotals)
    this.part.close()
  }

  private patch(position: number, totals: Totals): void {
    this.part.patch(position, totalsText(totals).padEnd(TOTALS_WIDTH))
  }
}

function totalsText({ tests, failures, errors, skipped, seconds }: Totals): string {
  const counts = `tests="${tests}" failures="${failures}" errors="${errors}" skipped="${skipped}"`
  return ` ${counts} time="${secondsText(seconds)}"`
}
