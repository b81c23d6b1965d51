import type { Ending } from '../core/ending.ts'
import type { AttemptRef, PlannedFile } from '../core/events.ts'
import type { FileStop, Lease, Seat } from '../core/ports.ts'
import type { Lane } from './lanes.ts'
import type { Ledger } from './ledger.ts'

/** A file that has a seat. */
export interface Attempt {
  readonly file: PlannedFile
  readonly ref: AttemptRef
  readonly lane: Lane
  /** The lease whose database (or the server that) was opened for this file; null for a suite without Redis. */
  readonly lease: Lease | null
  readonly satAt: number
  started: boolean
  stop: FileStop | null
  /** The first cause of an end that the run itself decided. */
  reason: Ending | null
  timer: NodeJS.Timeout | undefined
}

/** The attempts of one desk that have a seat, or whose process is gone and whose ending is still to be written. */
export class Attempts {
  readonly #tier: string
  readonly #ledger: Ledger
  readonly #seated: Map<string, number>
  readonly #bySeat = new Map<Seat, Attempt>()
  readonly #byFile = new Map<string, Attempt>()

  /** @param seated by file, the number of the last attempt that got a seat at any desk of the tier */
  constructor(tier: string, ledger: Ledger, seated: Map<string, number>) {
    this.#tier = tier
    this.#ledger = ledger
    this.#seated = seated
  }

  open(seat: Seat, file: PlannedFile, lane: Lane, lease: Lease | null): void {
    const attempt: Attempt = {
      file,
      ref: { tier: this.#tier, file: file.id, attempt: this.#number(file) },
      lane,
      lease,
      satAt: performance.now(),
      started: false,
      stop: null,
      reason: null,
      timer: undefined,
    }
    this.#bySeat.set(seat, attempt)
    this.#byFile.set(file.id, attempt)
  }

  /** The attempt at a file that is under way. */
  at(file: string): Attempt {
    const attempt = this.#byFile.get(file)
    if (!attempt) throw new Error(`the engine reported on ${file}, which has no seat`)
    return attempt
  }

  all(): readonly Attempt[] {
    return [...this.#byFile.values()]
  }

  /** The attempt that had this seat, which nobody has from now on; null when it has been left before. */
  leave(seat: Seat): Attempt | null {
    const attempt = this.#bySeat.get(seat) ?? null
    this.#bySeat.delete(seat)
    return attempt
  }

  /** All that have a seat; nobody has one from now on. */
  leaveAll(): readonly Attempt[] {
    const attempts = [...this.#bySeat.values()]
    this.#bySeat.clear()
    return attempts
  }

  /** Nothing more is reported of an attempt. */
  close(attempt: Attempt): void {
    const { file, ref } = attempt
    // The file may have been given to another process meanwhile: its new attempt stays.
    if (this.#byFile.get(file.id) === attempt) this.#byFile.delete(file.id)
    // The number of one that did not start goes to the next.
    if (!attempt.started && this.#seated.get(file.id) === ref.attempt) this.#seated.set(file.id, ref.attempt - 1)
  }

  /** The number of the attempt that takes a seat now. */
  #number({ id, repeated }: PlannedFile): number {
    const known = this.#ledger.record.tiers.get(this.#tier)?.files.get(id)?.attempts.length ?? 0
    // Of repetitions, several may have a seat and not have started.
    const number = repeated ? Math.max(this.#seated.get(id) ?? 0, known) + 1 : known + 1
    this.#seated.set(id, number)
    return number
  }
}
