import { describe, expect, test } from 'vitest'
import { tiershard } from '../../support/cli/binary.ts'
import { IMPORT_DEFINE_CONFIG, tempProject } from '../../support/config/project.ts'

test('a config with five mistakes: all of them at once, exit 2, nothing started', async () => {
  const config = `${IMPORT_DEFINE_CONFIG}

export default defineConfig({
  tiers: { fast: { deadline: '90', shrads: 2 } },
  suites: { main: { tier: 'fsat', files: '/etc/**', env: { A: '{redis.ulr}' } } },
} as object)
`
  const { exitCode, stdout, stderr } = await tiershard(tempProject({ 'tiershard.config.ts': config }), ['run'])
  expect(exitCode).toBe(2)
  expect(stdout).toBe('')
  expect(stderr.split('\n').filter((line) => line.startsWith('tiershard.config.ts:'))).toEqual([
    'tiershard.config.ts:4:30 tiers.fast.deadline is not right',
    'tiershard.config.ts:4:36 unknown option "shrads" in tiers.fast',
    'tiershard.config.ts:5:27 there is no such tier',
    'tiershard.config.ts:5:42 suites.main.files[0] is not right',
    'tiershard.config.ts:5:63 suites.main.env.A is not right',
  ])
})

describe('a config that does not load', () => {
  test.for([
    ['a syntax error', 'export default {\n  a: 1\n  b: 2,\n}', 'tiershard.config.ts:3:3 syntax error'],
    [
      'an error that it throws',
      'const x: { y: string } = null!\nexport default { reports: x.y }',
      'tiershard.config.ts:2:29 TypeError',
    ],
    ['something else that it throws', 'throw "no way"', "tiershard.config.ts it threw 'no way'"],
    [
      'a package that is not there',
      "import 'no-such-pkg'\nexport default {}",
      "tiershard.config.ts:1:8 cannot find the package 'no-such-pkg'",
    ],
    [
      'a file that is not there',
      "import './no.ts'\nexport default {}",
      "tiershard.config.ts:1:8 cannot find the module 'no.ts'",
    ],
    ['no default export', 'export const config = {}', 'it has no default export'],
    [
      'a name that a module lacks',
      "import { nope } from 'node:fs'\nexport default nope",
      'tiershard.config.ts:1:10 SyntaxError',
    ],
    [
      'TypeScript that is not only types',
      'enum A { B }\nexport default { a: A.B }',
      'tiershard.config.ts:1:1 TypeScript enum is not supported',
    ],
    [
      'a syntax error in a file that it imports',
      "import a from './shared.ts'\nexport default a",
      'shared.ts:2:5 syntax error',
    ],
  ] as const)('%s', async ([, source, head]) => {
    const cwd = tempProject({ 'tiershard.config.ts': source, 'shared.ts': 'export default {\n  b 2 }' })
    const { exitCode, stdout, stderr } = await tiershard(cwd, ['plan'])
    expect(exitCode).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain('tiershard.config.ts cannot be loaded')
    expect(stderr).toContain(head)
    expect(stderr).not.toMatch(/\n\s+at |Warning/)
  })
})

test('an unknown tier: the near name and the tiers there are', async () => {
  const { exitCode, stderr } = await tiershard(tempProject({ 'suites/standard/a/x.test.ts': '' }), [
    'run',
    '--tier',
    'standart',
  ])
  expect(exitCode).toBe(2)
  expect(stderr).toContain('There is no tier "standart". Did you mean "standard"?')
  expect(stderr).toContain('  standard  standard/a')
})
