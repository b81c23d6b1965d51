import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Discovery, Engine, History } from '../../../src/core/ports.ts'
import type { Settings } from '../../../src/core/settings.ts'
import { planRun, type PlanOutcome, type Selection } from '../../../src/run/plan.ts'
import { fakeEngine, pass, suite, tier } from '../../support/run/fakes.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'tiershard-plan-'))
  await mkdir(path.join(root, 'other'))
  await writeFile(path.join(root, 'other', 'x.test.ts'), '')
  await writeFile(path.join(root, 'small.test.ts'), 'x')
  await writeFile(path.join(root, 'large.test.ts'), 'x'.repeat(500))
})
afterAll(() => rm(root, { recursive: true }))

const settings = (overrides: Partial<Settings> = {}): Settings => ({
  root,
  configFile: null,
  tiers: [tier({ name: 'fast' }), tier({ name: 'standard' })],
  suites: [
    suite({ name: 'unit', tier: 'fast', files: ['unit/**'] }),
    suite({ name: 'api', tier: 'standard', files: ['api/**'], exclude: ['api/slow/**'] }),
    suite({ name: 'rest', tier: 'standard', files: ['{api,rest}/**'] }),
  ],
  redis: { source: { kind: 'auto' }, control: null, databases: null, waitMs: 1, patienceMs: 0 },
  reportsDir: path.join(root, 'reports'),
  vitestConfig: null,
  ...overrides,
})

const noHistory: History = { file: () => null, test: () => [] }

function engineWith(paths: readonly string[], discovery: Partial<Discovery> = {}): Engine {
  const files = paths.map((file) => ({ id: file, path: file, project: '' }))
  return {
    ...fakeEngine(() => pass),
    discover: async () => ({ ok: true, engine: 'v', files, warnings: [], ...discovery }) as Discovery,
  }
}

function plan(
  paths: readonly string[],
  selection: Partial<Selection> = {},
  { history = noHistory, ...overrides }: Partial<Settings> & { history?: History } = {},
): Promise<PlanOutcome> {
  const chosen = { tiers: ['standard'], filters: [], changed: null, testName: null, ...selection }
  return planRun(settings(overrides), chosen, engineWith(paths), history)
}

function filesOf(outcome: PlanOutcome): string[] {
  if (!outcome.ok) throw new Error(outcome.message)
  return outcome.plan.tiers.flatMap((t) => t.files.map((file) => `${file.suite}:${file.path}`))
}

describe('what runs', () => {
  test('files go to the first suite of the tier that takes them, whatever order they are found in', async () => {
    const outcome = await plan(['api/a.ts', 'api/slow/b.ts', 'rest/c.ts', 'unit/d.ts'])
    expect(filesOf(outcome).toSorted()).toEqual(['api:api/a.ts', 'rest:api/slow/b.ts', 'rest:rest/c.ts'])
  })

  test('tiers run in the order of the config', async () => {
    const outcome = await plan(['api/a.ts', 'unit/d.ts'], { tiers: ['standard', 'fast'] })
    expect(filesOf(outcome)).toEqual(['unit:unit/d.ts', 'api:api/a.ts'])
  })

  test.each([
    ['a part of a path', 'slow', ['rest:api/slow/b.ts']],
    ['a folder', './api/', ['api:api/a.ts', 'rest:api/slow/b.ts']],
    ['a glob', '**/{a,c}.ts', ['api:api/a.ts', 'rest:rest/c.ts']],
  ])('%s narrows the selection', async (_, filter, expected) => {
    expect(filesOf(await plan(['api/a.ts', 'api/slow/b.ts', 'rest/c.ts'], { filters: [filter] })).toSorted()).toEqual(
      expected,
    )
  })

  test('history orders the files: unknown first, then longest first', async () => {
    const known = new Map([
      ['api/a.ts', 10],
      ['api/b.ts', 500],
    ])
    const history: History = {
      file: (_, id) => (known.has(id) ? { expectedMs: known.get(id)!, samples: 3 } : null),
      test: () => [],
    }
    expect(filesOf(await plan(['api/a.ts', 'api/b.ts', 'api/new.ts'], {}, { history }))).toEqual([
      'api:api/new.ts',
      'api:api/b.ts',
      'api:api/a.ts',
    ])
  })

  test('without history the larger file goes first', async () => {
    const suites = [suite({ tier: 'standard', files: ['*.test.ts'] })]
    expect(filesOf(await plan(['small.test.ts', 'large.test.ts'], {}, { suites }))).toEqual([
      'main:large.test.ts',
      'main:small.test.ts',
    ])
  })

  test('files that no suite of any tier takes are named', async () => {
    const outcome = await plan(['api/a.ts', 'unit/ok.ts', 'stray/x.ts'])
    const warnings = ['1 test file in no suite of any tier, never run: stray/x.ts']
    expect(outcome).toMatchObject({ plan: { warnings } })
  })
})

