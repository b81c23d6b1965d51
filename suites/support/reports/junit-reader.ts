import { SaxesParser } from 'saxes'

/** A JUnit report as a strict reader sees it, to hold against what was written. */
export interface ReadReport {
  readonly attributes: Readonly<Record<string, string>>
  readonly suites: readonly ReadSuite[]
}

export interface ReadSuite extends ReadElement {
  readonly properties: Readonly<Record<string, string>>
  readonly cases: readonly ReadCase[]
  /** system-out and system-err of the suite itself. */
  readonly outputs: readonly ReadElement[]
}

export interface ReadCase extends ReadElement {
  readonly children: readonly ReadElement[]
}

export interface ReadElement {
  readonly tag: string
  readonly attributes: Readonly<Record<string, string>>
  /** All text inside, that of inner elements included. */
  readonly text: string
}

interface Node {
  readonly tag: string
  readonly attributes: Record<string, string>
  text: string
  readonly children: Node[]
}

/** Reads a report in pieces; throws at the first thing that is not well-formed. */
export function readJUnit(pieces: Iterable<string>): ReadReport {
  const parser = new SaxesParser({ xmlns: false })
  const stack: Node[] = [{ tag: '', attributes: {}, text: '', children: [] }]
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name, attributes }) => {
    const node: Node = { tag: name, attributes, text: '', children: [] }
    stack.at(-1)!.children.push(node)
    stack.push(node)
  })
  const text = (part: string): void => void (stack.at(-1)!.text += part)
  parser.on('text', text)
  parser.on('cdata', text)
  parser.on('closetag', () => void stack.pop())
  for (const piece of pieces) parser.write(piece)
  parser.close()
  const [root] = stack[0]!.children
  if (root?.tag !== 'testsuites') throw new Error(`the root is <${root?.tag}>`)
  return { attributes: root.attributes, suites: root.children.map(suiteOf) }
}

function suiteOf(node: Node): ReadSuite {
  const of = (tag: string): Node[] => node.children.filter((child) => child.tag === tag)
  const properties = of('properties').flatMap((list) => list.children)
  return {
    ...elementOf(node),
    properties: Object.fromEntries(properties.map(({ attributes }) => [attributes['name']!, attributes['value']!])),
    cases: of('testcase').map((child) => ({ ...elementOf(child), children: child.children.map(elementOf) })),
    outputs: [...of('system-out'), ...of('system-err')].map(elementOf),
  }
}

function elementOf(node: Node): ReadElement {
  const inner = node.children.map((child) => elementOf(child).text).join('')
  return { tag: node.tag, attributes: node.attributes, text: node.children.length === 0 ? node.text : inner }
}

/** What a reader of the XML counts, in the words of `Counts`: by the elements, not by the declared totals. */
export function recount(report: ReadReport): {
  passed: number
  failed: number
  skipped: number
  notRun: number
  flaky: number
} {
  const counts = { passed: 0, failed: 0, skipped: 0, notRun: 0, flaky: 0 }
  for (const { children } of report.suites.flatMap((suite) => suite.cases)) {
    const tags = children.map(({ tag }) => tag)
    const error = children.find(({ tag }) => tag === 'error')
    if (tags.some((tag) => tag.startsWith('flaky'))) counts.flaky++
    if (tags.includes('skipped')) counts.skipped++
    else if (tags.includes('failure')) counts.failed++
    else if (error) counts[FAILED_TYPES.has(error.attributes['type'] ?? '') ? 'failed' : 'notRun']++
    else counts.passed++
  }
  return counts
}

/** Types of `<error>` that are the tests' own fault; all others mean that there is no result. */
const FAILED_TYPES = new Set(['timed-out', 'crashed', 'no-tests'])
