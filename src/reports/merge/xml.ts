/**
 * A reader of XML for files that may be anything: hostile, cut, glued together, in pieces of any size. It takes one pass,
 * never throws, goes on after every mistake, and says every mistake. What it calls undamaged is what a strict parser
 * accepts (tests hold it against saxes). It resolves the five entities of XML and numbers, and nothing else; it reads no
 * DTD. Its memory is bounded: text comes in pieces, and one tag may have {@link MAX_TAG} characters.
 */
import { DECLARATION, endOfDoctype, isName, resolveReferences } from './grammar.ts'
import { type Attributes, endOfName, skipSpace, TagReader } from './tag.ts'

/** Characters of one tag. libxml2, on which many readers stand, refuses attributes of more than 10,000,000 bytes. */
const MAX_TAG = 8_000_000
/** Elements inside of each other; deeper ones are skipped, and that is damage. */
const MAX_DEPTH = 200
/** A reference (`&#38;`) is no longer than this, whatever it means. */
const MAX_REFERENCE = 64

export interface XmlHandler {
  /** How many of the open elements have to end before this one may begin: what to make of a missing end tag. */
  endsBefore(name: string): number
  open(name: string, attributes: Attributes): void
  /** A piece of a text, with its references resolved. */
  text(text: string): void
  /** `cut`: it is closed for want of an end tag. */
  close(cut: boolean): void
  /** Something that is not well-formed. `line` counts from 1. */
  damage(message: string, line: number): void
}

/** Where the reader stands: in content, or inside of something that runs up to its own end mark. */
type Section = 'content' | 'CDATA section' | 'comment' | 'processing instruction'
const SECTION_END = { 'CDATA section': ']]>', comment: '--', 'processing instruction': '?>' } as const

const BANG = 33
const SLASH = 47
const GREATER = 62
const QUESTION = 63

/** Takes decoded text whose line ends are `\n` and whose characters are those of XML. */
export class XmlReader {
  private readonly handler: XmlHandler
  private readonly tag = new TagReader((mistake) => (this.mistake ??= mistake))
  /** The open elements. */
  private readonly stack: string[] = []
  /** How many elements are open below {@link MAX_DEPTH}. */
  private tooDeep = 0
  private roots = 0
  private doctype = false
  /** Whether text outside of the root was said since the last element: once is enough. */
  private outside = false
  private section: Section = 'content'
  private buffer = ''
  /** What is before it in the buffer has been read. */
  private at = 0
  /** Characters of the file before the buffer. */
  private before = 0
  /** Characters that the buffer needs for another try: twice as many as were too few, so that tries do not add up. */
  private enough = 0
  private line = 1
  /** The first line end in the buffer that is not counted yet. */
  private newline = -1
  /** The first mistake in what is being read; it is reported when that is complete. */
  private mistake: string | null = null

  constructor(handler: XmlHandler) {
    this.handler = handler
  }

  write(text: string): void {
    this.countLines()
    this.before += this.at
    this.buffer = this.at < this.buffer.length ? this.buffer.slice(this.at) + text : text
    this.at = 0
    if (this.buffer.length < this.enough) return
    this.enough = 0
    this.newline = this.buffer.indexOf('\n')
    this.scan(false)
  }

  /** The file is over: everything that is still open is closed. */
  end(): void {
    if (this.at === 0) this.newline = this.buffer.indexOf('\n')
    this.scan(true)
    const open = this.stack.at(-1)
    if (open !== undefined) this.damage(`the file ends inside of <${open}>`)
    else if (this.roots === 0) this.damage('there is no element in it')
    while (this.stack.length > 0) this.pop(true)
  }

  /** The line that is being read, from 1. */
  get currentLine(): number {
    this.countLines()
    return this.line
  }

  private damage(message: string): void {
    this.handler.damage(message, this.currentLine)
  }

  private report(): void {
    if (this.mistake !== null) this.damage(this.mistake)
    this.mistake = null
  }

