import type { Finding } from '../core/findings.ts'
import { ClientWatch } from './clients.ts'
import type { AdminConnection } from './connection.ts'

/**
 * Looks for tests that work past their leases: on a server of the run's own nobody but them can be logged in as its default
 * user, and whoever has a lease's REDIS_URL is not.
 */
export class Outsiders {
  readonly #clients: ClientWatch
  #found = false

  constructor(connection: AdminConnection) {
    this.#clients = new ClientWatch(connection, 'of nobody', 2)
  }

  /** Found once is enough: after that nothing is looked for. */
  async look(): Promise<Finding[]> {
    if (this.#found) return []
    const clients = (await this.#clients.staying()) ?? []
    if (clients.length === 0) return []
    this.#found = true
    const who = clients.length === 1 ? 'a connection works' : 'connections work'
    return [
      {
        check: 'outsiders',
        severity: 'warning',
        evidence: `${who} past every lease, logged in as the default user: ${clients.join('; ')}`,
        remedy:
          'These tests share a database (0, unless they choose one) with each other, and nothing flushes it. Let them use REDIS_URL, or ' +
          "REDIS_USERNAME, REDIS_PASSWORD and REDIS_DB with REDIS_HOST and REDIS_PORT; or give their suite isolation: 'server'.",
      },
    ]
  }
}
