import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { leftBehind, prefixOf, readSample } from '../../../src/redis/leaks.ts'

test.for([
  ['counter', 'counter'],
  ['counter17', 'counter*'],
  ['user:16069', 'user:*'],
  ['storm:4:user:16069', 'storm:*:*'],
  ['bull:paint:17', 'bull:paint:*'],
  ['bull:paint:meta', 'bull:paint:*'],
  ['session:3f2504e0-4f89-41d3-9a0c-0305e82c3301', 'session:*'],
  ['', ''],
  ['x'.repeat(500), `${'x'.repeat(80)}*`],
])('%s comes from %s', ([name, prefix]) => expect(prefixOf(name!)).toBe(prefix))

const key = fc.record({
  name: fc.string(),
  type: fc.constantFrom('string', 'hash', 'list'),
  expires: fc.boolean(),
  bytes: fc.option(fc.nat(1000), { nil: null }),
})

test('the groups add up to the sample', () => {
  fc.assert(
    fc.property(fc.array(key, { maxLength: 15 }), (sample) => {
      const left = leftBehind(sample, null)
      expect(left.groups.reduce((sum, group) => sum + group.keys, 0)).toBe(sample.length)
      expect(left.groups.reduce((sum, group) => sum + group.withoutTtl, 0)).toBe(left.withoutTtl)
      expect(left.withoutTtl).toBe(sample.filter(({ expires }) => !expires).length)
      expect(left.bytes).toBe(sample.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0))
      const sizes = left.groups.map((group) => group.keys)
      expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
    }),
  )
})

test('many kinds of keys make a short list', () => {
  const sample = Array.from({ length: 2_000 }, (_, at) => ({
    name: `kind${'abcdefghijklmnop'[at % 16]}${'xyzw'[at % 4]}${String.fromCodePoint(97 + (at % 26))}:${at}`,
    type: 'hash',
    expires: false,
    bytes: 1,
  }))
  const left = leftBehind(sample, [])
  expect(left).toMatchObject({ sampled: 2_000, withoutTtl: 2_000, bytes: 2_000 })
  expect(left.groups).toHaveLength(20)
})

test('reads the answer of the script', () => {
  expect(readSample([7, 'a', 'hash', -1, 100, 'b', 'string', 50, -1])).toEqual({
    keys: 7,
    sample: [
      { name: 'a', type: 'hash', expires: false, bytes: 100 },
      { name: 'b', type: 'string', expires: true, bytes: null },
    ],
  })
})
