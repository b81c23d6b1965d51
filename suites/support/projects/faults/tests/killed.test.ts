import { test } from 'vitest'

test('first', () => {})
test('is killed', async () => {
  process.kill(process.pid, 'SIGKILL')
  await new Promise(() => {})
})
test('third', () => {})
