import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { parseDuration } from '../../../src/config/duration.ts'

test.for([
  ['500ms', 500],
  ['90s', 90_000],
  ['15m', 900_000],
  ['1h', 3_600_000],
  ['1.5h', 5_400_000],
  [' 2 m ', 120_000],
] as const)('%s', ([text, ms]) => {
  expect(parseDuration(text)).toBe(ms)
})

test.for(['', '90', '90 seconds', '1d', '-5s', '1m30s', '0x10s', 'NaNs', '5S', '1e3s'])('%o is none', (text) => {
  expect(parseDuration(text)).toBeNull()
})

test('property: whole numbers with a unit are read exactly, and nothing makes it throw', () => {
  const factors = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
  const unit = fc.constantFrom('ms', 's', 'm', 'h' as const)
  fc.assert(
    fc.property(fc.nat(100_000), unit, fc.string(), (count, unit, text) => {
      expect(parseDuration(`${count}${unit}`)).toBe(count * factors[unit])
      expect(() => parseDuration(text)).not.toThrow()
    }),
  )
})
