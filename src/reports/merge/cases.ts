import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { JUnitCase, JUnitFailure, JUnitReading, ReadJUnit } from '../../core/ports.ts'
import { XmlDecoder } from './decode.ts'
import { CUT_CASE } from './flatten.ts'
import type { Difference, InputReport } from './input.ts'
import { normalise } from './merge.ts'
import type { Attributes } from './tag.ts'
import { parseSeconds } from './totals.ts'
import { XmlReader, type XmlHandler } from './xml.ts'

/**
 * The cases of a JUnit report of any dialect. It is made plain first, by the same code that merges reports, so that what is
 * known of the dialects is in one place.
 */
export const readJUnit: ReadJUnit = async (file, scratch) => {
  const input = { label: '', from: { kind: 'file', path: file }, foreignAllowed: false } as const
  const read = await normalise(input, scratch)
  try {
    return { ...verdictOn(read), cases: await casesOf(scratch) }
  } finally {
    await rm(scratch, { force: true })
  }
}

function verdictOn({ state, problems, differences }: InputReport): Omit<JUnitReading, 'cases'> {
  const [first] = problems
  const problem = first ? `${first.line > 0 ? `line ${first.line}: ` : ''}${first.message}` : null
  return { state: state === 'ignored' ? 'partial' : state, problem, differences: differences.map(inWords) }
}

function inWords({ suite, declared, counted }: Difference): string {
  const kinds = ['tests', 'failures', 'errors', 'skipped'] as const
  const said = kinds.flatMap((kind) => (declared[kind] === undefined ? [] : [`${declared[kind]} ${kind}`]))
  const held = kinds.flatMap((kind) => (declared[kind] === undefined ? [] : [`${counted[kind]} ${kind}`]))
  return `${suite === '' ? 'the report' : `suite "${suite}"`} declares ${said.join(', ')} and holds ${held.join(', ')}`
}

async function casesOf(file: string): Promise<JUnitCase[]> {
  const cases = new CaseReader()
  const reader = new XmlReader(cases)
  const decoder = new XmlDecoder(() => {})
  for await (const bytes of createReadStream(file) as AsyncIterable<Buffer>) reader.write(decoder.write(bytes))
  reader.write(decoder.end())
  reader.end()
  return cases.found
}

type Open<T> = { -readonly [K in keyof T]: T[K] }
interface OpenCase extends Open<Omit<JUnitCase, 'failures' | 'earlier'>> {
  failures: JUnitFailure[]
  earlier: JUnitFailure[]
}

/** Takes the plain form: testsuites, testsuite, testcase, and what is in a case. */
class CaseReader implements XmlHandler {
  readonly found: JUnitCase[] = []
  #suite = ''
  #case: OpenCase | null = null
  /** Elements that are open in the case, and the text of the outermost one. */
  #depth = 0
  #text = ''
  #element: { readonly name: string; readonly type: string; readonly message: string } | null = null

  endsBefore(): number {
    return 0
  }

  open(name: string, attributes: Attributes): void {
    const get = (key: string): string => attributes.get(key) ?? ''
    if (this.#case !== null) {
      if (this.#depth++ > 0) return
      this.#element = { name, type: get('type'), message: get('message') }
      this.#text = ''
    } else if (name === 'testsuite') {
      this.#suite = get('name')
    } else if (name === 'testcase') {
      const line = Number(get('line') || Number.NaN)
      this.#case = {
        suite: this.#suite,
        classname: get('classname'),
        name: get('name'),
        verdict: 'passed',
        durationMs: (parseSeconds(get('time')) ?? 0) * 1000,
        line: Number.isInteger(line) ? line : null,
        failures: [],
        earlier: [],
        note: null,
      }
    }
  }

  text(text: string): void {
    if (this.#element !== null && CONTENT.has(this.#element.name)) this.#text += text
  }

  close(): void {
    if (this.#case === null) return
    if (this.#element === null) {
      this.found.push(this.#case)
      this.#case = null
      return
    }
    if (--this.#depth > 0) return
    take(this.#case, this.#element, this.#text)
    this.#element = null
  }

  damage(): void {
    // It was written by this room.
  }
}

const NOW = new Set(['failure', 'error'])
const EARLIER = new Set(['flakyFailure', 'flakyError', 'rerunFailure', 'rerunError'])
/** Elements whose text is of use; the output of cases is that of the command. */
const CONTENT = new Set([...NOW, ...EARLIER, 'skipped'])

function take(into: OpenCase, { name, type, message }: { name: string; type: string; message: string }, text: string) {
  if (NOW.has(name)) {
    const isCut = type === CUT_CASE.type && message === CUT_CASE.message
    into.verdict = isCut ? 'cut' : 'failed'
    if (!isCut) into.failures.push({ type, message, text: text.trim() })
  } else if (EARLIER.has(name)) {
    into.earlier.push({ type, message, text: text.trim() })
  } else if (name === 'skipped' && into.verdict === 'passed') {
    into.verdict = 'skipped'
    into.note = message || text.trim() || null
  }
}
