import { escapeText, escapeValue, MAX_TEXT, plainName } from './escape.ts'
import type { Attributes } from './tag.ts'

const HALF = MAX_TEXT / 2

/** Writes elements as they come, none of their texts longer than {@link MAX_TEXT}: the middle of a longer one is left out. */
export class ContentWriter {
  /** Texts and values that were cut. */
  cutTexts = 0
  private readonly write: (text: string) => void
  /** Whether the last opening tag still lacks its `>`. */
  private pending = false
  /** Characters of the text so far. */
  private length = 0
  /** The end of a text that is too long. */
  private tail = ''

  constructor(write: (text: string) => void) {
    this.write = write
  }

  /** @param attributes as they are written, with a space before each */
  open(tag: string, attributes: string): void {
    this.settle()
    this.write(`<${tag}${attributes}`)
    this.pending = true
  }

  text(text: string): void {
    if (text === '') return
    if (this.pending) this.write('>')
    this.pending = false
    const room = HALF - this.length
    this.length += text.length
    if (room >= text.length) return this.write(escapeText(text))
    if (room > 0) this.write(escapeText(text.slice(0, room).toWellFormed()))
    // Twice as much as is needed is kept, so that not every piece has to be cut.
    this.tail += text.slice(Math.max(0, room))
    if (this.tail.length > 2 * HALF) this.tail = this.tail.slice(-HALF)
  }

  close(tag: string): void {
    this.endText()
    this.write(this.pending ? '/>' : `</${tag}>`)
    this.pending = false
  }

  /** All attributes but some, as they are written. */
  attributes({ names, values }: Attributes, except: ReadonlySet<string>): string {
    let written = ''
    let renamed = false
    for (let at = 0; at < names.length; at++) {
      const name = names[at]!
      if (except.has(name) || name.startsWith('xmlns')) continue
      let plain = plainName(name)
      renamed ||= plain !== name
      // Only a name that had to be changed can meet another one.
      while (renamed && (except.has(plain) || written.includes(` ${plain}="`))) plain += '_'
      written += ` ${plain}="${this.value(values[at]!)}"`
    }
    return written
  }

  value(text: string): string {
    if (text.length <= MAX_TEXT) return escapeValue(text)
    this.cutTexts++
    const ends = [text.slice(0, HALF), text.slice(-HALF)].map((end) => escapeValue(end.toWellFormed()))
    return ends.join(escapeValue(leftOut(text.length - MAX_TEXT)))
  }

  private settle(): void {
    this.endText()
    if (this.pending) this.write('>')
    this.pending = false
  }

  private endText(): void {
    if (this.tail !== '') {
      const end = this.tail.slice(-HALF)
      const left = this.length - HALF - end.length
      if (left > 0) {
        this.cutTexts++
        this.write(escapeText(leftOut(left)))
      }
      this.write(escapeText(end.toWellFormed()))
    }
    this.length = 0
    this.tail = ''
  }
}

function leftOut(characters: number): string {
  return `\n[${characters} characters left out by the merge]\n`
}
