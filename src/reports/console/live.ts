import { createRequire } from 'node:module'
import { stripVTControlCharacters } from 'node:util'
import type * as LogUpdate from 'log-update'
import { displayWidth } from '../format.ts'
import type { ConsoleStream } from './paint.ts'

/** At most about twelve redraws a second: more cannot be read. */
const REDRAW_MS = 80
/** Without events only the clocks move. */
const TICK_MS = 1000

const require = createRequire(import.meta.url)

/**
 * Keeps a few lines at the bottom of a terminal up to date, and prints permanent lines above them. Its timers keep no
 * process alive. The cursor stays visible, so that no end of the process, however sudden, leaves a terminal without one.
 */
export class LiveView {
  readonly #stream: ConsoleStream
  readonly #draw: (columns: number, rows: number) => readonly string[]
  readonly #log: ReturnType<typeof LogUpdate.createLogUpdate>
  readonly #tick: NodeJS.Timeout
  #soon: NodeJS.Timeout | null = null
  #shown: readonly string[] = []
  #columns: number
  readonly #onResize = (): void => this.#resized()

  /**
   * @param draw the lines at this moment, at most `rows` of them, none wider than `columns`; none: nothing is shown
   */
  constructor(stream: ConsoleStream, draw: (columns: number, rows: number) => readonly string[]) {
    this.#stream = stream
    this.#draw = draw
    // Loaded here, because it takes 40 ms that only a terminal has to pay for.
    const { createLogUpdate } = require('log-update') as typeof LogUpdate
    this.#log = createLogUpdate(stream, { showCursor: true })
    this.#columns = columnsOf(stream)
    this.#tick = setInterval(() => this.#redraw(), TICK_MS).unref()
    stream.on('resize', this.#onResize)
  }

  /** Something changed: the view is drawn again soon. */
  touch(): void {
    this.#soon ??= setTimeout(() => this.#redraw(), REDRAW_MS).unref()
  }

  /** Prints lines that stay, above the view. */
  print(text: string): void {
    this.#erase()
    this.#stream.write(text)
    this.touch()
  }

  /** Ends the view; what it showed is gone. */
  stop(): void {
    this.#erase()
    this.freeze()
  }

  /** Ends the view and leaves its last lines where they are. */
  freeze(): void {
    clearInterval(this.#tick)
    if (this.#soon) clearTimeout(this.#soon)
    this.#stream.removeListener('resize', this.#onResize)
    this.#shown = []
    this.#log.done()
  }

  #redraw(): void {
    if (this.#soon) clearTimeout(this.#soon)
    this.#soon = null
    const columns = columnsOf(this.#stream)
    // One row for the cursor, which stands below the last line; one column, because some terminals wrap a full line.
    const lines = this.#draw(columns - 1, Math.max(1, (this.#stream.rows ?? 24) - 1))
    if (lines.length === 0) return this.#erase()
    this.#log(lines.join('\n'))
    this.#shown = lines
    this.#columns = columns
  }

  #erase(): void {
    if (this.#shown.length > 0) this.#log.clear()
    this.#shown = []
  }

  /**
   * A terminal that becomes narrower folds the lines that are on it, which log-update does not know: the rows that
   * appeared are removed here, the others by the next redraw.
   */
  #resized(): void {
    const columns = columnsOf(this.#stream)
    if (columns < this.#columns && this.#shown.length > 0) {
      const folded = this.#shown
        .map((line) => Math.max(1, Math.ceil(displayWidth(stripVTControlCharacters(line)) / columns)))
        .reduce((sum, rows) => sum + rows, 0)
      const more = Math.min(folded - this.#shown.length, (this.#stream.rows ?? 24) - this.#shown.length - 1)
      if (more > 0) this.#stream.write('\x1b[2K\x1b[1A'.repeat(more))
    }
    this.#columns = columns
    this.#erase()
    this.touch()
  }
}

/** A terminal that does not know its width is taken for a common one; one without room is no reason to fail. */
function columnsOf(stream: ConsoleStream): number {
  return Math.max(2, stream.columns ?? 80)
}
