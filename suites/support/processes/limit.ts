import { setTimeout as sleep } from 'node:timers/promises'

/** Less than a test has, so that it ends with what was missing and not with its time. */
const LIMIT_MS = 100_000

/** What the promise comes to; rejects when that takes too long, saying what was waited for. */
export async function inTime<T>(what: () => string, promise: Promise<T>, limitMs = LIMIT_MS): Promise<T> {
  const over = new AbortController()
  const late = sleep(limitMs, undefined, over).then((): never => {
    throw new Error(`not within ${limitMs / 1000} s: ${what()}`)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    over.abort()
  }
}
