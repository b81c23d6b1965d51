import type { Ledger } from './ledger.ts'

/** The time that the retries of a tier may take in all. */
export class RetryLimit {
  readonly #tier: string
  readonly #ledger: Ledger
  readonly #over = new Set<string>()
  #untilMs = Infinity

  constructor(tier: string, ledger: Ledger) {
    this.#tier = tier
    this.#ledger = ledger
  }

  /** The files that were not tried again because of it. */
  get over(): ReadonlySet<string> {
    return this.#over
  }

  /** From now on files start only as retries, and only if they would be done by then; `performance.now()`, ms. */
  set(untilMs: number): void {
    this.#untilMs = untilMs
  }

  /** A retry that would take the tier's retries beyond their time; the attempt before says how long it takes. */
  refuses(file: string): boolean {
    if (this.#untilMs === Infinity) return false
    const before = this.#ledger.record.tiers.get(this.#tier)?.files.get(file)?.attempts.at(-1)?.durationMs ?? 0
    if (performance.now() + before <= this.#untilMs) return false
    this.#over.add(file)
    return true
  }
}
