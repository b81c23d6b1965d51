import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadSettings } from '../../../src/config/index.ts'
import { inProcess } from '../../support/cli/runs.ts'
import { INSTALLED, tempProject } from '../../support/config/project.ts'

const TEST = "import { test } from 'vitest'\n"
const REDIS_TEST = `import { Redis } from 'ioredis'\n${TEST}`

/** A project in a git repository of its own, after `tiershard init`. */
async function initialised(files: Record<string, string>, ...options: string[]) {
  const cwd = tempProject({ '.git/HEAD': 'ref: refs/heads/main\n', ...INSTALLED, ...files })
  const finished = await inProcess(cwd, ['init', ...options])
  const read = (file: string): string => readFileSync(path.join(cwd, file), 'utf8')
  return { cwd, read, has: (file: string) => existsSync(path.join(cwd, file)), ...finished }
}

/** The suites of the config that was written, as tiershard reads it. */
async function suitesOf(cwd: string): Promise<unknown[]> {
  const loaded = await loadSettings({ cwd, configPath: null })
  if (!loaded.ok) throw new Error(loaded.report)
  return loaded.settings.suites.map(({ name, tier, files, isolation }) => [name, tier, files, isolation])
}

/** What runs the files of each suite of the config that was written. */
async function runsOf(cwd: string): Promise<unknown[]> {
  const loaded = await loadSettings({ cwd, configPath: null })
  if (!loaded.ok) throw new Error(loaded.report)
  return loaded.settings.suites.map((suite) => {
    const run = suite.engine === 'command' ? suite.run : suite.engine
    return [suite.name, suite.tier, suite.files, suite.exclude, run]
  })
}

