import { ContentWriter } from './content.ts'
import { plainName } from './escape.ts'
import type { InputNotes } from './input.ts'
import type { UniqueNames } from './names.ts'
import type { MergedReport } from './report.ts'
import {
  addTotals,
  countCase,
  declaredBy,
  noTotals,
  parseSeconds,
  timeText,
  type Declared,
  type Totals,
  type Verdict,
} from './totals.ts'
import type { Attributes } from './tag.ts'
import type { XmlHandler } from './xml.ts'

/** An element in which cases may stand: `<testsuite>`, `<testsuites>`, or one that is not known. */
interface Container {
  readonly kind: 'suite' | 'suites' | 'unknown'
  /** The names of the suites around it and its own. */
  readonly path: string
  readonly attributes: string
  /** Those of its attributes that the suites inside of it take over, as they are written. */
  readonly shared: ReadonlyMap<string, string>
  readonly declared: Declared
  /** What it says of its time. */
  readonly seconds: number | null
  /** Of its own cases, and together with those of the suites inside. */
  readonly own: Totals
  readonly all: Totals
  /** How often it was opened in the report: again after a suite inside of it, when it goes on. */
  pieces: number
  /** The suites that are directly inside of it. */
  inner: number
}
type Frame = Container | { readonly kind: 'case' } | { readonly kind: 'content'; readonly tag: string }

const CASE: Frame = { kind: 'case' }
/** Attributes that are counted anew, or written in another form. */
const OF_SUITE = new Set(['name', 'tests', 'failures', 'errors', 'skipped', 'disabled', 'time'])
const OF_CASE = new Set(['name', 'classname', 'time'])
const NONE = new Set<string>()
/** What holds for the suites inside of a suite too, when they say nothing else. */
const SHARED = ['file', 'hostname', 'package', 'timestamp']
/** Elements that may stand beside cases. */
const BESIDE_CASES = new Set(['properties', 'property', 'system-out', 'system-err', 'skipped'])
/** Elements of a case that say nothing of its verdict. */
const SILENT = new Set([...BESIDE_CASES, 'flakyFailure', 'flakyError', 'rerunFailure', 'rerunError'])
/** Words of runners that say how a case ended in an attribute instead of an element. */
const SKIPPED_WORDS = /^(?:notrun|suppressed|disabled|skipped|pending|ignored)$/i
const FAILED_WORDS = /^(?:fail|failed|failure|error|errored|broken|panicked|timedout|interrupted|aborted)$/i
/** The error of a case whose end is lost. */
export const CUT_CASE = { type: 'partial', message: 'the report is damaged inside of this case' }
/** The case of an error that a suite has without a case. */
const SUITE_CASE = '(suite)'

/** Reads one input into the report: suites inside of suites become suites one after the other. */
export class Flattener implements XmlHandler {
  /** Whether anything of JUnit was in it. */
  sawJUnit = false
  suites = 0
  /** The input as a whole: cases outside of any suite are its own. */
  readonly root: Container
  /** Elements that are not JUnit, where cases stand. What is in them is read; if there is any JUnit, they are damage. */
  readonly strangers: { readonly message: string; readonly line: number }[] = []
  private readonly report: MergedReport
  private readonly names: UniqueNames
  private readonly notes: InputNotes
  private readonly line: () => number
  private readonly frames: Frame[]
  private readonly content: ContentWriter
  /** The container whose suite is open in the report. */
  private current: Container | null = null
  /** The case that is open: its verdict so far, its time, its status in words, whether its end is lost. */
  private verdict: Verdict = 'passed'
  private seconds = 0
  private status = ''
  private cut = false
  /** The number of frames in which an element of a suite is, that is written as a case of its own; 0: there is none. */
  private wrapped = 0

  /**
   * @param label the input's name; for cases outside of any suite
   * @param line the line that is being read
   */
  constructor(label: string, report: MergedReport, names: UniqueNames, notes: InputNotes, line: () => number) {
    this.report = report
    this.names = names
    this.notes = notes
    this.line = line
    this.content = new ContentWriter((text) => report.write(text))
    this.root = container(
      'suites',
      label,
      '',
      new Map(),
      declaredBy(() => undefined),
      null,
    )
    this.frames = [this.root]
  }

  endsBefore(name: string): number {
    const local = localName(name)
    if (local !== 'testcase' && local !== 'testsuite' && local !== 'testsuites') return 0
    let ends = 0
    while (!isContainer(this.frames.at(-1 - ends)!)) ends++
    return ends
  }

