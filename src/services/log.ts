import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import path from 'node:path'
import { hideSecrets, secretForms } from '../core/secrets.ts'

/** How much of the end of a log is kept for messages, characters. */
const TAIL = 8_000
const TAIL_LINES = 30
/** A line without an end is written in pieces of this size, characters. */
const LONGEST_LINE = 64 * 1024

/**
 * The log of one service on disk, with secrets starred out line by line. Written synchronously: what a service said before
 * it died is on the disk when the run says that it died. A log that cannot be written costs the log, not the run.
 */
export class ServiceLog {
  /** Absolute. */
  readonly file: string
  readonly #forms = new Set<string>()
  readonly #seekers = new Set<(line: string) => void>()
  #descriptor: number | null = null
  #partial = { stdout: '', stderr: '' }
  #tail = ''

  constructor(file: string, secrets: readonly string[]) {
    this.file = file
    for (const secret of secrets) if (secret !== '') for (const form of secretForms(secret)) this.#forms.add(form)
    try {
      mkdirSync(path.dirname(file), { recursive: true })
      this.#descriptor = openSync(file, 'a')
    } catch {
      // It is missing in the reports folder then; the last lines are in messages all the same.
    }
  }

  /** A line of the run's own. */
  note(text: string): void {
    this.#write(`[tiershard ${new Date().toISOString()}] ${text}\n`)
  }

  append(stream: 'stdout' | 'stderr', text: string): void {
    const whole = this.#partial[stream] + text
    const end = whole.lastIndexOf('\n') + 1
    this.#partial[stream] = whole.slice(end)
    this.#take(whole.slice(0, end))
    if (this.#partial[stream].length > LONGEST_LINE) this.#flush(stream)
  }

  /** Calls back with every line from now on until the returned function is called. */
  follow(seek: (line: string) => void): () => void {
    this.#seekers.add(seek)
    return () => this.#seekers.delete(seek)
  }

  /** The last lines, below each other and indented; '' when nothing was printed. */
  get lastLines(): string {
    const lines = this.#tail
      .trimEnd()
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-TAIL_LINES)
    return lines.map((line) => `    ${line}`).join('\n')
  }

  /** Whether this is among the last few kB. */
  says(pattern: RegExp): boolean {
    return pattern.test(this.#tail)
  }

  /** What came without a line break is a line as well. */
  flush(): void {
    this.#flush('stdout')
    this.#flush('stderr')
  }

  /** The last lines can still be read; safe to call twice. */
  close(): void {
    this.flush()
    try {
      if (this.#descriptor !== null) closeSync(this.#descriptor)
    } catch {
      // What could not be written is told of here by some file systems.
    }
    this.#descriptor = null
  }

  #flush(stream: 'stdout' | 'stderr'): void {
    const text = this.#partial[stream]
    this.#partial[stream] = ''
    if (text !== '') this.#take(`${text}\n`)
  }

  #take(text: string): void {
    if (text === '') return
    for (const seek of this.#seekers) for (const line of text.split('\n').slice(0, -1)) seek(line)
    const hidden = hideSecrets(text, this.#forms)
    this.#tail = (this.#tail + hidden).slice(-TAIL)
    this.#write(hidden)
  }

  #write(text: string): void {
    if (this.#descriptor === null) return
    try {
      writeSync(this.#descriptor, text)
    } catch {
      this.#descriptor = null
    }
  }
}
