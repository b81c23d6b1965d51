import { once } from 'node:events'
import net from 'node:net'
import type { Cause } from '../core/ending.ts'
import type { Started } from './embedded/start.ts'
import type { Place } from './own.ts'

const STANDARD_PORT = 6_379
/** 127.0.0.1 is left out: that is where clients end that were told no address, and where a Redis of the machine is. */
const ADDRESSES = Array.from({ length: 253 }, (_, index) => `127.0.0.${index + 2}`)

/** Starts a server of the shard that it was made for. */
export type Start = (signal: AbortSignal) => Promise<Started>

/**
 * Servers at the port that clients take by themselves, each on a loopback address of its own. An address is taken by
 * binding it, so that runs of one machine keep out of each other's way, and out of everybody else's. Linux has all of
 * 127.0.0.0/8; macOS has 127.0.0.1 alone, unless it was given more.
 */
export class StandardPort {
  readonly #startAt: (place: Place, signal: AbortSignal) => Promise<Started>
  readonly #addresses: readonly string[]
  readonly #port: number
  /** The addresses that this run's shards have, or are trying. */
  readonly #ours = new Set<string>()

  constructor(
    startAt: (place: Place, signal: AbortSignal) => Promise<Started>,
    { addresses = ADDRESSES, port = STANDARD_PORT }: { addresses?: readonly string[]; port?: number } = {},
  ) {
    this.#startAt = startAt
    this.#addresses = addresses
    this.#port = port
  }

  /** For one shard, which keeps its address from file to file unless somebody else takes it in between. */
  forShard(): Start {
    let kept: string | null = null
    return async (signal) => {
      for (const host of kept === null ? this.#addresses : [kept, ...this.#addresses]) {
        if (host !== kept && this.#ours.has(host)) continue
        this.#ours.add(host)
        const started = await this.#try({ host, port: this.#port }, signal)
        if (started.ok) kept = host
        else this.#ours.delete(host)
        if (started.ok || started.cause.code !== 'port-taken') return started
        if (host === kept) kept = null
      }
      return { ok: false, cause: this.#allTaken() }
    }
  }

  /** Looks first: to start a server takes longer than to find out that it could not. */
  async #try(place: Place, signal: AbortSignal): Promise<Started> {
    const problem = await bindable(place)
    if (problem === null) return this.#startAt(place, signal)
    return { ok: false, cause: problem === 'EADDRINUSE' ? this.#allTaken() : noAddress(place, problem) }
  }

  #allTaken(): Cause {
    return {
      code: 'port-taken',
      message: `Port ${this.#port} is taken on every address from ${this.#addresses[0]} to ${this.#addresses.at(-1)}.`,
      remedy:
        "A server that listens on all addresses (0.0.0.0 or ::) takes the port on each of them: bind it to 127.0.0.1, stop it, or do without `port: 'standard'`.",
    }
  }
}

/** null: a server could listen there; else the code of the error. */
async function bindable({ host, port }: Place): Promise<string | null> {
  const server = net.createServer().listen(port, host)
  try {
    await once(server, 'listening')
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'an error'
  } finally {
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
}

function noAddress({ host, port }: Place, code: string): Cause {
  return {
    code: 'redis-start-failed',
    message: `A server cannot listen at ${host}:${port} (${code}), which \`port: 'standard'\` needs for a shard.`,
    remedy: `Linux has all addresses of 127.0.0.0/8; macOS gets one with \`sudo ifconfig lo0 alias ${host}\`. Or do without \`port: 'standard'\`.`,
  }
}
