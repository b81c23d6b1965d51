import { test } from 'vitest'

for (let i = 0; i < 10_000; i++) test(`number ${i}`, () => {})
