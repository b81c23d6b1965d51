import type { Cause } from '../core/ending.ts'
import type { ServerFacts } from '../core/events.ts'
import { unfit } from '../core/findings.ts'
import type { Resolved } from '../core/ports.ts'
import type { RedisSettings } from '../core/settings.ts'
import { findGuard } from './acl.ts'
import type { Address } from './address.ts'
import { goneCause, tooFewCause } from './causes.ts'
import { AdminConnection } from './connection.ts'
import { examine, type Examination, type Origin } from './facts.ts'
import { LeaseDesk } from './leases.ts'
import { Outsiders } from './outsiders.ts'
import { pulse } from './pulse.ts'

export type Opened =
  | (Examination & { readonly ok: true; readonly facts: ServerFacts; readonly connection: AdminConnection })
  | { readonly ok: false; readonly cause: Cause }

/** What is ours behind an address, a process or a way to it, and ends with the connection. */
export interface Owned {
  stop(): Promise<void>
  /** Only for a process of ours, which does not come back; see `OwnServer`. */
  onExit?(callback: (why: string) => void): void
  /** Calls back once when the way is closed for good. */
  onGone?(callback: (cause: Cause) => void): void
}

/** Connects to a server and proves that a run can work on it. */
export async function connect(address: Address, origin: Origin, signal: AbortSignal, patienceMs = 0): Promise<Opened> {
  const opened = await AdminConnection.open(address, signal, patienceMs)
  if (!opened.ok) return opened
  const { facts, ...more } = await examine(opened.connection, origin, signal)
  if (facts) return { ok: true, connection: opened.connection, facts, ...more }
  opened.connection.close()
  return { ok: false, cause: unfit(more.findings)! }
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
  // A server of ours that is gone does not come back.
  const opened = await connect(address, origin, signal, own?.onExit === undefined ? settings.patienceMs : 0)
  if (!opened.ok) {
    await own?.stop()
    return opened
  }
  const { connection, findings, embedded, replicas } = opened
  const refused = async (cause: Cause): Promise<Resolved> => {
    connection.close()
    await own?.stop()
    return { ok: false, cause }
  }
  const candidates =
    origin.source === 'embedded' && !embedded
      ? impostor(opened.facts)
      : (unfit(findings) ?? leasable(opened.facts, settings))
  if (!Array.isArray(candidates)) return refused(candidates)
  const guard = await findGuard(connection, opened.facts.product, settings.acl ?? 'auto')
  if ('cause' in guard) return refused(guard.cause)
  const facts: ServerFacts = { ...opened.facts, enforcement: guard.enforcement }
  const desk = new LeaseDesk({ connection, facts, candidates, embedded, replicated: replicas > 0, guard })
  // Everything else that a server of ours has to do with is a test.
  const alone = own?.onExit !== undefined && guard.enforcement.by === 'acl'
  const outsiders = alone ? new Outsiders(connection) : null
  own?.onGone?.((cause) => connection.giveUp(cause))
  own?.onExit?.((why) => connection.giveUp(goneCause(address.label, `its process ended (${why})`)))
  const close = async (): Promise<void> => {
    await desk.close()
    connection.close()
    await own?.stop()
  }
  return {
    ok: true,
    server: {
      facts,
      findings,
      lease: (request) => desk.lease(request),
      pulse: () => pulse(connection, facts.control, outsiders),
      onGone: (callback) => connection.onGone(callback),
      giveUp: (cause) => connection.giveUp(cause),
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
export function leasable({ databases, control, address }: ServerFacts, settings: RedisSettings): number[] | Cause {
  const chosen = new Set(settings.databases ?? Array.from({ length: databases }, (_, index) => index))
  const missing = [...chosen].filter((database) => database >= databases)
  if (missing.length > 0) {
    return tooFewCause(address, `has ${databases} databases, so there is no database ${missing.join(', ')} to lease`)
  }
  chosen.delete(control)
  if (chosen.size > 0) return [...chosen]
  return tooFewCause(address, `leaves no database to lease besides the control database ${control}`)
}
