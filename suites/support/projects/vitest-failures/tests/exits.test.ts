import { test } from 'vitest'

test('is retried and then exits', { retry: 1 }, ({ task }) => {
  if (task.result?.retryCount === 0) throw new Error('the first try')
  ;(process as unknown as { reallyExit(code: number): void }).reallyExit(7)
})
test('never starts', () => {})
