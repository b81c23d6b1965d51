import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { Lines } from '../../../src/engines/command/lines.ts'
import { nameOf, testsOf } from '../../../src/engines/command/tests.ts'
import { signalBehind, stopOf, type Ended } from '../../../src/engines/command/verdict.ts'
import { readJUnit } from '../../../src/reports/merge/cases.ts'
import fc from '../../support/property.ts'

const captured = path.resolve(import.meta.dirname, '../../support/junit/captured')
let scratches = 0

async function testsIn(report: string, file: string): Promise<Record<string, string>> {
  const scratch = path.join(tmpdir(), `tiershard-cases-${process.pid}-${++scratches}.xml`)
  const { cases, state } = await readJUnit(path.resolve(captured, report), scratch)
  expect(state).toBe('whole')
  expect(() => readFileSync(scratch)).toThrow('ENOENT')
  rmSync(scratch, { force: true })
  return Object.fromEntries(testsOf(cases, file).results.map(({ name, outcome }) => [name, outcome]))
}

describe('the tests of real reports', () => {
  test('pytest', async () => {
    expect(await testsIn('pytest.xml', 'test_a.py')).toEqual({
      test_adds: 'passed',
      'test_parameter[<&>]': 'failed',
      [String.raw`test_parameter[\x1b[31m]`]: 'failed',
      [String.raw`test_parameter[\xfc]`]: 'passed',
      test_skipped: 'skipped',
      test_setup: 'failed',
    })
  })

  test('node:test, whose suites are inside of each other', async () => {
    const outer = 'outer <&> &quot;ü&quot;'
    expect(await testsIn('node.xml', 'a.test.mjs')).toEqual({
      [`${outer} > adds`]: 'passed',
      [`${outer} > inner > fails: ]]> <b>`]: 'failed',
      [`${outer} > inner > is skipped`]: 'skipped',
      adds: 'passed',
    })
  })

  test.each([
    ['node:test before Node 24', () => 'test'],
    ['node:test', (suite: string) => suite.replace(' > ', '.')],
  ])('%s: a suite that goes on after one inside of it keeps its name', async (_, classOf) => {
    const one = (suite: string, name: string): string => `<testcase name="${name}" classname="${classOf(suite)}"/>`
    const inner = `<testsuite name="inner">${one('outer > inner', 'adds')}</testsuite>`
    const outer = `<testsuite name="outer">${one('outer', 'adds')}${inner}${one('outer', 'is last')}${inner}</testsuite>`
    const file = path.join(tmpdir(), `tiershard-report-${process.pid}-${++scratches}.xml`)
    writeFileSync(file, `<testsuites>${outer}<testcase name="adds" classname="test"/></testsuites>`)
    const names = Object.keys(await testsIn(file, 'a.test.mjs'))
    rmSync(file)
    expect(names).toEqual([
      'outer > adds',
      'outer > inner > adds',
      'outer > is last',
      'outer > inner > adds #2',
      'adds',
    ])
  })

  test('mocha, whose class is a part of the name', async () => {
    expect(await testsIn('mocha.xml', 'a.test.js')).toEqual({
      adds: 'passed',
      'outer <&> "ü" adds': 'passed',
      'outer <&> "ü" inner fails: ]]> <b>': 'failed',
    })
  })

  test('gotestsum, by package', async () => {
    expect(Object.keys(await testsIn('gotestsum.xml', './a'))).toEqual([
      'TestSub/fails_<&>',
      'TestSub',
      'TestSub/skips',
      'TestAdds',
    ])
    expect(Object.keys(await testsIn('gotestsum.xml', './b'))[3]).toBe('example.com/a > TestAdds')
  })
})

