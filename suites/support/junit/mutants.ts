import type { InputReport } from '../../../src/reports/merge/input.ts'

/** A report with every kind of element; it declares its totals: tests, failures, errors, skipped. */
export const SAMPLE_TOTALS = [7, 2, 1, 1] as const
export const SAMPLE = sample(true)
/** The same without declared totals: what is lost from it can be seen by its damage only. */
export const UNDECLARED = sample(false)

function sample(declared: boolean): Buffer {
  const totals = (tests: number, failures: number, errors: number, skipped: number): string =>
    declared ? ` tests="${tests}" failures="${failures}" errors="${errors}" skipped="${skipped}"` : ''
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<!-- made by hand -->
<testsuites name="all"${totals(...SAMPLE_TOTALS)}>
  <testsuite name="süße &amp; saure"${totals(5, 2, 0, 1)} time="1,234.5">
    <properties><property name="os" value="linux &lt;6&gt;"/></properties>
    <testcase name="one" classname="c" time="0.25"/>
    <testcase name="two" classname="c"><failure message="1 &#61;= 2" type='E'><![CDATA[at <a> && b]]></failure></testcase>
    <testcase name="three" classname="c"><skipped/></testcase>
    <testcase name="four" classname="c"><flakyFailure message="m"><stackTrace>s</stackTrace></flakyFailure></testcase>
    <testcase name="five" classname="c"><failure>a</failure><rerunFailure>b</rerunFailure><system-out>o</system-out></testcase>
    <system-err>done</system-err>
  </testsuite>
  <testsuite name="outer"><testsuite name="inner"${totals(2, 0, 1, 0)}>
    <testcase name="six" classname="d"><error message="x">€</error></testcase>
    <testcase name="seven" classname="d"></testcase>
  </testsuite></testsuite>
</testsuites>
`)
}

/** The report cut off after every byte. */
export function* truncations(report: Buffer): Generator<Buffer> {
  for (let length = 0; length < report.length; length++) yield report.subarray(0, length)
}

/** The report with one bit changed, for every byte of it. `bits`: which, from 0. */
export function* flips(report: Buffer, bits: readonly number[]): Generator<Buffer> {
  for (let at = 0; at < report.length; at++) {
    for (const bit of bits) {
      const copy = Buffer.from(report)
      copy[at] = copy[at]! ^ (1 << bit)
      yield copy
    }
  }
}

/** Inputs with their place in the order as label. */
export function numbered(inputs: Iterable<Buffer>): Record<string, Buffer> {
  return Object.fromEntries([...inputs].map((input, at) => [`report ${at}`, input]))
}

/** Whether a case, or a verdict other than a pass, went lost, and nothing says so. */
export function lostInSilence({ state, totals, differenceCount, unknownElements }: InputReport): boolean {
  const [tests, failures, errors, skipped] = SAMPLE_TOTALS
  const lost = totals.tests < tests || totals.failures < failures || totals.errors < errors || totals.skipped < skipped
  return lost && state === 'whole' && differenceCount === 0 && unknownElements.length === 0
}

/** How many cases are complete in a report that is cut after so many bytes. */
export function completeCases(report: Buffer, length: number): number {
  const ends = [
    ...report
      .subarray(0, length)
      .toString('latin1')
      .matchAll(/<testcase [^>]*\/>|<\/testcase>/g),
  ]
  return ends.length
}
