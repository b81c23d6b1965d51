import type { Client, QueryResultRow } from 'pg'
import type { Cause } from '../../core/ending.ts'
import { causeOf, connect, disconnect, isLate, isLost } from './client.ts'

export type Answer<Row> =
  | { readonly ok: true; readonly rows: readonly Row[] }
  | {
      readonly ok: false
      readonly cause: Cause
      /** The SQLSTATE, or the code of the system. */
      readonly code: string | undefined
      /** The connection was lost on the way, and there is another: nobody knows whether it was done. */
      readonly lost: boolean
    }

export type ConnectedAdmin =
  | { readonly ok: true; readonly admin: Admin }
  | { readonly ok: false; readonly cause: Cause }

/**
 * The connection to a server that is always there. One that is lost is replaced by another, once at a time: something in
 * between may cut an idle connection, and that is no end of the server.
 */
export class Admin {
  readonly #url: string
  readonly #application: string
  #client: Client
  /** The answer to the last question. */
  #turn: Promise<unknown> = Promise.resolve()
  #replacing: Promise<void> | null = null
  #gone: Cause | null = null
  #closed = false
  #onGone: (cause: Cause) => void = () => {}

  static async connect(url: string, application: string): Promise<ConnectedAdmin> {
    const connected = await connect(url, application)
    return connected.ok ? { ok: true, admin: new Admin(url, application, connected.client) } : connected
  }

  private constructor(url: string, application: string, client: Client) {
    this.#url = url
    this.#application = application
    this.#client = client
    this.#watch(client)
  }

  /** Why there is no connection any more; null while there is one. */
  get gone(): Cause | null {
    return this.#gone
  }

  /** Calls back when a lost connection could not be replaced. */
  whenGone(callback: (cause: Cause) => void): void {
    this.#onGone = callback
  }

  /** Asks when all that was asked before is answered. */
  ask<Row extends QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Answer<Row>> {
    const answer = this.#turn.then(() => this.#ask<Row>(sql, values))
    this.#turn = answer
    return answer
  }

  async #ask<Row extends QueryResultRow>(sql: string, values: readonly unknown[]): Promise<Answer<Row>> {
    await this.#replacing
    const client = this.#client
    try {
      const { rows } = await client.query<Row>(sql, [...values])
      return { ok: true, rows }
    } catch (error) {
      const late = isLate(error)
      // What is late may be answered at any time, and nothing else before it.
      if (late || isLost(error)) await this.#replace(client)
      const lost = !late && isLost(error) && this.#gone === null
      return { ok: false, cause: causeOf(error, this.#url), code: (error as { code?: string }).code, lost }
    }
  }

  /** The same, and once more when the connection was lost: for what does no harm when it is done twice. */
  async askAgain<Row extends QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Answer<Row>> {
    const answer = await this.ask<Row>(sql, values)
    return !answer.ok && answer.lost ? this.ask<Row>(sql, values) : answer
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#replacing
    await disconnect(this.#client)
  }

  #watch(client: Client): void {
    client.once('end', () => void this.#replace(client))
  }

  #replace(lost: Client): Promise<void> {
    if (lost !== this.#client || this.#gone !== null || this.#closed) return this.#replacing ?? Promise.resolve()
    return (this.#replacing ??= this.#connectAgain(lost).finally(() => (this.#replacing = null)))
  }

  async #connectAgain(lost: Client): Promise<void> {
    void disconnect(lost)
    const connected = await connect(this.#url, this.#application)
    if (connected.ok) {
      this.#client = connected.client
      this.#watch(connected.client)
      return
    }
    this.#gone = connected.cause
    if (!this.#closed) this.#onGone(connected.cause)
  }
}
