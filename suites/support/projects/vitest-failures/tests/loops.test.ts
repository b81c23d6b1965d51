import { writeSync } from 'node:fs'
import { expect, test } from 'vitest'

test('finishes first', () => {})
test('fails first', () => expect(1).toBe(2))
test('loops for ever', () => {
  writeSync(1, 'looping\n')
  for (;;);
})
test('never starts', () => {})
