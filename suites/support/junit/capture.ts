/**
 * Makes captured/*.xml anew: the same few tests, run by real runners. `node suites/support/junit/capture.ts`.
 *
 * npm's runners are installed into a temporary folder; vitest 4 and 5 are those of this repository; pytest, go and
 * gotestsum are used when they are on PATH (Debian has python3-pytest, golang-go and gotestsum), and left alone when not.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'

const here = import.meta.dirname
const root = path.resolve(here, '../../..')
const PACKAGES = [
  'jest@30.5.2',
  'jest-junit@17.0.0',
  // mocha-junit-reporter does not work with mocha 12.
  'mocha@10.8.2',
  'mocha-junit-reporter@2.2.1',
  'mocha-12@npm:mocha@12.0.3',
  '@playwright/test@1.65.1',
]
const LIMIT_MS = 120_000

/** What each runner of JavaScript is given: 2 passed, 1 failed, 1 skipped; `{0}` is what it imports. */
const SUITE = `describe('outer <&> "ü"', () => {
  test('adds', () => {})
  describe('inner', () => {
    test('fails: ]]> <b>', () => { console.log('some output'); throw new Error('boom <&> \\u001b[31mred\\u001b[0m') })
    test.skip('is skipped', () => {})
  })
})
test('adds', () => {})
`
const project = realpathSync(mkdtempSync(path.join(tmpdir(), 'tiershard-capture-')))
try {
  write('package.json', '{ "private": true }')
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', ...PACKAGES], {
    cwd: project,
    stdio: 'inherit',
  })
  vitest('vitest-5', path.join(root, 'node_modules/vitest'))
  vitest('vitest-4', path.join(root, 'suites/support/vitest-4/node_modules/vitest'))
  jest()
  mocha()
  nodeTest()
  playwright()
  pytest()
  gotestsum()
} finally {
  rmSync(project, { recursive: true, force: true })
}

function vitest(name: string, home: string): void {
  write(`${name}/a.test.js`, `import { describe, test } from 'vitest'\n${SUITE}`)
  write(`${name}/package.json`, '{ "type": "module" }')
  mkdirSync(path.join(project, name, 'node_modules'))
  symlinkSync(home, path.join(project, name, 'node_modules/vitest'))
  run(name, process.execPath, [path.join(home, 'vitest.mjs'), 'run', '--reporter=junit', '--outputFile=out.xml'])
}

function jest(): void {
  write('jest/a.test.js', SUITE)
  write('jest/package.json', '{ "jest": { "reporters": [["jest-junit", { "outputName": "out.xml" }]] } }')
  run('jest', bin('jest'), ['--rootDir', '.'])
}

function mocha(): void {
  write('mocha/a.test.js', SUITE.replaceAll('test.skip(', 'it.skip(').replaceAll('test(', 'it('))
  run('mocha', bin('mocha'), [
    '--reporter',
    'mocha-junit-reporter',
    '--reporter-options',
    'mochaFile=out.xml',
    'a.test.js',
  ])
  const mocha12 = path.join(project, 'node_modules/mocha-12/bin/mocha.js')
  cpSync(path.join(project, 'mocha'), path.join(project, 'mocha-xunit'), { recursive: true })
  run('mocha-xunit', process.execPath, [mocha12, '--reporter=xunit', '--reporter-option=output=out.xml', 'a.test.js'])
}

function nodeTest(): void {
  write('node/a.test.mjs', `import { describe, test } from 'node:test'\n${SUITE}`)
  run('node', process.execPath, [
    '--test',
    '--test-reporter=junit',
    '--test-reporter-destination=out.xml',
    'a.test.mjs',
  ])
}

function playwright(): void {
  const suite = SUITE.replaceAll('describe(', 'test.describe(').replaceAll('() => { console', 'async () => { console')
  write(
    'playwright/a.spec.mjs',
    `import { test } from '@playwright/test'\n${suite.replace("\ntest('adds'", "\ntest('adds twice'")}`,
  )
  write(
    'playwright/playwright.config.mjs',
    `export default { retries: 1, reporter: [['junit', { outputFile: 'out.xml' }]] }\n`,
  )
  run('playwright', bin('playwright'), ['test'])
}

function pytest(): void {
  const code = `import pytest, sys

@pytest.fixture
def broken():
    raise RuntimeError('no <server>')

def test_adds(record_property):
    record_property('key', 'va"lue')

@pytest.mark.parametrize('x', ['<&>', '\\x1b[31m', 'ü'])
def test_parameter(x):
    print('out', x)
    assert x == 'ü'

@pytest.mark.skip(reason='not <now>')
def test_skipped():
    pass

def test_setup(broken):
    pass
`
  write('pytest/test_a.py', code)
  run('pytest', 'pytest', ['-p', 'no:cacheprovider', '--junitxml=out.xml'])
}

function gotestsum(): void {
  write('gotestsum/go.mod', 'module example.com/a\n\ngo 1.19\n')
  write(
    'gotestsum/a_test.go',
    `package a

import "testing"

func TestAdds(t *testing.T) {}

func TestSub(t *testing.T) {
	t.Run("fails <&>", func(t *testing.T) { t.Fatal("boom ]]> \\x1b[31m") })
	t.Run("skips", func(t *testing.T) { t.Skip("not now") })
}
`,
  )
  write(
    'gotestsum/broken/b_test.go',
    'package broken\n\nimport "testing"\n\nfunc TestB(t *testing.T) { undefined() }\n',
  )
  run('gotestsum', 'gotestsum', ['--junitfile', 'out.xml', './...'])
}

/** Runs one runner in its folder and keeps its report, without what differs between machines. */
function run(name: string, command: string, args: readonly string[]): void {
  const cwd = path.join(project, name)
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([key]) => !/^(?:VITEST|TIERSHARD_|NODE_TEST|CI$|FORCE_COLOR|NODE_OPTIONS)/.test(key),
    ),
  )
  const { error, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: LIMIT_MS })
  const report = path.join(cwd, 'out.xml')
  if (error || !existsSync(report)) {
    process.stdout.write(`${name}: left alone: ${error?.message ?? stderr.trim()}\n`)
    return
  }
  const text = readFileSync(report, 'utf8')
    .replaceAll(project, '/project')
    .replaceAll(hostname(), 'host')
    .replaceAll(root, '/runner')
  writeFileSync(path.join(here, 'captured', `${name}.xml`), text)
  process.stdout.write(`${name}: ${text.length} characters\n`)
}

function bin(name: string): string {
  return path.join(project, 'node_modules/.bin', name)
}

function write(file: string, text: string): void {
  const whole = path.join(project, file)
  mkdirSync(path.dirname(whole), { recursive: true })
  writeFileSync(whole, text)
}
