import { once } from 'node:events'

/**
 * What the work comes to, or a rejection once the time is over or the signal says so; the work is then left alone.
 *
 * @param limitMs ms
 */
export async function limited<T>(work: () => Promise<T>, limitMs: number, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw new Error('cancelled')
  const working = work()
  const limit = AbortSignal.any([AbortSignal.timeout(limitMs), signal])
  const late = once(limit, 'abort').then(() => {
    throw new Error(signal.aborted ? 'cancelled' : `no answer within ${limitMs / 1000} s`)
  })
  return Promise.race([working, late])
}
