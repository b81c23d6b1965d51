import { test } from 'vitest'

test('first', () => {})
// vitest makes process.exit an error of the test; this is what native code does.
test('exits', () => (process as unknown as { reallyExit(code: number): void }).reallyExit(0))
test('third', () => {})
