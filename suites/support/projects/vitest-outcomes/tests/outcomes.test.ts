import { describe, expect, test } from 'vitest'

describe('arithmetic', () => {
  test('adds', () => expect(1 + 1).toBe(2))
  test('adds', () => expect(1 + 2).toBe(3))
  test.skip('is skipped', () => {})
  test.todo('is planned')
  test('is skipped while it runs', ({ skip }) => skip('no such feature here'))
  test('fails', () => expect({ a: 1, same: true }).toEqual({ a: 2, same: true }))
  test('takes too long', () => new Promise(() => {}), 50)
  test('fails with a cause', () => {
    throw new TypeError('outer', { cause: new Error('inner') })
  })
  let tries = 0
  test('is flaky', { retry: 2 }, () => {
    tries++
    if (tries < 2) throw new Error(`try ${tries}`)
  })
  test.fails('fails as expected', () => expect(1).toBe(2))
})
describe.skip('a skipped suite', () => {
  test('is skipped with it', () => {})
})
