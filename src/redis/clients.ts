import { setTimeout as sleep } from 'node:timers/promises'
import type { AdminConnection } from './connection.ts'

/** A server with more clients than this is not asked again: the list takes it longer than a neighbour should wait. */
const MOST_CLIENTS = 2_000
/** A process that has just gone may still have connections that the server has not seen end: so it is asked again, after ms. */
const PAUSES_MS = [1, 5, 20, 50, 100] as const
const MOST_NAMED = 10
/** The last command of a client that has not said yet who it is. */
const LOGGING_IN = /^(?:NULL|hello|auth|client(?:\|.*)?)$/i

/** Whose connections are looked for. */
export type Whose =
  | { readonly user: string }
  | { readonly database: number }
  /** Of the default user, and not about to log in as another one: a busy client may take its time. */
  | 'of nobody'
  /** Everybody but us. */
  | 'all'

/** Looks for connections that outlived the process of their file. */
export class ClientWatch {
  readonly #connection: AdminConnection
  readonly #whose: Whose
  readonly #most: number
  #able = true

  /** @param most how many are named at most */
  constructor(connection: AdminConnection, whose: Whose, most = MOST_NAMED) {
    this.#connection = connection
    this.#whose = whose
    this.#most = most
  }

  /** Where clients that stay connected come from: `127.0.0.1:50312 (worker)`. null: it cannot be said. */
  async staying(): Promise<readonly string[] | null> {
    let found = await this.#look()
    for (const pause of PAUSES_MS) {
      if (found === null || found.length === 0) break
      await sleep(pause)
      found = await this.#look()
    }
    if (found === null || found.length <= this.#most) return found
    return [...found.slice(0, this.#most), `and ${found.length - this.#most} more`]
  }

  async #look(): Promise<readonly string[] | null> {
    if (!this.#able) return null
    const answer = await this.#connection.run({ command: 'CLIENT', args: ['LIST'], patienceMs: 0, repeatable: true })
    if (!answer.ok) {
      this.#able = answer.cause.code !== 'redis-denied'
      return null
    }
    const lines = String(answer.value).split('\n').filter(Boolean)
    this.#able = lines.length <= MOST_CLIENTS
    return lines.flatMap((line) => this.#describe(line) ?? [])
  }

  /** null: not one of those looked for. */
  #describe(line: string): string | null {
    const fields = new Map([...line.matchAll(/([\w-]+)=(\S*)/g)].map(([, name, value]) => [name!, value!]))
    const name = fields.get('name') ?? ''
    if (!this.#fits(fields) || name === 'tiershard') return null
    const address = fields.get('addr') || `client ${fields.get('id')}`
    const doing = fields.get('cmd')
    return `${address}${name === '' ? '' : ` (${name})`}${doing === undefined ? '' : `, last command ${doing}`}`
  }

  #fits(fields: ReadonlyMap<string, string>): boolean {
    if (this.#whose === 'all') return true
    if (this.#whose === 'of nobody') {
      return fields.get('user') === 'default' && !LOGGING_IN.test(fields.get('cmd') ?? 'NULL')
    }
    if ('user' in this.#whose) return fields.get('user') === this.#whose.user
    return fields.get('db') === String(this.#whose.database)
  }
}