  open(name: string, attributes: Attributes): void {
    const local = localName(name)
    const top = this.frames.at(-1)!
    if (isContainer(top)) return this.openInContainer(top, local, attributes)
    if (top.kind === 'case') this.noteVerdict(local)
    this.openContent(local, attributes)
  }

  text(text: string): void {
    const top = this.frames.at(-1)!
    if (top.kind === 'content') return this.content.text(text)
    if (top.kind === 'unknown' || !/[^ \t\n]/.test(text)) return
    this.damage(`text where none belongs: ${JSON.stringify(text.trim().slice(0, 80))}`, this.line())
  }

  close(cut: boolean): void {
    const frame = this.frames.pop()!
    if (isContainer(frame)) return this.closeContainer(frame)
    this.cut ||= cut
    if (frame.kind === 'case') return this.closeCase()
    this.content.close(frame.tag)
    if (this.wrapped > 0 && this.frames.length === this.wrapped) this.closeCase()
    else if (isContainer(this.frames.at(-1)!)) this.report.endUnit(null, 0)
  }

  damage(message: string, line: number): void {
    this.notes.problem(message, line)
  }

  /** The input is over. Returns what it holds. */
  finish(): Totals {
    this.closeCurrent(null)
    this.notes.counts.cutTexts += this.content.cutTexts
    return this.root.all
  }

  private openInContainer(top: Container, local: string, attributes: Attributes): void {
    this.sawJUnit ||= local === 'testcase' || local === 'testsuite' || local === 'testsuites'
    if (local === 'testcase') return this.openCase(top, attributes)
    if (local === 'testsuite' || local === 'testsuites') {
      const inner = this.innerContainer(top, local === 'testsuite' ? 'suite' : 'suites', attributes)
      if (inner.kind === 'suite') top.inner++
      this.frames.push(inner)
    } else if (local === 'failure' || local === 'error') {
      this.beginUnit(top)
      this.beginCase(SUITE_CASE, this.content.value(top.path), '')
      this.wrapped = this.frames.length
      this.noteVerdict(local)
      this.openContent(local, attributes)
    } else if (BESIDE_CASES.has(local)) {
      this.beginUnit(top)
      this.openContent(local, attributes)
    } else {
      const called = attributes.get('name')
      const message = `<${local}${called === undefined ? '' : ` name=${JSON.stringify(called.slice(0, 80))}`}> is no element of JUnit`
      if (this.strangers.length < 100) this.strangers.push({ message, line: this.line() })
      this.frames.push(this.innerContainer(top, 'unknown', attributes))
    }
  }

  private innerContainer(top: Container, kind: Container['kind'], attributes: Attributes): Container {
    const declared = declaredBy((key) => attributes.get(key))
    if (kind !== 'suite') return container(kind, top.path, '', top.shared, declared, null)
    const name = attributes.get('name') || attributes.get('package') || '(no name)'
    const isInner = this.frames.some((frame) => frame.kind === 'suite')
    const path = isInner ? `${top.path} > ${name}` : name
    const shared = new Map(top.shared)
    for (const key of SHARED) {
      const value = attributes.get(key)
      if (value !== undefined) shared.set(key, ` ${key}="${this.content.value(value)}"`)
    }
    const taken = [...top.shared].filter(([key]) => attributes.get(key) === undefined).map(([, text]) => text)
    const written = this.content.attributes(attributes, OF_SUITE) + taken.join('')
    return container(kind, path, written, shared, declared, this.time(attributes))
  }

  private closeContainer(frame: Container): void {
    if (frame.kind !== 'unknown') this.notes.compare(frame.path, frame)
    if (isGreenButSaysRed(frame)) this.addHiddenError(frame)
    if (frame.kind === 'suite' && frame.pieces === 0 && frame.inner === 0) this.openSuite(frame)
    if (this.current === frame) this.closeCurrent(frame.pieces === 1 && frame.inner === 0 ? frame.seconds : null)
    if (frame.kind === 'suite') this.suites++
    const parent = this.frames.at(-1)
    if (parent && isContainer(parent)) addTotals(parent.all, frame.all)
  }

  /** A suite that declares failures and holds none, as of a Go package that does not compile: nothing else would say so. */
  private addHiddenError(frame: Container): void {
    const { failures = 0, errors = 0 } = frame.declared
    this.beginUnit(frame)
    this.beginCase(SUITE_CASE, this.content.value(frame.path), '')
    const message = `the suite declares ${failures} failures and ${errors} errors, and holds none`
    this.addVerdict('error', ` type="declared" message="${message}"`)
    this.frames.push(frame)
    this.wrapped = this.frames.length
    this.closeCase()
    this.frames.pop()
  }

