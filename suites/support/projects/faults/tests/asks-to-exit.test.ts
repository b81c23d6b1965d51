import { test } from 'vitest'

test('first', () => {})
test('asks to exit', () => process.exit(0))
test('third', () => {})
