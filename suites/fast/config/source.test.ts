import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { maskSecrets, parseSource } from '../../../src/config/source.ts'

test.for([
  ['redis://user:pw@host:1/2', 'redis://*******@host:1/2'],
  ["source: 'rediss://:pw@host', x", "source: 'rediss://***@host', x"],
  ['redis://u:p/w@d@host', 'redis://*******@host'],
  ['rediss+sentinel://u:p/w@d@host:1/m', 'rediss+sentinel://*******@host:1/m'],
  ['REDIS://u:p@h and redis://u:p@h', 'REDIS://***@h and redis://***@h'],
  ['https://token@host/@scope/pkg', 'https://*****@host/@scope/pkg'],
] as const)('%s', ([text, masked]) => {
  expect(maskSecrets(text)).toBe(masked)
})

test.for(['redis://host:6379', 'file:///a/node_modules/@babel/parser', 'mail a@b', 'https://host/@scope'])(
  'nothing to hide in %s',
  (text) => {
    expect(maskSecrets(text)).toBe(text)
  },
)

test('property: no password of a Redis URL is left, and the length stays', () => {
  const password = fc.stringMatching(/^[A-Za-z0-9/:@%+-]{6,20}$/)
  fc.assert(
    fc.property(password, fc.string(), (password, before) => {
      const text = `${before} redis://user:${password}@host:6379`
      const masked = maskSecrets(text)
      expect(masked.slice(before.length)).not.toContain(password)
      expect(masked).toHaveLength(text.length)
    }),
  )
})

test('sources', () => {
  expect(parseSource('local', 'config')).toEqual({ kind: 'local' })
  expect(parseSource('rediss://h/1', '--redis')).toEqual({ kind: 'url', url: 'rediss://h/1', from: '--redis' })
  for (const url of ['redis+sentinel://a:1,b/m/3', 'rediss+sentinel://:pw@a/m']) {
    expect(parseSource(url, 'config')).toEqual({ kind: 'url', url, from: 'config' })
  }
  for (const text of ['', 'http://h', 'redis://', 'redis:///1', 'redis://h/x', 'Local', 'h:6379']) {
    expect(parseSource(text, 'config')).toBeNull()
  }
})