  private openSuite(frame: Container): void {
    this.closeCurrent(null)
    frame.pieces++
    this.report.openSuite(frame.path, frame.attributes)
    this.current = frame
  }

  private closeCurrent(seconds: number | null): void {
    if (this.current !== null) this.report.closeSuite(seconds)
    this.current = null
  }

  private beginUnit(frame: Container): void {
    if (this.current !== frame) this.openSuite(frame)
    this.report.beginUnit()
  }

  private openCase(top: Container, attributes: Attributes): void {
    this.beginUnit(top)
    const seconds = this.time(attributes)
    this.seconds = seconds ?? 0
    this.status = attributes.get('result') ?? ''
    if (!SKIPPED_WORDS.test(this.status) && !FAILED_WORDS.test(this.status))
      this.status = attributes.get('status') ?? ''
    const time = seconds === null ? '' : ` time="${timeText(attributes.get('time')!, seconds)}"`
    const rest = this.content.attributes(attributes, OF_CASE)
    const classname = this.content.value(attributes.get('classname') || top.path)
    this.beginCase(attributes.get('name') || '(no name)', classname, `${time}${rest}`)
    this.frames.push(CASE)
  }

  private beginCase(name: string, classname: string, rest: string): void {
    const unique = this.names.unique(classname, name)
    if (unique !== name) this.notes.counts.renamed++
    this.content.open('testcase', ` name="${this.content.value(unique)}" classname="${classname}"${rest}`)
    this.verdict = 'passed'
    this.cut = false
  }

  private closeCase(): void {
    const added = this.wrapped > 0
    if (added) {
      this.seconds = 0
      this.status = ''
    }
    this.wrapped = 0
    this.completeCase()
    this.content.close('testcase')
    this.report.endUnit(this.verdict, this.seconds)
    const frame = this.frames.at(-1)!
    if (!isContainer(frame)) return
    for (const totals of [frame.own, frame.all]) {
      countCase(totals, this.verdict, this.seconds)
      if (added) totals.added++
    }
  }

  /** Adds what the case says in another way, or what it can no longer say. */
  private completeCase(): void {
    if (this.cut && this.verdict !== 'failure' && this.verdict !== 'error') {
      this.addVerdict('error', ` type="${CUT_CASE.type}" message="${CUT_CASE.message}"`)
    } else if (this.verdict === 'passed' && this.status !== '') {
      const message = ` message="${this.content.value(`status: ${this.status}`)}"`
      if (SKIPPED_WORDS.test(this.status)) this.addVerdict('skipped', message)
      else if (FAILED_WORDS.test(this.status)) this.addVerdict('failure', message)
    }
  }

  private addVerdict(verdict: Exclude<Verdict, 'passed'>, attributes: string): void {
    this.content.open(verdict, attributes)
    this.content.close(verdict)
    this.verdict = verdict
  }

  private noteVerdict(local: string): void {
    if (local === 'failure') this.verdict = 'failure'
    else if (local === 'error') this.verdict = this.verdict === 'failure' ? 'failure' : 'error'
    else if (local === 'skipped') this.verdict = this.verdict === 'passed' ? 'skipped' : this.verdict
    // A retry that passed in the end: the words of an attribute may still be those of the first try.
    else if (local.startsWith('flaky')) this.status = ''
    if (local !== 'failure' && local !== 'error' && !SILENT.has(local)) this.notes.unknown(local)
  }

  private openContent(local: string, attributes: Attributes): void {
    const tag = plainName(local)
    this.content.open(tag, this.content.attributes(attributes, NONE))
    this.frames.push({ kind: 'content', tag })
  }

  private time(attributes: Attributes): number | null {
    const text = attributes.get('time')
    if (text === undefined || text === '') return null
    const seconds = parseSeconds(text)
    if (seconds === null) this.notes.counts.wrongTimes++
    return seconds
  }
}

function container(
  kind: Container['kind'],
  path: string,
  attributes: string,
  shared: ReadonlyMap<string, string>,
  declared: Declared,
  seconds: number | null,
): Container {
  const [own, all] = [noTotals(), noTotals()]
  return { kind, path, attributes, shared, declared, seconds, own, all, pieces: 0, inner: 0 }
}

function isGreenButSaysRed({ kind, declared, all }: Container): boolean {
  const { failures = 0, errors = 0 } = declared
  return kind !== 'unknown' && failures + errors > 0 && all.failures + all.errors === 0
}

function isContainer(frame: Frame): frame is Container {
  return frame.kind !== 'case' && frame.kind !== 'content'
}

function localName(name: string): string {
  return name.includes(':') ? name.slice(name.indexOf(':') + 1) : name
}
