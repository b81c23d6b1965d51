import { test } from 'vitest'

test('finishes first', () => {})
test('kills its process', async () => {
  process.kill(process.pid, 'SIGKILL')
  await new Promise(() => {})
})
test('never starts', () => {})
