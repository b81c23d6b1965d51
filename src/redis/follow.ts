import net from 'node:net'
import tls from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { AbstractConnector } from 'ioredis'
import type { Address } from './address.ts'
import { tlsOptions } from './tls.ts'

const PAUSE_MS = 100

/**
 * A connector of ioredis that looks where the server is now before every dial. It never fails, because ioredis gives a
 * client up for good when its connector does: it looks again until there is a master, or the client is closed.
 */
export function following(
  follow: () => Promise<Address | null>,
  moved: (address: Address) => void,
): new (options: unknown) => AbstractConnector {
  return class extends AbstractConnector {
    constructor(options: unknown) {
      super((options as { readonly disconnectTimeout: number }).disconnectTimeout)
    }

    override async connect(): Promise<net.Socket> {
      this.connecting = true
      while (this.connecting) {
        const address = await follow()
        if (address !== null && this.connecting) {
          moved(address)
          const { host, port } = address
          this.stream = address.tls
            ? tls.connect({ host, port, ...tlsOptions(host, address.secure) })
            : net.connect({ host, port })
          return this.stream
        }
        await sleep(PAUSE_MS)
      }
      throw new Error('Connection is closed.')
    }
  }
}
