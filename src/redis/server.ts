import type { Cause } from '../core/ending.ts'
import type { ServerFacts } from '../core/events.ts'
import type { Resolved } from '../core/ports.ts'
import type { RedisSettings } from '../core/settings.ts'
import type { Address } from './address.ts'
import { goneCause, tooFewCause } from './causes.ts'
import { AdminConnection } from './connection.ts'
import { probe, type Origin, type Probed } from './facts.ts'
import { LeaseDesk } from './leases.ts'
import type { OwnServer } from './own.ts'

export type Opened =
  | (Extract<Probed, { ok: true }> & { readonly connection: AdminConnection })
  | { readonly ok: false; readonly cause: Cause }

/** What ends with the connection. */
export interface Owned extends Pick<OwnServer, 'onExit' | 'stop'> {
  onGone?(callback: (cause: Cause) => void): void
}

/** Connects to a server and proves that a run can work on it. */
export async function connect(address: Address, origin: Origin, signal: AbortSignal): Promise<Opened> {
  const opened = await AdminConnection.open(address, signal)
  if (!opened.ok) return opened
  const probed = await probe(opened.connection, origin, signal)
  if (probed.ok) return { ...probed, connection: opened.connection }
  opened.connection.close()
  return probed
}

/**
 * A server with leases.
 *
 * @param own the process or tunnel behind the address if it is ours: stopped with the server, and its end is known at once
 */
export async function serve(
  address: Address,
  origin: Origin,
  settings: RedisSettings,
  signal: AbortSignal,
  own: Owned | null,
): Promise<Resolved> {
  const opened = await connect(address, origin, signal)
  if (!opened.ok) {
    await own?.stop()
    return opened
  }
  const { connection, facts, embedded, replicas } = opened
  const candidates = origin.source === 'embedded' && !embedded ? impostor(facts) : leasable(facts, settings)
  if (!Array.isArray(candidates)) {
    connection.close()
    await own?.stop()
    return { ok: false, cause: candidates }
  }
  const desk = new LeaseDesk({ connection, facts, candidates, embedded, replicated: replicas > 0 })
  own?.onGone?.((cause) => connection.giveUp(cause))
  own?.onExit((why) => connection.giveUp(goneCause(address.label, `its process ended (${why})`)))
  const close = async (): Promise<void> => {
    await desk.close()
    connection.close()
    await own?.stop()
  }
  return {
    ok: true,
    server: {
      facts,
      lease: (request) => desk.lease(request),
      onGone: (callback) => connection.onGone(callback),
      close,
    },
  }
}

/** The embedded server says of itself that it runs in WebAssembly; whatever does not is not the one that we started. */
function impostor(facts: ServerFacts): Cause {
  return {
    code: 'redis-start-failed',
    message: `Another server answers at ${facts.address}, where the embedded one was started.`,
    remedy: 'Run again.',
  }
}

/** The databases that may be leased: those of the settings, or all, and never the control database. */
function leasable({ databases, control, address }: ServerFacts, settings: RedisSettings): number[] | Cause {
  const chosen = new Set(settings.databases ?? Array.from({ length: databases }, (_, index) => index))
  const missing = [...chosen].filter((database) => database >= databases)
  if (missing.length > 0) {
    return tooFewCause(address, `has ${databases} databases, so there is no database ${missing.join(', ')} to lease`)
  }
  chosen.delete(control)
  if (chosen.size > 0) return [...chosen]
  return tooFewCause(address, `leaves no database to lease besides the control database ${control}`)
}
