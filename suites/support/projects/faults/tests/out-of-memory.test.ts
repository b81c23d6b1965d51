import { test } from 'vitest'

test('first', () => {})
test('eats', () => {
  const all: unknown[] = []
  for (;;) all.push(Array.from({ length: 1000 }, () => all.length))
})
test('third', () => {})
