import type { Cause } from '../core/ending.ts'
import { refused } from './causes.ts'

export type Outcome = { readonly ok: true } | { readonly ok: false; readonly cause: Cause }

/** Something that starts after what it needs. */
interface Startable {
  readonly name: string
  readonly needs: readonly string[]
}

/**
 * Starts everything as soon as all that it needs has started, and the rest side by side. After the first failure nothing
 * more starts, and what is starting is aborted; the message says who is left without what failed. Resolves, or throws,
 * when nothing is starting any more.
 *
 * @param services without circles; needs that are not among them count as there
 * @param start gives up when the signal is aborted
 * @param all also those that are started later, for the message
 */
export async function startInOrder<S extends Startable>(
  services: readonly S[],
  start: (service: S, signal: AbortSignal) => Promise<Outcome>,
  signal: AbortSignal,
  all: readonly Startable[] = services,
): Promise<Outcome> {
  const failing = new AbortController()
  const either = AbortSignal.any([signal, failing.signal])
  const begun = new Map<string, Promise<void>>()
  let first: { readonly name: string; readonly cause: Cause } | null = null
  const begin = (service: S): Promise<void> => {
    const known = begun.get(service.name)
    if (known) return known
    const work = (async () => {
      const needs = services.filter(({ name }) => service.needs.includes(name))
      await Promise.all(needs.map(begin))
      if (first !== null) return
      const outcome = await start(service, either).catch((error: unknown): Outcome => ({
        ok: false,
        cause: refused(service.name, error),
      }))
      if (!outcome.ok && first === null) {
        first = { name: service.name, cause: outcome.cause }
        failing.abort()
      }
    })().catch((bug: unknown) => {
      failing.abort()
      throw bug
    })
    begun.set(service.name, work)
    return work
  }
  const ends = await Promise.allSettled(services.map(begin))
  const bug = ends.find((end) => end.status === 'rejected')
  if (bug) throw bug.reason
  return first === null ? { ok: true } : { ok: false, cause: withBereaved(first, all) }
}

function withBereaved({ name, cause }: { name: string; cause: Cause }, services: readonly Startable[]): Cause {
  const waits = (service: Startable): boolean =>
    service.needs.includes(name) || services.some((other) => service.needs.includes(other.name) && waits(other))
  const names = services.filter(waits).map((service) => service.name)
  if (names.length === 0) return cause
  const who = names.length === 1 ? `${names[0]} needs it and was` : `${names.join(', ')} need it and were`
  const [head = '', ...log] = cause.message.split('\n')
  return { ...cause, message: [`${head} ${who} not started.`, ...log].join('\n') }
}
