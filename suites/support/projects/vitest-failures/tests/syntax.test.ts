import { test } from 'vitest'

test('is cut off', () => {
