import { existsSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestResult } from '../../../src/core/events.ts'
import {
  discoverFiles,
  makeDesk,
  makeEngine,
  makeProject,
  startBatch,
  VERSIONS,
  type Project,
  type RecordingDesk,
} from '../../support/engines/rig.ts'
import { outsideEnvironment } from '../../support/processes/environment.ts'

/** What a sound run tells of its tests, and what it leaves alone of the user's config and environment. */
describe.each(VERSIONS)('outcomes under vitest $vitest', (version) => {
  let project: Project
  let desk: RecordingDesk

  beforeAll(async () => {
    project = makeProject(version, 'vitest-outcomes')
    const env = { ...outsideEnvironment(), TIERSHARD_SHARD: '7', OUTER: 'stays', GONE: 'is taken away' }
    const engine = makeEngine(project, { env })
    try {
      const files = await discoverFiles(engine)
      desk = makeDesk({ env: () => ({ REDIS_URL: 'redis://the-seat', GONE: null }) })
      await startBatch(engine, project, files, desk, { testTimeoutMs: 4321 }).done
    } finally {
      await engine.close()
    }
  }, 240_000)
  afterAll(() => project[Symbol.dispose]())

  const results = (file: string): Map<string, TestResult> => desk.files.get(`tests/${file}.test.ts`)!.tests
  const result = (file: string, name: string): TestResult => results(file).get(name)!

  test('every kind of test has its outcome and its line', () => {
    expect([...results('outcomes')].map(([name, { outcome, line }]) => [name, outcome, line])).toEqual([
      ['arithmetic > adds', 'passed', 4],
      ['arithmetic > adds #2', 'passed', 5],
      ['arithmetic > is skipped', 'skipped', 6],
      ['arithmetic > is planned', 'skipped', 7],
      ['arithmetic > is skipped while it runs', 'skipped', 8],
      ['arithmetic > fails', 'failed', 9],
      ['arithmetic > takes too long', 'timed-out', 10],
      ['arithmetic > fails with a cause', 'failed', 11],
      ['arithmetic > is flaky', 'passed', 15],
      ['arithmetic > fails as expected', 'passed', 19],
      ['a skipped suite > is skipped with it', 'skipped', 22],
    ])
  })

  test('what a skipped suite would run alone is skipped with it, which vitest itself does not say', () => {
    expect([...results('only').values()].map(({ outcome }) => outcome)).toEqual(['skipped', 'skipped'])
  })

  test('all that was collected has a result, and no seat is kept', () => {
    for (const record of desk.files.values()) {
      expect(new Set(record.tests.keys()), record.file).toEqual(new Set(record.collected!.map((one) => one.name)))
      expect(record.tests.size, record.file).toBe(record.collected!.length)
      expect(record.stops, record.file).toEqual([{ kind: 'completed', errors: [] }])
    }
    expect(desk.seats.every((seat) => seat.left)).toBe(true)
    expect(desk.strays).toEqual([])
  })

  test('a failure carries its place, and a diff without colours', () => {
    const [error] = result('outcomes', 'arithmetic > fails').errors
    expect(error!.frames[0]).toMatchObject({ file: path.join(project.root, 'tests/outcomes.test.ts'), line: 9 })
    expect(error!.diff).toContain('-   "a": 2,\n+   "a": 1,')
    expect(result('names', 'a diff in colours').errors[0]!.diff).not.toContain('\u001b')
  })

  test('a cause is told with its error', () => {
    const [error] = result('outcomes', 'arithmetic > fails with a cause').errors
    expect(error).toMatchObject({ name: 'TypeError', message: 'outer' })
    expect(error!.stack).toContain('Caused by: Error: inner')
  })

  test('a flaky pass keeps the errors of its failed tries', () => {
    expect(result('outcomes', 'arithmetic > is flaky')).toMatchObject({
      retries: 1,
      errors: [{ message: 'try 1' }],
    })
  })

  test('a skip keeps its reason', () => {
    expect(result('outcomes', 'arithmetic > is skipped while it runs').note).toBe('no such feature here')
    expect(result('outcomes', 'arithmetic > is skipped').note).toBeNull()
  })

  test('names and messages arrive as they are; a megabyte is cut, visibly', () => {
    expect([...results('names').keys()].slice(0, 3)).toEqual([
      'control \u0000\u001b[31m\u0007 characters',
      'emoji 👩‍👩‍👧 and ]]> and <xml>',
      'lone surrogate \ud800',
    ])
    expect(result('names', 'lone surrogate \ud800').errors[0]!.message).toBe('message with \udfff and \u0000')
    const [big] = result('names', 'a megabyte').errors
    expect(big!.message.length).toBeLessThan(300_000)
    expect(big!.message).toMatch(/^big m+\n\[tiershard: \d+ more characters were left out\]$/)
    expect(big!.frames[0]).toMatchObject({ line: 9 })
  })

  test('whatever is thrown is an error', () => {
    expect(result('names', 'throws a string').errors[0]!.message).toContain('just a string')
    expect(result('names', 'throws nothing')).toMatchObject({ outcome: 'failed' })
    expect(result('names', 'throws nothing').errors).toHaveLength(1)
  })

  test('ten thousand tests of one file arrive', () => {
    expect(results('many').size).toBe(10_000)
    expect(result('many', 'number 9999')).toMatchObject({ outcome: 'passed', line: 3 })
  })

  describe('the environment of a file', () => {
    const line = (word: string): unknown => {
      const { stdout } = desk.files.get('tests/environment.test.ts')!
      return JSON.parse(new RegExp(`^${word} (.*)$`, 'm').exec(stdout)![1]!)
    }

    test('is that of the run with its seat on top, even of the vitest config', () => {
      const { shard } = desk.files.get('tests/environment.test.ts')!
      const env = line('env') as Record<string, string>
      expect(env).toMatchObject({ SEAT: String(shard), REDIS_URL: 'redis://the-seat', OUTER: 'stays' })
      expect(env['FROM_CONFIG']).toBe('kept')
      expect(env).not.toHaveProperty('GONE')
      expect(env).not.toHaveProperty('TIERSHARD_SHARD')
    })

    test('says to config, plugins and tests that tests are run, as the command vitest does', () => {
      const marks = { VITEST: 'true', TEST: 'true', NODE_ENV: 'test' }
      expect(line('config')).toEqual(marks)
      expect(line('env')).toMatchObject(marks)
    })

    test('keeps the setup files of the user, in their order', () => {
      expect(line('order')).toEqual(['setup', 'beforeEach of setup'])
    })

    test('has the timeout of the tier, where the project says nothing', () => {
      expect(line('timeout')).toBe(4321)
    })

    test('has none of the reporters of the user', () => {
      expect(existsSync(path.join(project.root, 'reporter-ran'))).toBe(false)
    })
  })
})
