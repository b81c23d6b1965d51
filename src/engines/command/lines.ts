import type { Output } from '../output.ts'

/** A line that is longer is passed on in pieces, UTF-16 units. */
const LONGEST = 64 * 1024

/** Passes output on in whole lines, so that those of the two streams do not get into each other. */
export class Lines {
  readonly #tell: Output
  readonly #rest = { stdout: '', stderr: '' }

  constructor(tell: Output) {
    this.#tell = tell
  }

  push(stream: 'stdout' | 'stderr', text: string): void {
    const all = this.#rest[stream] + text
    const end = all.length > LONGEST ? all.length : all.lastIndexOf('\n') + 1
    this.#rest[stream] = all.slice(end)
    if (end > 0) this.#tell(stream, all.slice(0, end))
  }

  /** Nothing more will come. */
  flush(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#rest[stream] !== '') this.#tell(stream, this.#rest[stream])
      this.#rest[stream] = ''
    }
  }
}
