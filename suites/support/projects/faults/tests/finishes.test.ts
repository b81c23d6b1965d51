import { test } from 'vitest'

test('first', () => {})
test('second', () => {})
