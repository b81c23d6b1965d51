import { describe, test } from 'vitest'
describe.skip('a skipped suite', () => {
  test.only('is skipped, whatever it says', () => {})
  test('is skipped with it', () => {})
})
