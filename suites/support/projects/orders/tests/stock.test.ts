import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { order } from './orders.ts'

const database = new pg.Client({ connectionString: process.env['DATABASE_URL'] })
await database.connect()
afterAll(() => database.end())

test('orders are taken as long as there is stock', async () => {
  expect(await order('chair')).toBe(201)
  expect(await order('chair')).toBe(409)
})

test('the first order of a file has the number 1, since its database is new', async () => {
  const { rows } = await database.query('SELECT id, product FROM orders')
  expect(rows).toEqual([{ id: '1', product: 'chair' }])
})
