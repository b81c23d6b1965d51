import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Waits for some work, but no longer than a time in ms, and until the signal is aborted. The work goes on.
 *
 * @returns undefined when it was not done by then
 */
export async function within<T>(work: Promise<T>, limitMs: number, signal?: AbortSignal): Promise<T | undefined> {
  const over = new AbortController()
  const either = signal ? AbortSignal.any([over.signal, signal]) : over.signal
  const late = sleep(limitMs, undefined, { signal: either }).catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    over.abort()
  }
}
