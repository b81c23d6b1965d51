import { test } from 'vitest'

test('first', async () => {
  void Promise.reject(new Error('nobody caught this'))
  await new Promise((resolve) => setTimeout(resolve, 10))
})
