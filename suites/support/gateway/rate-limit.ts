import type { Redis } from 'ioredis'
import { replies } from './redis.ts'

export type Rate =
  | { readonly allowed: true; readonly left: number }
  | { readonly allowed: false; readonly retryAfterMs: number }

/**
 * Counts one request against a limit, in windows that start with the first request.
 *
 * INCR and PEXPIRE go in one transaction, and the expiry is set whenever there is none (NX, Redis 7): a process that
 * dies between the two cannot leave a counter behind that never runs out and locks a client out for good.
 */
export async function countRequest(redis: Redis, key: string, limit: number, windowMs: number): Promise<Rate> {
  const results = await redis.multi().incr(key).pexpire(key, windowMs, 'NX').pttl(key).exec()
  const [count, , ttlMs] = replies(results) as [number, number, number]
  if (count <= limit) return { allowed: true, left: limit - count }
  return { allowed: false, retryAfterMs: Math.max(1, ttlMs) }
}
