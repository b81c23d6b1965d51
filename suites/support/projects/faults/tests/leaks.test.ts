import { Redis } from 'ioredis'
import { test } from 'vitest'

test('first', async () => {
  const redis = new Redis(process.env['REDIS_URL']!)
  setInterval(() => void redis.incr('leaked'), 5)
  await redis.set('left', 'behind')
})
