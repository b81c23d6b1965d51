import { expect, test } from 'vitest'
import { cutAtPlaceholders, placeholdersOf, withoutTestName } from '../../../src/core/command.ts'
import fc from '../../support/property.ts'

test('a text is cut at its placeholders, and at nothing else', () => {
  expect(cutAtPlaceholders('a {file}{junit} ${file} {nope} {a b} {testName}')).toEqual({
    pieces: ['a ', '', ' ${file} {nope} {a b} ', ''],
    names: ['file', 'junit', 'testName'],
  })
})

test('the pieces and placeholders make up the text', () => {
  const part = fc.oneof(fc.string(), fc.constantFrom('{file}', '{junit}', '{testName}', '{shard}', '$', '{', '}'))
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const text = parts.join('')
      const { pieces, names } = cutAtPlaceholders(text)
      expect(pieces).toHaveLength(names.length + 1)
      expect(pieces.map((piece, at) => piece + (names[at] ? `{${names[at]}}` : '')).join('')).toBe(text)
    }),
  )
})

test('without a name to look for, its word is left out', () => {
  expect(withoutTestName('go test -run={testName} {file} -v')).toBe('go test  {file} -v')
  expect(withoutTestName(['go', '-run={testName}', '{file}'])).toEqual(['go', '{file}'])
  expect([...placeholdersOf(['a', '-k{testName}', '{file}'])]).toEqual(['testName', 'file'])
})
