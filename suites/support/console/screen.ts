import { Writable } from 'node:stream'
import stringWidth from 'string-width'

/**
 * A small terminal: it understands the cursor movements that the live view uses, and shows what a user would see.
 * Anything else it does not know is a failure, since a console has no other business with a terminal.
 */
export class Screen extends Writable {
  readonly isTTY = true
  columns: number
  rows: number
  /** Everything written, escape sequences included. */
  raw = ''
  /** Lines that were longer than the screen is wide. */
  wrapped: string[] = []
  readonly #lines: string[] = ['']
  #row = 0

  constructor(columns: number, rows: number) {
    super()
    this.columns = columns
    this.rows = rows
  }

  /** The lines on the screen and above it, without empty ones at the end. */
  get lines(): string[] {
    const last = this.#lines.findLastIndex((line) => line !== '')
    return this.#lines.slice(0, last + 1)
  }

  getColorDepth(): number {
    return 1
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const text = chunk.toString()
    this.raw += text
    // eslint-disable-next-line no-control-regex
    for (const piece of text.match(/\u001b\[[\d;?]*[A-Za-z]|\n|[^\u001b\n]+|\u001b/gu) ?? []) this.#take(piece)
    done()
  }

  /** Becomes another size. Like most terminals it folds the lines that no longer fit. */
  resize(columns: number, rows: number): void {
    this.columns = columns
    this.rows = rows
    const folded = this.#lines.map((line) => line.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? [''])
    this.#row = folded.slice(0, this.#row).flat().length
    this.#lines.splice(0, this.#lines.length, ...folded.flat())
    this.emit('resize')
  }

  #take(piece: string): void {
    if (piece === '\n') {
      this.#move(1)
    } else if (piece.startsWith('\u001b')) {
      this.#escape(piece)
    } else {
      // log-update writes whole lines, after it moved to the first column.
      this.#lines[this.#row] = (this.#lines[this.#row] ?? '') + piece
      if (stringWidth(this.#lines[this.#row]!) > this.columns) this.wrapped.push(piece)
    }
  }

  #escape(sequence: string): void {
    const count = Number(sequence.slice(2, -1)) || 1
    const name = sequence.at(-1)
    if (sequence.startsWith('\u001b[?2026')) return
    if (sequence === '\u001b[2K') this.#lines[this.#row] = ''
    else if (name === 'A') this.#row = Math.max(0, this.#row - count)
    else if (name === 'B') this.#move(count)
    else if (name !== 'G' && name !== 'K') throw new Error(`a sequence no console needs: ${JSON.stringify(sequence)}`)
  }

  #move(rows: number): void {
    this.#row += rows
    while (this.#lines.length <= this.#row) this.#lines.push('')
  }
}
