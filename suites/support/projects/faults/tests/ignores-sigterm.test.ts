import { test } from 'vitest'

test('first', () => {})
test('does not end', { timeout: 60_000 }, async () => {
  process.on('SIGTERM', () => {})
  await new Promise(() => setInterval(() => {}, 1000))
})
test('third', () => {})
