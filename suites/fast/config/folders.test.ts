import picomatch from 'picomatch'
import { expect, test } from 'vitest'
import { suitesFromFolders } from '../../../src/config/folders.ts'
import { tempProject } from '../../support/config/project.ts'

const TIERS = ['fast', 'standard', 'extended']

test('a suite for each folder with tests, one for the files beside them, none for the rest', () => {
  const root = tempProject({
    'suites/fast/top.test.ts': '',
    'suites/fast/redis/deep/er/a.spec.mjs': '',
    'suites/fast/cli/a.test.tsx': '',
    'suites/fast/empty/readme.md': '',
    'suites/fast/node_modules/pkg/a.test.js': '',
    'suites/standard/storm/a.test.cts': '',
    'suites/other/a.test.ts': '',
  })
  const suites = suitesFromFolders(root, TIERS)
  expect(suites.map(({ name, tier, isolation }) => [name, tier, isolation])).toEqual([
    ['fast', 'fast', 'db'],
    ['fast/cli', 'fast', 'db'],
    ['fast/redis', 'fast', 'db'],
    ['standard/storm', 'standard', 'db'],
  ])
  const takers = (file: string): string[] =>
    suites.filter((suite) => picomatch([...suite.files])(file)).map((suite) => suite.name)
  expect(takers('suites/fast/top.test.ts')).toEqual(['fast'])
  expect(takers('suites/fast/redis/deep/er/a.spec.mjs')).toEqual(['fast/redis'])
  expect(takers('suites/fast/cli/a.test.tsx')).toEqual(['fast/cli'])
  expect(takers('suites/standard/storm/a.test.cts')).toEqual(['standard/storm'])
  expect(takers('suites/fast/redis/helper.ts')).toEqual([])
})

test('folders whose names mean something in globs', () => {
  const root = tempProject({ 'suites/fast/[a](b)+{c,d}!/x.test.ts': '', 'suites/fast/a/x.test.ts': '' })
  const [, odd] = suitesFromFolders(root, TIERS).toSorted((a, b) => a.name.length - b.name.length)
  const takes = picomatch([...odd!.files])
  expect(takes('suites/fast/[a](b)+{c,d}!/x.test.ts')).toBe(true)
  expect(takes('suites/fast/a/x.test.ts')).toBe(false)
})

test('a project without the folder has no suites', () => {
  expect(suitesFromFolders(tempProject({}), TIERS)).toEqual([])
})
