import { expect, test } from 'vitest'

test('control \u0000\u001b[31m\u0007 characters', () => {})
test('emoji 👩‍👩‍👧 and ]]> and <xml>', () => {})
test('lone surrogate \ud800', () => {
  throw new Error('message with \udfff and \u0000')
})
test('a megabyte', () => {
  throw new Error(`big ${'m'.repeat(1024 * 1024)}`)
})
test('throws a string', () => {
  throw 'just a string'
})
test('throws nothing', () => {
  throw undefined
})
test('a diff in colours', () => expect('a\nb').toBe('a\nc'))
