import { expect, test } from 'vitest'
import { order } from './orders.ts'

test('an order that comes twice is taken once', async () => {
  expect(await order('chair', 'key-1')).toBe(201)
  expect(await order('chair', 'key-1')).toBe(200)
})

test('nobody else has bought the last chair before', async () => {
  expect(await order('chair', 'key-2')).toBe(409)
})
