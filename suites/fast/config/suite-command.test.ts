import { describe, expect, test } from 'vitest'
import { mistakesOf } from '../../support/config/source.ts'

/** The mistakes of a suite in short: key, problem, hint. */
function short(suite: object): string[] {
  return mistakesOf({ suites: { py: { tier: 'fast', ...suite } } }).map(({ path, problem, hint }) =>
    [path.slice(2).join('.'), problem, ...(hint ? [hint] : [])].join(' | '),
  )
}

const command = (run: unknown, more: object = {}): object => ({ engine: 'command', files: 't/*.py', run, ...more })
const QUOTES = 'leave the quotes out: what is filled in is quoted already'

test.each([
  'pytest {file} --junitxml={junit}',
  'FOO=1 pytest {file} --junitxml={junit} -k{testName} --port 700{shard}',
  ['pytest', '{file}', '--junitxml={junit}', '-k{testName}'],
  `{file} "--format={name}" > {junit}`,
  `awk '{print}' {file} > {junit}; echo \${HOME} {a,b}`,
  String.raw`cat it\'s {file} > {junit}`,
])('%s is right', (run) => {
  expect(short(command(run))).toEqual([])
})

test('a command that prints the files makes {file} free', () => {
  const suite = { engine: 'command', run: 'make test OUT={junit}' }
  expect(short({ ...suite, discover: "go list -f '{{.ImportPath}}' ./..." })).toEqual([])
  expect(short({ ...suite, discover: ['ls', 'tests'] })).toEqual([])
  expect(short({ ...suite, files: 't/**' })).toEqual([
    "run | the command does not say which file it runs | as in run: 'pytest {file} --junitxml={junit}'",
  ])
})

describe('mistakes', () => {
  test('a suite without what its engine needs', () => {
    expect(short({})).toEqual([' | suites.py.files is missing'])
    expect(short({ engine: 'command' })).toEqual([
      " | suites.py.run is missing | run: 'pytest {file} --junitxml={junit}'",
      " | suites.py.files is missing | say which files there are: files: 'tests/**/test_*.py', or a command that prints them: discover",
    ])
  })

  test('what belongs to the other engine', () => {
    const hint = "set engine: 'command' for a suite of another runner"
    expect(short({ files: 'a/**', run: 'pytest {file} {junit}', discover: 'ls' })).toEqual([
      `run | run in a suite that vitest runs | ${hint}`,
      `discover | discover in a suite that vitest runs | ${hint}`,
    ])
  })

  test('an engine that there is not is all that is said of it', () => {
    expect(short({ engine: 'comand', files: 'a/**', run: 'x' })).toEqual([
      "engine | suites.py.engine is not right | did you mean 'command'?",
    ])
  })

  test('two answers to which files there are', () => {
    expect(short(command('pytest {file} {junit}', { discover: 'ls {file}', exclude: 'x/**' }))).toEqual([
      'files | files beside discover: the command alone says what there is | leave files or discover out',
      'exclude | exclude beside discover: the command alone says what there is | leave exclude or discover out',
      'discover | {file} in discover: nothing is filled in there',
    ])
  })

  test('a command that does not say where its report goes', () => {
    expect(short(command(['pytest', '{file}']))).toEqual([
      "run | the command does not say where its report goes | as in run: 'pytest {file} --junitxml={junit}'",
    ])
  })

  test.each([
    ['pytest {file} {jnuit} {junit}', '{jnuit} is nothing that is filled in | did you mean {junit}?'],
    [
      'pytest {file} {junit} {redis.url}',
      '{redis.url} is nothing that is filled in | the command finds its Redis in the environment: REDIS_URL',
    ],
    [
      'x {file} {junit} {somethingelse}',
      "{somethingelse} is nothing that is filled in | put it in quotes if the braces are meant for the command: '{somethingelse}'",
    ],
    ['pytest "{file}" {junit}', `{file} stands in quotes | ${QUOTES}`],
    ["pytest {file} --junitxml='{junit}'", `{junit} stands in quotes | ${QUOTES}`],
    [
      'x {file} {junit} "a b"{testName}',
      '{testName} is in a word with more than plain text | without --test-name the whole word is left out: write an option as one, --grep={testName}',
    ],
  ])('%s', (run, problem) => {
    expect(short(command(run))).toEqual([`run | ${problem}`])
  })

  test.each(['', ' ', [], [''], [1], {}, 'a\0b'])('%o is no command', (run) => {
    expect(short(command(run))[0]).toBe('run | suites.py.run is not right')
  })
})