describe('nothing to run', () => {
  const messageOf = (outcome: PlanOutcome): string => {
    expect(outcome).toMatchObject({ ok: false, exitCode: 2 })
    return outcome.ok ? '' : outcome.message
  }

  test('no file at all: the globs, and a config to start from', async () => {
    const message = messageOf(await plan(['elsewhere/y.ts']))
    expect(message).toContain('api/**')
    expect(message).toContain('vitest knows 1 test file elsewhere, such as elsewhere/y.ts')
    expect(message).toContain('defineConfig')
  })

  test('files on disk that vitest does not take: its include is to blame', async () => {
    const suites = [suite({ tier: 'standard', files: ['other/**'] })]
    expect(messageOf(await plan([], {}, { suites }))).toContain('such as other/x.test.ts')
  })

  test('a filter that matches nothing is repeated', async () => {
    expect(messageOf(await plan(['api/a.ts'], { filters: ['nope'] }))).toContain('matches "nope"')
  })

  test('nothing changed is a plan without files, not a mistake', async () => {
    expect(filesOf(await plan([], { changed: true }))).toEqual([])
  })
})

test('an engine that does not load is a usage error, a broken one infrastructure', async () => {
  const usage = engineWith([], { ok: false, kind: 'usage', message: 'vitest is not installed' })
  const cause = { code: 'engine-failed', message: 'it died', remedy: 'run again' } as const
  const broken = engineWith([], { ok: false, kind: 'infrastructure', cause })
  const selection = { tiers: ['standard'], filters: [], changed: null, testName: null }
  expect(await planRun(settings(), selection, usage, noHistory)).toEqual({
    ok: false,
    exitCode: 2,
    message: 'vitest is not installed',
  })
  expect(await planRun(settings(), selection, broken, noHistory)).toMatchObject({
    exitCode: 3,
    message: 'it died\nrun again',
  })
})

describe('suites of commands', () => {
  const run = 'pytest {file} {junit}'
  const command = (name: string, over: object = {}) =>
    ({ ...suite({ name, files: [] }), engine: 'command', run, discover: 'ls', ...over }) as Settings['suites'][number]
  const vitest = (name: string, files: string): Settings['suites'][number] => suite({ name, files: [files] })
  const file = (path_: string, of?: string) => ({ id: path_, path: path_, project: '', ...(of ? { suite: of } : {}) })
  const planOf = (
    suites: Settings['suites'],
    files: readonly ReturnType<typeof file>[],
    selection: Partial<Selection> = {},
    more: Partial<Settings> = {},
  ) => {
    const chosen = { tiers: ['standard'], filters: [], changed: null, testName: null, ...selection }
    return planRun(settings({ suites, ...more }), chosen, engineWith([], { files }), noHistory)
  }

  test('a file belongs to the first suite that takes it, whatever finds it', async () => {
    const found = [file('t/a.js'), file('t/b.js'), file('t/a.js', 'py'), file('t/c.js', 'py')]
    const first = await planOf([command('py'), vitest('js', 't/**')], found)
    expect(filesOf(first).toSorted()).toEqual(['js:t/b.js', 'py:t/a.js', 'py:t/c.js'])
    const last = await planOf([vitest('js', 't/**'), command('py')], found)
    expect(filesOf(last).toSorted()).toEqual(['js:t/a.js', 'js:t/b.js', 'py:t/c.js'])
  })

  test('a suite that others have left nothing is named, and no file of a command is a stray', async () => {
    const found = [file('t/a.py', 'one'), file('t/a.py', 'two'), file('elsewhere.js', 'one'), file('elsewhere.js')]
    const outcome = await planOf([command('one'), command('two')], found)
    expect(outcome).toMatchObject({
      plan: { warnings: ['suite two is empty: all of its 1 file belongs to suites before it'] },
    })
  })

  test('tests are selected by name only where the command takes the name', async () => {
    const able = command('able', { run: [...run.split(' '), '-k{testName}'] })
    const found = [file('a', 'deaf'), file('b', 'able')]
    expect(await planOf([command('deaf'), able], found, { testName: 'x' })).toMatchObject({
      ok: false,
      exitCode: 2,
      message: expect.stringContaining('the command of suite deaf: its run has no {testName}'),
    })
    expect(await planOf([command('deaf'), able], found, { testName: 'x', filters: ['b'] })).toMatchObject({ ok: true })
  })

  test('where nothing is found, it is said what was looked for', async () => {
    const globs = command('globs', { discover: null, files: ['t/*.py'] })
    expect(await planOf([command('lists'), globs], [])).toMatchObject({
      exitCode: 2,
      message:
        'No tests found for tier standard: the discover command of suite lists names nothing; no file matches t/*.py (suite globs).',
    })
  })

  test('an entry of the quarantine is called stale only when all files are known', async () => {
    const quarantine = [{ file: 'py/**', test: null, until: '2999-01-01', reason: 'x' }]
    const found = [file('a.js')]
    const other = { ...command('py'), tier: 'fast' }
    const warnings = async (suites: Settings['suites']) => {
      const outcome = await planOf(suites, found, {}, { quarantine })
      return outcome.ok ? outcome.plan.warnings : null
    }
    expect(await warnings([vitest('js', '**'), other])).toEqual([])
    expect(await warnings([vitest('js', '**')])).toEqual([expect.stringContaining('matches no test file')])
  })
})
