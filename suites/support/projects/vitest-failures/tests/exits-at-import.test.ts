import { test } from 'vitest'

;(process as unknown as { reallyExit(code: number): void }).reallyExit(3)
test('is never collected', () => {})
