import type { CollectedTest, ErrorRecord, StackFrame, TestResult } from '../../core/events.ts'
import type { JUnitCase, JUnitFailure } from '../../core/ports.ts'
import path from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { cap, parseFrames } from '../errors.ts'
import { uniqueNames } from '../names.ts'

export interface Tests {
  readonly collected: readonly CollectedTest[]
  /** The verdicts; a test that has none was cut off in the report. */
  readonly results: readonly TestResult[]
}

/** The cases of a file's report as tests with unique names. */
export function testsOf(cases: readonly JUnitCase[], file: string): Tests {
  const unique = uniqueNames()
  const named = cases
    .filter((one) => !isFileOfNode(one, file))
    .map((one) => ({ one, name: unique(cap(nameOf(one, file))) }))
  return {
    collected: named.map(({ one, name }) => ({ name, line: one.line })),
    results: named.flatMap(({ one, name }) => (one.verdict === 'cut' ? [] : [result(one, one.verdict, name)])),
  }
}

/** node:test takes a file without tests, or without one of the name that was asked for, for a test that has passed. */
function isFileOfNode({ suite, classname, name, verdict }: JUnitCase, file: string): boolean {
  return (
    suite === '' &&
    classname === 'test' &&
    verdict === 'passed' &&
    (name === file || name.endsWith(path.resolve('/', file)))
  )
}

function result(one: JUnitCase, outcome: TestResult['outcome'], name: string): TestResult {
  const { durationMs, line, failures, earlier, note } = one
  // Earlier failures count as errors of a pass, and a flaky one it is.
  const errors = outcome === 'failed' ? failures : earlier
  return { name, outcome, durationMs, retries: earlier.length, line, errors: errors.map(toError), note }
}

function toError({ type, message, text }: JUnitFailure): ErrorRecord {
  const [plain, stack] = [message, text].map((one) => stripVTControlCharacters(one).trim())
  return {
    name: type || 'Error',
    message: cap(plain || (stack!.split('\n', 1)[0] ?? '') || 'it failed, and the report does not say why'),
    stack: stack === '' ? null : cap(stack!),
    diff: null,
    frames: framesOf(stack!),
  }
}

/**
 * The name of a test within its file. A class tells apart what is named alike, unless it only repeats the file's name
 * (pytest: `tests.test_a`, Go: the package) or is a part of the test's own name (mocha).
 *
 * @internal for tests
 */
export function nameOf(
  { suite, classname, name }: Pick<JUnitCase, 'suite' | 'classname' | 'name'>,
  file: string,
): string {
  // node:test joins the names of its suites by dots; before Node 24 it calls every class `test`, and still what is in no suite.
  const isNode = classname === 'test' ? path.parse(file).name !== 'test' : suite.replaceAll(' > ', '.') === classname
  const apart = withoutFile(isNode ? suite : classname, file)
  const isSaid = apart === '' || name === apart || name.startsWith(`${apart} `) || name.endsWith(` ${apart}`)
  return isSaid ? name : `${apart} > ${name}`
}

/** What a class's name says beside the file's: `tests.test_a.TestX` of tests/test_a.py is `TestX`. */
function withoutFile(group: string, file: string): string {
  const of = words(file.replace(/\.\w+$/, ''))
  const own = words(group)
  const same = (a: readonly string[], b: readonly string[]): boolean =>
    a.length > 0 && a.length === b.length && a.every((word, at) => word.toLowerCase() === b[at]!.toLowerCase())
  // What a discover command prints may be a class itself, and its last word no ending of a file.
  if ([of, words(file)].some((all) => same(all, own.slice(-all.length)))) return ''
  for (let from = 0; from < of.length; from++) {
    const tail = of.slice(from)
    if (same(tail, own.slice(0, tail.length))) return own.slice(tail.length).join('.')
  }
  return group
}

function words(text: string): string[] {
  return text.split(/[./\\]/).filter((word) => word !== '')
}

/** Longest part of a text in which frames are looked for, UTF-16 units. */
const SEARCHED = 64 * 1024

/**
 * The places that a failure names: of JavaScript, of Python (`File "a.py", line 3, in f`) and of pytest (`a.py:3: Error`),
 * whose innermost call comes last.
 */
function framesOf(text: string): StackFrame[] {
  const own = parseFrames(text)
  if (own.length > 0) return own
  const python = text
    .slice(-SEARCHED)
    .split('\n')
    .flatMap((line): StackFrame[] => {
      const match = /^\s*File "(.+?)", line (\d+)(?:, in (.+))?/.exec(line) ?? /^([^\s:]+\.py):(\d+): /.exec(line)
      return match ? [{ method: match[3] ?? '', file: match[1]!, line: Number(match[2]), column: 0 }] : []
    })
  return python.toReversed()
}