  private countLines(): void {
    while (this.newline !== -1 && this.newline < this.at) {
      this.line++
      this.newline = this.buffer.indexOf('\n', this.newline + 1)
    }
  }

  private scan(final: boolean): void {
    while (this.at < this.buffer.length) {
      const before = this.at
      if (this.section === 'content') this.content(final)
      else this.inSection(this.section, final)
      if (this.at !== before) continue
      const here = this.buffer.length - before
      if (!final && here <= MAX_TAG) {
        this.enough = Math.min(2 * here, MAX_TAG + 1)
        return
      }
      this.damage(final ? 'the file ends inside of a tag' : `a tag of more than ${MAX_TAG} characters`)
      this.literal()
    }
    if (final && this.section !== 'content') this.damage(`the file ends inside of a ${this.section}`)
  }

  /** Text up to the next `<`, or what begins there. Stays where it is when that needs more of the file. */
  private content(final: boolean): void {
    const less = this.buffer.indexOf('<', this.at)
    if (less === this.at) this.markup(final)
    else this.characters(less !== -1 ? less : final ? this.buffer.length : this.wholeText())
    this.report()
  }

  /** Where the text in the buffer can be cut: not inside of a reference, nor of a `]]>`. */
  private wholeText(): number {
    let end = this.buffer.length
    const reference = this.buffer.lastIndexOf('&')
    const open = reference >= this.at && end - reference < MAX_REFERENCE && !this.buffer.includes(';', reference)
    if (open) end = reference
    while (end > this.at && this.buffer.length - end < 2 && this.buffer[end - 1] === ']') end--
    return end
  }

  private characters(end: number): void {
    if (end === this.at) return
    const raw = this.buffer.slice(this.at, end)
    const text = raw.includes('&') ? this.resolve(raw) : raw
    if (this.stack.length === 0) {
      if (!this.outside && /[^ \t\n]/.test(raw)) {
        this.mistake ??= 'text outside of the root element'
        this.outside = true
      }
    } else {
      if (raw.includes(']]>')) this.mistake ??= '"]]>" in a text'
      if (this.tooDeep === 0) this.handler.text(text)
    }
    this.at = end
  }

  private resolve(raw: string): string {
    return resolveReferences(raw, (mistake) => (this.mistake ??= mistake))
  }

  private inSection(section: Exclude<Section, 'content'>, final: boolean): void {
    const mark = SECTION_END[section]
    const found = this.buffer.indexOf(mark, this.at)
    // Two characters may be the beginning of the mark.
    const end = found !== -1 ? found : final ? this.buffer.length : Math.max(this.at, this.buffer.length - 2)
    if (section === 'CDATA section' && end > this.at && this.stack.length > 0 && this.tooDeep === 0) {
      this.handler.text(this.buffer.slice(this.at, end))
    }
    this.at = end
    if (found === -1) return
    if (section === 'comment') {
      const next = this.buffer[found + 2]
      if (next === undefined && !final) return
      if (next !== '>') {
        this.damage('"--" inside of a comment')
        this.at = found + 1
        return
      }
    }
    this.at = found + 3 - (section === 'processing instruction' ? 1 : 0)
    this.section = 'content'
  }

  private markup(final: boolean): void {
    const next = this.buffer.charCodeAt(this.at + 1)
    if (next === SLASH) this.endTag()
    else if (next === BANG) this.declaration(final)
    else if (next === QUESTION) this.instruction(final)
    else if (!Number.isNaN(next)) this.startTag(final)
  }

  /** A `<` that begins nothing is taken for a character. */
  private literal(): void {
    if (this.stack.length > 0 && this.tooDeep === 0) this.handler.text('<')
    this.at++
  }

