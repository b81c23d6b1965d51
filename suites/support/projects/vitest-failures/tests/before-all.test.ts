import { beforeAll, describe, expect, test } from 'vitest'

describe('a suite', () => {
  beforeAll(() => {
    throw new Error('no server to be had')
  })
  test('needs the server', () => expect(1).toBe(1))
})
test('needs nothing', () => {})