describe('tiershard init', () => {
  test('an empty project gets a config, a first suite, a workflow and a line in .gitignore', async () => {
    const { cwd, read, stdout, exitCode } = await initialised({})
    expect(exitCode).toBe(0)
    expect(await suitesOf(cwd)).toEqual([['redis', 'standard', ['suites/standard/**/*.test.*'], 'db']])
    expect(read('suites/standard/redis.test.js')).toContain('process.env.REDIS_URL')
    expect(read('.github/workflows/tiershard.yml')).toContain('npx tiershard run --tier standard')
    expect(read('.gitignore')).toBe('reports/\n')
    expect(stdout).toContain('npm install --save-dev tiershard vitest ioredis\n')
    expect(stdout).toContain('npx tiershard run --tier standard\n')
  })

  test('a project with tests: a suite for each folder; those that mention Redis have a database', async () => {
    const { cwd, has, read } = await initialised({
      'package.json': '{ "type": "module", "devDependencies": { "vitest": "^5.0.0", "tiershard": "1" } }',
      'src/a/one.test.ts': TEST,
      'src/b/two.spec.tsx': TEST,
      'test/unit/three.test.js': TEST,
      'test/integration/four.test.ts': REDIS_TEST,
      'e2e/five.test.ts': TEST,
      'top.test.ts': TEST,
      'node_modules/dep/six.test.ts': REDIS_TEST,
      'dist/seven.test.js': REDIS_TEST,
    })
    expect(await suitesOf(cwd)).toEqual([
      ['root', 'fast', ['*.test.ts'], 'none'],
      ['e2e', 'extended', ['e2e/**/*.test.ts'], 'none'],
      ['src', 'fast', ['src/**/*.{spec.tsx,test.ts}'], 'none'],
      ['test-integration', 'standard', ['test/integration/**/*.test.ts'], 'db'],
      ['test-unit', 'fast', ['test/unit/**/*.test.js'], 'none'],
    ])
    expect(has('suites')).toBe(false)
    const workflow = read('.github/workflows/tiershard.yml')
    for (const tier of ['fast', 'standard', 'extended']) expect(workflow).toContain(`run --tier ${tier}\n`)
    expect(workflow).toContain('schedule:')
  })

  test('tests directly in a folder of tests take nothing from the suites below, which have a database', async () => {
    const { cwd } = await initialised({
      'tests/x.test.ts': TEST,
      'tests/cache/hit.test.ts': REDIS_TEST,
      'packages/a/one.test.ts': REDIS_TEST,
      'packages/two.test.ts': TEST,
    })
    expect(await suitesOf(cwd)).toEqual([
      ['packages', 'fast', ['packages/*.test.ts'], 'none'],
      ['packages-a', 'standard', ['packages/a/**/*.test.ts'], 'db'],
      ['tests', 'fast', ['tests/*.test.ts'], 'none'],
      ['tests-cache', 'standard', ['tests/cache/**/*.test.ts'], 'db'],
    ])
  })

  test('slow tests deep in a folder have a suite of their own', async () => {
    const { cwd } = await initialised({
      'packages/shop/__tests__/cart.test.ts': TEST,
      'packages/shop/__tests__/e2e/browser/pay.test.ts': TEST,
      'src/integration-tests/db.test.ts': REDIS_TEST,
      'src/unit/sum.test.ts': TEST,
    })
    expect(await runsOf(cwd)).toEqual([
      ['packages-shop', 'fast', ['packages/shop/**/*.test.ts'], ['packages/shop/__tests__/e2e/**'], 'vitest'],
      ['packages-shop-__tests__-e2e', 'extended', ['packages/shop/__tests__/e2e/**/*.test.ts'], [], 'vitest'],
      ['src', 'fast', ['src/**/*.test.ts'], ['src/integration-tests/**'], 'vitest'],
      ['src-integration-tests', 'standard', ['src/integration-tests/**/*.test.ts'], [], 'vitest'],
    ])
  })

  test('each suite is run by what its files import, or by what the project has', async () => {
    const { cwd, stdout } = await initialised({
      'package.json': '{ "devDependencies": { "mocha": "12" } }',
      'a/one.test.js': "const { test } = require('node:test')\n",
      'b/one.test.js': "import { test } from '@jest/globals'\n",
      'c/one.spec.js': "import { test } from '@playwright/test'\n",
      'd/one.test.js': "test('globals', () => {})\n",
      'e/one.test.js': `${TEST}writeFileSync('x', "import test from 'node:test'")\n`,
    })
    expect(await runsOf(cwd)).toEqual([
      ['a', 'fast', ['a/**/*.test.js'], [], expect.stringMatching(/^node --test .*=\{junit\} .*\{file\}$/)],
      [
        'b',
        'fast',
        ['b/**/*.test.js'],
        [],
        expect.stringMatching(/^JEST_JUNIT_OUTPUT_FILE=\{junit\} jest .*\{file\}$/),
      ],
      ['c', 'extended', ['c/**/*.spec.js'], [], expect.stringMatching(/^\w+=\{junit\} playwright test \{file\} /)],
      ['d', 'fast', ['d/**/*.test.js'], [], expect.stringMatching(/^mocha .*=output=\{junit\} .*\{file\}$/)],
      ['e', 'fast', ['e/**/*.test.js'], [], 'vitest'],
    ])
    expect(stdout).toContain('npm install --save-dev tiershard jest jest-junit @playwright/test vitest\n')
  })

  test('of two runners in one folder neither gets the files of the other', async () => {
    const node = "import { test } from 'node:test'\n"
    const alike = await initialised({ 'src/a.test.js': TEST, 'src/b.test.js': TEST, 'src/[c].test.js': node })
    expect(await runsOf(alike.cwd)).toEqual([
      ['src', 'fast', ['src/**/*.test.js'], ['src/\\[c\\].test.js'], 'vitest'],
      ['src-node-test', 'fast', ['src/\\[c\\].test.js'], [], expect.stringContaining('node --test')],
    ])
    const apart = await initialised({ 'src/a.test.ts': TEST, 'src/b.test.mjs': node })
    expect(await runsOf(apart.cwd)).toEqual([
      ['src', 'fast', ['src/**/*.test.ts'], [], 'vitest'],
      ['src-node-test', 'fast', ['src/**/*.test.mjs'], [], expect.stringContaining('node --test')],
    ])
  })

  test('where no file is named like a test, vitest has a rule of its own: files in folders of tests with tests in them', async () => {
    const files = {
      '__tests__/base.js': "import { x } from './helper'\ndescribe('x', () => {})\n",
      '__tests__/more.ts': "  it.each([1])('x', () => {})\n",
      '__tests__/deep/helper.jsx': 'export const latest = x\n',
      '__tests__/types.d.ts': 'test()\n',
      'src/testing.js': "test('no test: the folder is not one of tests', () => {})\n",
    }
    const vitest = await initialised({ ...files, 'package.json': '{ "devDependencies": { "vitest": "^5.0.0" } }' })
    expect(await suitesOf(vitest.cwd)).toEqual([['tests', 'fast', ['__tests__/*.{js,ts}'], 'none']])
    const other = await initialised({ ...files, 'package.json': '{ "devDependencies": { "mocha": "12" } }' })
    expect(other.has('suites/standard/redis.test.js')).toBe(true)
  })

  test('the word Redis counts where a package.json knows it as well; an import, a URL or a variable by itself', async () => {
    const word = `${TEST}test('x', () => timing({ desc: 'Redis' }))\n`
    const files = {
      'a/a.test.ts': word,
      'b/b.test.ts': `${TEST}connect('redis://127.0.0.1')\n`,
      'c/c.test.ts': `${TEST}import { store } from '../src/redis-store'\n`,
      'd/d.test.ts': `${TEST}connect(process.env.REDIS_URL)\n`,
    }
    const isolations = async (cwd: string): Promise<unknown[]> =>
      (await suitesOf(cwd)).map((suite) => (suite as unknown[])[3])
    expect(await isolations((await initialised(files)).cwd)).toEqual(['none', 'db', 'db', 'db'])
    const known = await initialised({ ...files, 'packages/x/package.json': '{ "dependencies": { "ioredis": "5" } }' })
    expect(await isolations(known.cwd)).toEqual(['db', 'db', 'db', 'db'])
  })

  test('configs of vitest that are not read are named', async () => {
    const configs = {
      'packages/a/vitest.config.ts': '',
      'packages/b/vitest.config.ts': '',
      'packages/b/test/fixtures/vitest.config.ts': '',
      'packages/a/x.test.ts': TEST,
    }
    const { stdout } = await initialised(configs)
    expect(stdout).toContain('vitest does not read packages/a/vitest.config.ts and 1 more by itself')
    expect((await initialised({ ...configs, 'vite.config.js': '' })).stdout).not.toContain('does not read')
  })

  test.each([
    ['its field in package.json', { 'package.json': '{ "packageManager": "yarn@4.9.1+sha512.0" }' }, 'yarn add --dev'],
    ['its workspace', { 'pnpm-workspace.yaml': '' }, 'pnpm add --save-dev'],
    ['the repository above', { 'pnpm-lock.yaml': '', 'app/package.json': '{}' }, 'pnpm add --save-dev'],
    [
      'nothing above the repository',
      { 'pnpm-lock.yaml': '', 'app/package.json': '{}', 'app/.git/HEAD': '' },
      'npm install',
    ],
  ] as const)('the package manager is known by %s', async (_, files, add) => {
    const cwd = tempProject({ '.git/HEAD': '', 'package.json': '{}', ...files })
    const { stdout } = await inProcess('app/package.json' in files ? path.join(cwd, 'app') : cwd, ['init', '--dry-run'])
    expect(stdout).toContain(`\n  ${add} `)
  })

  test('folders with signs of globs and quotes, and two that give one name', async () => {
    const { cwd } = await initialised({
      "packages/it's [new]/a.test.ts": TEST,
      'x.y/a.test.ts': TEST,
      'x-y/a.test.ts': TEST,
      '__tests__/a.test.ts': TEST,
    })
    expect(await suitesOf(cwd)).toEqual([
      ['tests', 'fast', ['__tests__/*.test.ts'], 'none'],
      ['packages-it-s-new', 'fast', ["packages/it's \\[new\\]/**/*.test.ts"], 'none'],
      ['x-y', 'fast', ['x-y/**/*.test.ts'], 'none'],
      ['x-y-2', 'fast', ['x.y/**/*.test.ts'], 'none'],
    ])
  })

  test('nothing that is there is changed; a second time does nothing', async () => {
    const mine = 'export default { suites: {} }\n'
    const files = { 'tiershard.config.js': mine, '.gitignore': 'node_modules', 'src/a.test.ts': TEST }
    const first = await initialised(files, '--no-ci')
    expect(first.read('tiershard.config.js')).toBe(mine)
    expect(first.stdout).toContain('kept tiershard.config.js')
    expect(first.has('.github')).toBe(false)
    expect(first.read('.gitignore')).toBe('node_modules')

    const fresh = await initialised({ '.gitignore': 'node_modules', 'src/a.test.ts': TEST })
    expect(fresh.read('.gitignore')).toBe('node_modules\nreports/\n')
    const before = fresh.read('tiershard.config.mjs')
    const again = await inProcess(fresh.cwd, ['init'])
    expect(again.exitCode).toBe(0)
    expect(again.stdout).not.toMatch(/^(wrote|added)/m)
    expect(fresh.read('tiershard.config.mjs')).toBe(before)
    expect(fresh.read('.gitignore')).toBe('node_modules\nreports/\n')
  })

  test('beside a config that was there nothing is written from guesses, and it says so', async () => {
    const mine = "export default { suites: { all: { tier: 'fast', files: 'checks/**/*.ts', isolation: 'none' } } }\n"
    const { has, stdout, exitCode } = await initialised({ 'tiershard.config.mjs': mine })
    expect(exitCode).toBe(0)
    expect(has('suites')).toBe(false)
    expect(has('.github')).toBe(false)
    expect(stdout).toMatch(/^note: no first suite is written: .* tiershard\.config\.mjs$/m)
    expect(stdout).toMatch(/^note: no workflow is written: tiershard\.config\.mjs was there/m)
    expect(stdout).toContain('npm install --save-dev tiershard vitest\n')
    expect(stdout).toContain('npx tiershard run\n')

    const withTests = await initialised({ 'tiershard.config.mjs': mine, 'src/a.test.ts': TEST }, '--no-ci')
    expect(withTests.stdout).not.toContain('note:')

    const withWorkflow = await initialised({
      'tiershard.config.mjs': mine,
      '.github/workflows/tiershard.yml': 'on: push',
    })
    expect(withWorkflow.stdout).toContain('kept .github/workflows/tiershard.yml')
    expect(withWorkflow.stdout).not.toContain('no workflow is written')
  })

  test('a folder "reports" of somebody else is left alone', async () => {
    const { cwd, read } = await initialised({ 'reports/2025.md': '# Sales', 'src/a.test.ts': TEST })
    const loaded = await loadSettings({ cwd, configPath: null })
    expect(loaded).toMatchObject({ ok: true, settings: { reportsDir: path.join(cwd, 'tiershard-reports') } })
    expect(read('.gitignore')).toBe('tiershard-reports/\n')
  })

  test('TypeScript, the Redis client and the package manager of the project', async () => {
    const { read, stdout } = await initialised({
      'package.json': '{ "dependencies": { "redis": "5" }, "devDependencies": { "vitest": "^3.2.0" } }',
      'tsconfig.json': '{}',
      'pnpm-lock.yaml': '',
    })
    expect(read('tiershard.config.ts')).toContain("from 'tiershard'")
    expect(read('suites/standard/redis.test.ts')).toContain("from 'redis'")
    expect(read('.github/workflows/tiershard.yml')).toContain('- run: pnpm install --frozen-lockfile\n')
    expect(stdout).toContain('note: vitest ^3.2.0 is too old: tiershard needs 4.1 or newer')
    expect(stdout).toContain('pnpm add --save-dev tiershard\n')
  })

  test('no workflow where none would be read', async () => {
    const gitlab = await initialised({ '.gitlab-ci.yml': '' })
    expect(gitlab.has('.github')).toBe(false)
    expect(gitlab.stdout).toContain('note: no workflow is written')
    mkdirSync(path.join(gitlab.cwd, 'app'))
    const cwd = tempProject({ '.git/HEAD': '', 'app/package.json': '{}' })
    const { stdout } = await inProcess(path.join(cwd, 'app'), ['init'])
    expect(stdout).toContain(`workflows belong into ${cwd}/.github/workflows`)
    expect(existsSync(path.join(cwd, 'app/.github'))).toBe(false)
  })

  test('--dry-run prints the files and writes nothing', async () => {
    const { stdout, has } = await initialised({ 'src/a.test.ts': TEST }, '--dry-run')
    expect(stdout).toContain("src: { tier: 'fast', files: 'src/**/*.test.ts', isolation: 'none' },")
    expect(has('tiershard.config.mjs')).toBe(false)
    expect(has('.gitignore')).toBe(false)
  })

  test.for([
    ['there is no package.json', {}, 'There is no package.json in'],
    ['package.json is broken', { 'package.json': '{' }, 'cannot be read'],
    [
      'a file is in the way',
      { '.github': 'a file', 'package.json': '{}' },
      '.github/workflows/tiershard.yml cannot be written',
    ],
  ] as const)('%s: exit 2, and what to do', async ([, files, message]) => {
    const cwd = tempProject({ 'below/x': '', ...files })
    const where = 'package.json' in files ? cwd : path.join(cwd, 'below')
    const { exitCode, stderr } = await inProcess(where, ['init'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('    at ')
  })
})