describe('names', () => {
  test.each([
    ['tests.unit.test_a', 'test_x', 'tests/unit/test_a.py', 'test_x'],
    ['unit.test_a.TestGroup', 'test_x', 'tests/unit/test_a.py', 'TestGroup > test_x'],
    ['test_a', 'test_x', './tests/test_a.py', 'test_x'],
    [String.raw`App\Tests\UserTest`, 'testAdds', 'tests/UserTest.php', 'testAdds'],
    ['com.example.FooTest', 'adds', 'com.example.FooTest', 'adds'],
    ['Foo', 'adds', 'tests/bar.py', 'Foo > adds'],
    ['a', 'cat', 'x.py', 'a > cat'],
    ['', 'adds', 'x.py', 'adds'],
  ])('%s, %s in %s is "%s"', (classname, name, file, expected) => {
    expect(nameOf({ suite: 'any', classname, name }, file)).toBe(expected)
  })

  test.each([
    ['outer.inner', 'outer > inner > adds'],
    ['test', 'outer > inner > adds'],
    ['Other', 'Other > adds'],
  ])('of a case of class %s in suites', (classname, expected) => {
    expect(nameOf({ suite: 'outer > inner', classname, name: 'adds' }, 'a.test.mjs')).toBe(expected)
  })

  test('hold the name of the test, whatever a report and a file are called', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (suite, classname, name, file) => {
        expect(nameOf({ suite, classname, name }, file).endsWith(name)).toBe(true)
      }),
    )
  })
})

describe('verdicts', () => {
  const exit = { exitCode: 0, signal: null, outOfMemory: false, spawnError: null, leaked: [] }
  const ended = (over: Partial<Ended>, exitCode: number | null = 0): Ended => ({
    exit: { ...exit, exitCode },
    killed: false,
    report: { state: 'whole', problem: null, differences: [] },
    tests: 2,
    failed: 0,
    ...over,
  })
  const missing = { state: 'missing', problem: 'there is no such file', differences: [] } as const

  test('only exit code 0 with a whole report, or failed tests, need no explanation', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom('whole', 'partial', 'missing'),
        fc.nat(2),
        (exitCode, state, failed) => {
          const stop = stopOf(ended({ report: { ...missing, state }, failed }, exitCode))
          const isPlain = stop.kind === 'completed' && stop.errors.length === 0
          expect(isPlain).toBe(state === 'whole' && (exitCode === 0 || failed > 0))
        },
      ),
    )
  })

  test('a shell that has not found a command says so', () => {
    const stop = stopOf(ended({ report: missing, tests: 0 }, 127))
    expect(stop).toMatchObject({ kind: 'died', exitCode: 127 })
    expect(stop.errors[0]!.message).toContain('exit code 127 (the shell did not find a command)')
  })

  test('a process that never was, and one that was to end', () => {
    const spawnError = new Error('spawn EMFILE')
    const none = stopOf(ended({ exit: { ...exit, exitCode: null, spawnError }, report: missing }))
    expect(none).toMatchObject({ kind: 'died', errors: [{ message: expect.stringContaining('EMFILE') }] })
    const killed = stopOf(
      ended({ exit: { ...exit, exitCode: null, signal: 'SIGTERM' }, killed: true, report: missing }),
    )
    expect(killed).toMatchObject({ kind: 'died', signal: 'SIGTERM', errors: [] })
  })

  test('signals behind exit codes', () => {
    expect([0, 1, 128, 137, 143, 255, null].map(signalBehind)).toEqual([
      null,
      null,
      null,
      'SIGKILL',
      'SIGTERM',
      null,
      null,
    ])
  })
})

test('output is passed on in whole lines, and nothing of it is lost', () => {
  const piece = fc.tuple(
    fc.constantFrom('stdout' as const, 'stderr' as const),
    fc.string({ unit: fc.constantFrom('a', '\n') }),
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const told: (readonly [string, string])[] = []
      const lines = new Lines((stream, text) => void told.push([stream, text]))
      for (const [stream, text] of pieces) lines.push(stream, text)
      expect(told.every(([, text]) => text.endsWith('\n'))).toBe(true)
      lines.flush()
      for (const stream of ['stdout', 'stderr']) {
        const of = (all: readonly (readonly [string, string])[]): string =>
          all.flatMap(([name, text]) => (name === stream ? [text] : [])).join('')
        expect(of(told)).toBe(of(pieces))
      }
    }),
  )
})
