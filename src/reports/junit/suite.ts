import commonjs from 'junit-report-builder'
import type { Case, Problem } from './cases.ts'
import { clean, cleanOutput, forCdata, isoTime } from './text.ts'

/** One `<testsuite>`: a file with its cases. */
export interface Suite {
  readonly name: string
  /** Of every case; with their names unique it makes each case findable. */
  readonly classname: string
  readonly path: string | null
  /** Start, ms since 1970; null when it never started. */
  readonly startedAt: number | null
  readonly durationMs: number
  readonly properties: readonly (readonly [name: string, value: string])[]
  readonly cases: readonly Case[]
  readonly stdout: string
  readonly stderr: string
}

export interface Totals {
  tests: number
  failures: number
  errors: number
  skipped: number
}

// The package declares an ES default export and ships `module.exports = builder`: Node gives us the builder itself.
const library = commonjs as unknown as typeof commonjs.default
type Builder = typeof library
type Element = ReturnType<ReturnType<Builder['testSuite']>['build']>

/** Cases a builder holds at once: its time and memory grow faster than their number (2.1 GB for a million in one). */
const CASES_A_BUILDER = 1000

/** The totals that a suite declares. */
export function totalsOf(cases: readonly Case[]): Totals {
  const totals = { tests: cases.length, failures: 0, errors: 0, skipped: 0 }
  for (const { skipped, problems } of cases) {
    if (skipped !== null) totals.skipped++
    else if (problems.some(({ element }) => element === 'failure')) totals.failures++
    else if (problems.some(({ element }) => element === 'error')) totals.errors++
  }
  return totals
}

/**
 * A suite as XML, in pieces that belong one after the other. The builder writes what it can say; attributes and
 * elements that it does not know (line, flaky and rerun elements, the reason of a skip, a suite's output, totals over
 * several builders) are added to the elements that it returns, so that one writer does all of the escaping.
 */
export function* suiteXml(suite: Suite): Generator<string> {
  const { cases } = suite
  for (let from = 0; from === 0 || from < cases.length; from += CASES_A_BUILDER) {
    const to = from + CASES_A_BUILDER
    const first = from === 0
    const last = to >= cases.length
    const builder = library.newBuilder()
    const root = first ? head(builder, suite) : builder.testSuite().build()
    for (const one of cases.slice(from, to)) addCase(builder, root, suite, one)
    if (last) addOutput(root, suite)
    yield part(root.end({ pretty: true }), first, last)
  }
}

function head(builder: Builder, suite: Suite): Element {
  const node = builder.testSuite().name(clean(suite.name)).time(seconds(suite.durationMs))
  const timestamp = isoTime(suite.startedAt)
  if (timestamp !== null) node.timestamp(timestamp)
  for (const [name, value] of suite.properties) node.property(clean(name), clean(value))
  const root = node.build()
  if (suite.path !== null) root.att('file', clean(suite.path))
  for (const [name, count] of Object.entries(totalsOf(suite.cases))) root.att(name, count)
  return root
}

function addCase(builder: Builder, root: Element, suite: Suite, one: Case): void {
  const node = builder.testCase().name(one.name).className(suite.classname).time(seconds(one.durationMs))
  if (suite.path !== null) node.file(clean(suite.path))
  const [first] = one.problems
  if (first?.element === 'failure') {
    node.failure(cleanOutput(first.message), clean(first.type)).stacktrace(forCdata(first.text))
  } else if (first?.element === 'error') {
    node.error(cleanOutput(first.message), clean(first.type), forCdata(first.text))
  }
  const element = node.build(root)
  if (one.line !== null) element.att('line', one.line)
  for (const problem of one.problems) addRetry(element, problem)
  if (one.skipped !== null) element.ele('skipped', one.skipped === '' ? {} : { message: cleanOutput(one.skipped) })
}

/** As the schema of Surefire wants it: the text in an element of its own. */
function addRetry(element: Element, { element: tag, type, message, text }: Problem): void {
  if (tag === 'failure' || tag === 'error') return
  const retry = element.ele(tag, { message: cleanOutput(message), type: clean(type) })
  retry.ele('stackTrace').cdata(forCdata(text))
}

function addOutput(root: Element, { stdout, stderr }: Suite): void {
  if (stdout !== '') root.ele('system-out').cdata(forCdata(stdout))
  if (stderr !== '') root.ele('system-err').cdata(forCdata(stderr))
}

/**
 * What a document gives to the report: no declaration; the opening tag of the first and the closing tag of the last.
 * The opening tag of the others holds four numbers and nothing else, so its end is the first `>`.
 */
function part(xml: string, first: boolean, last: boolean): string {
  const open = xml.indexOf('<testsuite')
  const from = first ? open : xml.indexOf('>', open) + '>\n'.length
  const to = last ? xml.length : xml.lastIndexOf('</testsuite>')
  return `${xml.slice(from, to).trimEnd()}\n`
}

/** Seconds to the microsecond, never in a form that is not a plain decimal number. */
export function seconds(ms: number): number {
  return Number.isFinite(ms) && ms > 0 ? Number((ms / 1000).toFixed(6)) : 0
}
