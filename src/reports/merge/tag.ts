import { ENDS_NAME, isName, JUNIT_TAG, resolveReferences } from './grammar.ts'

/** Attributes of one tag; a test runner writes ten. */
const MAX_ATTRIBUTES = 256

const TAB = 9
const NEWLINE = 10
const SPACE = 32
const QUOTE = 34
const APOSTROPHE = 39
const SLASH = 47
const LESS = 60
const EQUALS = 61
const GREATER = 62

/** The attributes of one tag in the order of the file, each name once. Valid until the handler returns. */
export class Attributes {
  readonly names: string[] = []
  readonly values: string[] = []

  get(name: string): string | undefined {
    const at = this.names.indexOf(name)
    return at === -1 ? undefined : this.values[at]
  }
}

/** Reads what follows the name of a start tag, and goes on after every mistake. */
export class TagReader {
  readonly attributes = new Attributes()
  /** By place in a tag: the name of an attribute in an earlier tag, and how it began. */
  private readonly known: string[] = []
  private readonly openings: string[] = []
  /** What the tag stands in. */
  private buffer = ''
  private readonly note: (mistake: string) => void

  /** @param note is told what is not well-formed */
  constructor(note: (mistake: string) => void) {
    this.note = note
  }

  /**
   * Reads up to the end of the tag.
   *
   * @returns where the tag ends, behind its `>` or before the `<` that cut it; -1 when the rest of it is still to come
   */
  read(buffer: string, from: number, final: boolean): number {
    this.buffer = buffer
    this.attributes.names.length = 0
    this.attributes.values.length = 0
    for (let at = from; ;) {
      const start = at
      at = this.likeBefore(at)
      if (at > start) continue
      at = skipSpace(buffer, at)
      const code = buffer.charCodeAt(at)
      if (code === GREATER) return at + 1
      if (code === LESS) {
        this.note('a tag that is not closed')
        return at
      }
      if (Number.isNaN(code)) return this.half(at, final)
      if (code === SLASH && buffer.charCodeAt(at + 1) === GREATER) return at + 2
      const nameEnd = endOfName(buffer, at)
      if (nameEnd === at) {
        if (at + 1 < buffer.length || final) this.note(`"${buffer[at]}" inside of a tag`)
        at++
        continue
      }
      if (at === start) this.note('no space between attributes')
      const name = buffer.slice(at, nameEnd)
      at = skipSpace(buffer, nameEnd)
      if (at === buffer.length) return this.half(at, final)
      if (buffer.charCodeAt(at) !== EQUALS) {
        this.note(`attribute ${name} without a value`)
        continue
      }
      at = skipSpace(buffer, at + 1)
      if (at === buffer.length) return this.half(at, final)
      const quote = buffer.charCodeAt(at)
      if (quote !== QUOTE && quote !== APOSTROPHE) {
        this.note(`the value of ${name} is not in quotes`)
        continue
      }
      const close = buffer.indexOf(quote === QUOTE ? '"' : "'", at + 1)
      const raw = buffer.slice(at + 1, close === -1 ? buffer.length : close)
      const cut = raw.includes('<') ? this.cutAt(raw, name) : -1
      if (cut !== -1) {
        this.add(name, raw.slice(0, cut))
        return at + 1 + cut
      }
      if (close === -1) {
        if (final) this.add(name, raw)
        return this.half(buffer.length, final)
      }
      this.add(name, raw)
      at = close + 1
    }
  }

  /**
   * The short way for what most attributes are: named as the one at this place in an earlier tag, with nothing special
   * in the value. Returns where it ends; the same place when it is anything else.
   */
  private likeBefore(at: number): number {
    const { names, values } = this.attributes
    const guess = this.openings[names.length]
    if (guess === undefined || !this.buffer.startsWith(guess, at)) return at
    const name = this.known[names.length]!
    const from = at + guess.length
    const close = this.buffer.indexOf('"', from)
    if (close === -1 || names.includes(name)) return at
    const raw = this.buffer.slice(from, close)
    if (/[<\n\t]/.test(raw)) return at
    names.push(name)
    values.push(raw.includes('&') ? resolveReferences(raw, this.note) : raw)
    return close + 1
  }

  /** The file, or the part of it that is here, ends inside of the tag: of the whole file the tag's beginning is kept. */
  private half(at: number, final: boolean): number {
    if (final) this.note('the file ends inside of a tag')
    return final ? at : -1
  }

  /** Where a tag begins inside of a value, because the value's end is lost; -1 when it is only a `<` that nobody escaped. */
  private cutAt(raw: string, name: string): number {
    const cut = JUNIT_TAG.exec(raw)?.index ?? -1
    this.note(cut === -1 ? `"<" in the value of ${name}` : `the value of ${name} has no end`)
    return cut
  }

  private add(name: string, raw: string): void {
    const { names, values } = this.attributes
    if (!isName(name)) this.note(`attribute ${name} is no name`)
    if (names.includes(name)) {
      this.note(`attribute ${name} twice in a tag`)
    } else if (names.length >= MAX_ATTRIBUTES) {
      this.note(`more than ${MAX_ATTRIBUTES} attributes in a tag`)
    } else {
      // White space in a value is a space, if it is not written as a number.
      const flat = raw.includes('\n') || raw.includes('\t') ? raw.replace(/[\n\t]/g, ' ') : raw
      if (isName(name)) {
        this.known[names.length] = name
        this.openings[names.length] = ` ${name}="`
      }
      names.push(name)
      values.push(flat.includes('&') ? resolveReferences(flat, this.note) : flat)
    }
  }
}

/** Where a name that begins at `from` ends. */
export function endOfName(buffer: string, from: number): number {
  let at = from
  while (ENDS_NAME[buffer.charCodeAt(at)] === 0 || buffer.charCodeAt(at) > 127) at++
  return at
}

/** The first place at or after `from` that is no white space. */
export function skipSpace(buffer: string, from: number): number {
  let at = from
  for (let code = buffer.charCodeAt(at); code === SPACE || code === NEWLINE || code === TAB;) {
    code = buffer.charCodeAt(++at)
  }
  return at
}
