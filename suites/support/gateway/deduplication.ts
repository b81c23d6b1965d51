import type { Redis } from 'ioredis'

/**
 * Claims a fingerprint for an alert.
 *
 * One atomic command (SET with NX and GET, Redis 7): of any number of equal alerts at once exactly one gets the
 * claim, and all others learn who has it.
 *
 * @returns null when the claim is ours, else the id of the alert that has it
 */
export function claim(redis: Redis, key: string, id: string, ttlMs: number): Promise<string | null> {
  return redis.set(key, id, 'PX', ttlMs, 'NX', 'GET')
}

const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0`

/**
 * Gives a claim back, so that an alert that could not be handled is no duplicate when it is sent again. Compares
 * first: a claim that ran out and went to another alert stays.
 */
export async function unclaim(redis: Redis, key: string, id: string): Promise<boolean> {
  return (await redis.eval(RELEASE, 1, key, id)) === 1
}