  private declaration(final: boolean): void {
    const { buffer, at } = this
    if (buffer.startsWith('<!--', at)) {
      this.section = 'comment'
      this.at += 4
    } else if (buffer.startsWith('<![CDATA[', at)) {
      if (this.stack.length === 0) this.mistake = 'text outside of the root element'
      this.section = 'CDATA section'
      this.at += 9
    } else if (buffer.startsWith('<!DOCTYPE', at)) {
      const end = endOfDoctype(buffer, at + 9)
      if (end === -1) return
      if (this.doctype || this.roots > 0) this.mistake = 'a DOCTYPE where none belongs'
      this.doctype = true
      this.at = end
    } else if (final || buffer.length - at >= 9) {
      this.mistake = '"<!" that begins nothing'
      this.literal()
    }
  }

  private instruction(final: boolean): void {
    const { buffer, at } = this
    const end = endOfName(this.buffer, at + 2)
    if (end === buffer.length) return
    const name = buffer.slice(at + 2, end)
    if (name === 'xml') {
      const close = buffer.indexOf('?>', end)
      if (close === -1 && !final && buffer.length - at < 1024) return
      if (this.before + at > 0) this.mistake = 'an XML declaration inside of the file: several reports in one?'
      else if (!DECLARATION.test(buffer.slice(at, close + 2))) this.mistake = 'a wrong XML declaration'
    } else if (!isName(name) || name.toLowerCase() === 'xml' || !/[?\s]/.test(buffer[end]!)) {
      this.mistake = '"<?" that begins nothing'
    }
    this.section = 'processing instruction'
    this.at = end
  }

  private endTag(): void {
    const { buffer } = this
    const end = endOfName(this.buffer, this.at + 2)
    const after = skipSpace(this.buffer, end)
    if (after === buffer.length) return
    const name = buffer.slice(this.at + 2, end)
    const closed = buffer.charCodeAt(after) === GREATER
    if (!closed) this.mistake = `an end tag </${name} that is not closed`
    this.at = closed ? after + 1 : after
    if (this.tooDeep > 0) this.tooDeep--
    else this.close(name)
  }

  private close(name: string): void {
    if (this.stack.at(-1) === name) return this.pop(false)
    const open = this.stack.lastIndexOf(name)
    this.mistake ??= `</${name}> ends nothing that is open`
    if (open === -1) return
    this.mistake = `</${name}> where </${this.stack.at(-1)}> has to be`
    this.report()
    while (this.stack.length > open + 1) this.pop(true)
    this.pop(false)
  }

  private pop(cut: boolean): void {
    this.stack.pop()
    this.handler.close(cut)
  }

  private startTag(final: boolean): void {
    const end = endOfName(this.buffer, this.at + 1)
    if (end === this.at + 1) {
      this.mistake = '"<" that begins no tag'
      return this.literal()
    }
    const name = this.buffer.slice(this.at + 1, end)
    const next = this.tag.read(this.buffer, end, final)
    if (next === -1) {
      this.mistake = null
      return
    }
    const empty = next > 1 && this.buffer.charCodeAt(next - 2) === SLASH && this.buffer.charCodeAt(next - 1) === GREATER
    if (!isName(name)) this.mistake ??= `<${name}> is no name`
    this.report()
    this.at = next
    this.begin(name, empty)
  }

  private begin(name: string, empty: boolean): void {
    if (this.stack.length >= MAX_DEPTH) {
      if (this.tooDeep === 0) this.damage(`more than ${MAX_DEPTH} elements inside of each other`)
      if (!empty) this.tooDeep++
      return
    }
    if (this.stack.length === 0 && this.roots++ === 1)
      this.damage('a second root element: several reports in one file?')
    this.outside = false
    const ends = this.handler.endsBefore(name)
    if (ends > 0) this.damage(`<${name}> inside of <${this.stack.at(-1)}>: an end tag is missing`)
    for (let n = 0; n < ends; n++) this.pop(true)
    this.handler.open(name, this.tag.attributes)
    if (empty) this.handler.close(false)
    else this.stack.push(name)
  }
}
