import { test } from 'vitest'

console.log('while importing')
test('talks', () => {
  console.error('to stderr')
  process.stdout.write('raw, with ünïcode\n')
})
test('talks far too much', async () => {
  for (let i = 0; i < 300; i++) process.stdout.write('x'.repeat(8 * 1024))
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
})
