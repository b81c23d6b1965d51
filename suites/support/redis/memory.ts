import type { Redis } from 'ioredis'

/**
 * Fills a server of a test's own until it answers OOM, and takes away the slack that is left, so that the next
 * write is refused however small it is. Returns what makes room again.
 */
export async function fillMemory(redis: Redis, key: string): Promise<() => Promise<void>> {
  const limit = Number((await redis.config('GET', 'maxmemory'))[1])
  if (!limit) throw new Error('the server has no maxmemory')
  let chunks = 0
  const full = async (): Promise<boolean> => {
    try {
      await redis.rpush(key, Buffer.alloc(64 * 1024))
      return false
    } catch (error) {
      if (String(error).includes('OOM')) return true
      throw error
    }
  }
  while (!(await full())) {
    if (++chunks * 64 * 1024 > limit) throw new Error('the server took more than its maxmemory')
  }
  await redis.config('SET', 'maxmemory', Math.floor(limit * 0.85))
  return async () => {
    await redis.del(key)
    await redis.config('SET', 'maxmemory', limit)
  }
}
