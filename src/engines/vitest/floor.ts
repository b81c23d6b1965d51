import type { FromHost, HostSeat } from './protocol.ts'
import type { Attempt } from './attempt.ts'

/**
 * The host's side of an execution: asks the orchestrator's desk for seats, knows which attempt runs where, and carries
 * reports to the orchestrator in the order in which they were made.
 */
export class Floor {
  readonly scratch: string
  /** Only tests with such a full name are reported; null: all. */
  readonly testName: RegExp | null
  readonly #post: (message: FromHost) => void
  readonly #asks = new Map<number, (seat: HostSeat | null) => void>()
  readonly #attempts = new Map<string, Attempt>()
  readonly #kills = new Map<string, (how?: 'now') => void>()
  readonly #settled = new Set<string>()
  #lastAsk = 0
  #lastProcess = 0
  #stopping = false

  constructor(scratch: string, testName: string | null, post: (message: FromHost) => void) {
    this.scratch = scratch
    this.testName = testName === null ? null : new RegExp(testName)
    this.#post = post
  }

  get stopping(): boolean {
    return this.#stopping
  }

  /** A number for each worker process, for the names of its scratch files. */
  nextProcess(): number {
    return ++this.#lastProcess
  }

  /** Waits for a seat for the file; `held`: in the process that holds this one. null: the file is dropped. */
  async seat(file: string, held: HostSeat | null): Promise<HostSeat | null> {
    if (this.#stopping) return this.#drop(file)
    const ask = ++this.#lastAsk
    const answer = new Promise<HostSeat | null>((resolve) => this.#asks.set(ask, resolve))
    this.#post({ type: 'ask', ask, file, held: held?.id ?? null })
    return (await answer) ?? this.#drop(file)
  }

  answer(ask: number, seat: HostSeat | null): void {
    this.#asks.get(ask)?.(seat)
    this.#asks.delete(ask)
  }

  spawned(seat: HostSeat, pid: number): void {
    this.#post({ type: 'spawned', seat: seat.id, pid })
  }

  left(seat: HostSeat): void {
    this.#post({ type: 'left', seat: seat.id })
  }

  /** From `started` to `stopped`, reports on the file reach this attempt. */
  opened(attempt: Attempt, kill: (how?: 'now') => void): void {
    this.#attempts.set(attempt.file, attempt)
    this.#kills.set(attempt.file, kill)
  }

  closed(attempt: Attempt): void {
    this.#attempts.delete(attempt.file)
    this.#kills.delete(attempt.file)
    this.#settled.add(attempt.file)
  }

  attempt(file: string | undefined): Attempt | undefined {
    return file === undefined ? undefined : this.#attempts.get(file)
  }

  /** Whether the file was stopped or dropped: nothing more will be said of it. */
  isSettled(file: string): boolean {
    return this.#settled.has(file)
  }

  kill(file: string, how?: 'now'): void {
    this.#kills.get(file)?.(how)
  }

  /** Drops whatever waits and kills whatever runs. */
  stop(how?: 'now'): void {
    this.#stopping = true
    for (const ask of this.#asks.keys()) this.answer(ask, null)
    for (const kill of this.#kills.values()) kill(how)
  }

  #drop(file: string): null {
    this.#settled.add(file)
    return null
  }
}
