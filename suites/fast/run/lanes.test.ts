import { describe, expect, test } from 'vitest'
import type { Lease } from '../../../src/core/ports.ts'
import { openLanes, type Lane } from '../../../src/run/lanes.ts'
import { fakeLease } from '../../support/run/fakes.ts'

const leases = (count: number): Lease[] => Array.from({ length: count }, (_, i) => fakeLease(i + 1))

describe('lanes', () => {
  test('a lane is held by one taker at a time', async () => {
    const lanes = openLanes(leases(1), 1)
    const first = await lanes.take(true, 0)
    const order: string[] = []
    const second = lanes.take(true, 0).then((lane) => {
      order.push('second got it')
      return lane
    })
    await Promise.resolve()
    order.push('given back')
    lanes.give(first!)
    expect(await second).toBe(first)
    expect(order).toEqual(['given back', 'second got it'])
  })

  test('a file without Redis leaves the databases to those that need one', async () => {
    const lanes = openLanes(leases(1), 2)
    const plain = await lanes.take(false, 0)
    expect(plain!.lease).toBeNull()
    const leased = await lanes.take(true, 0)
    expect(leased!.lease?.database).toBe(1)
  })

  test('a file without Redis takes a leased lane rather than wait', async () => {
    const lanes = openLanes(leases(1), 1)
    expect((await lanes.take(false, 0))!.lease?.database).toBe(1)
  })

  test('waiting takers get nothing once the last fitting lane is retired', async () => {
    const lanes = openLanes(leases(1), 2)
    const lane = await lanes.take(true, 0)
    const waiting = lanes.take(true, 0)
    lanes.retire(lane!)
    expect(await waiting).toBeNull()
    expect(await lanes.take(false, 0)).not.toBeNull()
  })

  test('a retired lane that is given back stays out', async () => {
    const lanes = openLanes(leases(2), 2)
    const [a, b] = (await Promise.all([lanes.take(true, 0), lanes.take(true, 0)])) as [Lane, Lane]
    lanes.retire(a)
    lanes.give(a)
    lanes.give(b)
    expect(await lanes.take(true, 0)).toBe(b)
  })

  test('of those that wait, the one with the lowest place is next', async () => {
    const lanes = openLanes(leases(1), 1)
    const lane = await lanes.take(true, 9)
    const order: number[] = []
    const wait = async (place: number): Promise<void> => {
      const given = await lanes.take(true, place)
      order.push(place)
      lanes.give(given!)
    }
    const waiting = [5, 3, 8, 3, 1].map(wait)
    lanes.give(lane!)
    await Promise.all(waiting)
    expect(order).toEqual([1, 3, 3, 5, 8])
  })

  test('closing ends every wait, and nothing is handed out afterwards', async () => {
    const lanes = openLanes(leases(1), 1)
    const lane = await lanes.take(true, 0)
    const waiting = [lanes.take(true, 0), lanes.take(false, 0)]
    lanes.close()
    expect(await Promise.all(waiting)).toEqual([null, null])
    lanes.give(lane!)
    expect(await lanes.take(true, 0)).toBeNull()
  })
})
