import fc from '../../support/property.ts'
import { describe, expect, test } from 'vitest'
import { marked } from '../../support/config/source.ts'

const PLACE = ['tiers', 'fast', 'shards']

test.for([
  ['a plain object', `export default { tiers: { fast: { shards: 0 } } }`, '1:43 0'],
  ['defineConfig', `export default defineConfig({ tiers: { fast: { shards: 0 } } })`, '1:56 0'],
  ['satisfies', `export default { tiers: { fast: { shards: 0 } } } satisfies object`, '1:43 0'],
  ['as const inside', `export default { tiers: { fast: { shards: 0 } as const } as const }`, '1:43 0'],
  ['parentheses and !', `export default ({ tiers: ({ fast: { shards: 0 } })! })`, '1:45 0'],
  ['quoted keys', `export default { 'tiers': { "fast": { 'shards': 0 } } }`, '1:49 0'],
  ['a constant', `const config = { tiers: { fast: { shards: 0 } } }\nexport default config`, '1:43 0'],
  ['export as default', `const config = { tiers: { fast: { shards: 0 } } }\nexport { config as default }`, '1:43 0'],
  ['an exported constant', `export const fast = { shards: 0 }\nexport default { tiers: { fast } }`, '1:31 0'],
  ['a member of a constant', `const all = { a: { shards: 0 } }\nexport default { tiers: { fast: all.a } }`, '1:28 0'],
  ['a spread', `const base = { shards: 0 }\nexport default { tiers: { fast: { ...base } } }`, '1:24 0'],
  [
    'a spread that is overruled',
    `const base = { shards: 0 }\nexport default { tiers: { fast: { ...base, shards: 9 } } }`,
    '2:52 9',
  ],
  [
    'a spread that overrules',
    `const base = { shards: 0 }\nexport default { tiers: { fast: { shards: 9, ...base } } }`,
    '1:24 0',
  ],
] as const)('%s', ([, source, place]) => {
  expect(marked(source, PLACE)).toBe(place)
})

test('keys and entries of lists', () => {
  const source = `export default {\n  suites: { a: { tier: 'fast', files: ['x', 3] } },\n}`
  expect(marked(source, ['suites', 'a', 'tier'], 'key')).toBe('2:18 tier')
  expect(marked(source, ['suites', 'a', 'files', 1])).toBe('2:45 3')
})

test('a value over several lines is marked at its key', () => {
  expect(marked(`export default {\n  tiers: [\n    1,\n  ],\n}`, ['tiers'])).toBe('2:3 tiers')
})

describe('where a value is computed, the nearest place that is written down', () => {
  test.for([
    ['a call', `export default { tiers: { fast: make() } }`, '1:33 make()'],
    ['a condition', `export default { tiers: ci ? a : b }`, '1:25 ci ? a : b'],
    ['an import', `import { tiers } from './x.ts'\nexport default { tiers }`, '2:18 tiers'],
    ['a computed key', `export default { tiers: { [name]: { shards: 0 } } }`, '1:25 { [name]: { shards: 0 } }'],
    ['a spread of a call', `export default { tiers: { ...make() } }`, '1:25 { ...make() }'],
    ['a variable', `let fast = { shards: 0 }\nexport default { tiers: { fast } }`, '2:27 fast'],
    ['a circle', `const a = b\nconst b = a\nexport default { tiers: { fast: a } }`, '3:33 a'],
    ['an object that spreads itself', `const a = { ...a }\nexport default { tiers: a }`, '2:25 a'],
    ['all of it', `export default build()`, '1:16 build()'],
  ] as const)('%s', ([, source, place]) => {
    expect(marked(source, PLACE)).toBe(place)
  })
})

test('a file without a default export has no place', () => {
  expect(marked(`export const a = 1`, PLACE)).toBeNull()
})

test('property: the value of any path of a written object is found where it stands', () => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/)
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), fc.array(name, { maxLength: 3 }), (path, others) => {
      const before = others.filter((other) => other !== path[0]).map((other) => `${other}: 1,\n`)
      const inner = path.toReversed().reduce((value, key) => `{ '${key}': ${value} }`, '"here"')
      const source = `export default defineConfig({ ${before.join('')} ...${inner} })`
      expect(marked(source, path)).toMatch(/^\d+:\d+ "here"$/)
    }),
  )
})
