/** Work that is under way, by whomever it is awaited. */
export class UnderWay {
  readonly #works = new Set<Promise<unknown>>()

  async add<T>(work: Promise<T>): Promise<T> {
    this.#works.add(work)
    try {
      return await work
    } finally {
      this.#works.delete(work)
    }
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#works.size > 0) await Promise.all(this.#works)
  }
}
