import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { discoverFiles, makeDesk, makeEngine, makeProject, startBatch, VERSIONS } from '../../support/engines/rig.ts'

/** Several tiers, or a second try, are several batches of one engine. */
describe.each(VERSIONS)('batches under vitest $vitest', (version) => {
  test('a later batch sees changed sources, its own timeout and its own shards', async () => {
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      'lib.ts': `export const word = 'old'`,
      'a.test.ts': `import { expect, test } from 'vitest'
          import { word } from './lib.ts'
          test('says', ({ task }) => console.log(\`\${word} \${task.timeout} parent \${process.ppid}\`))
          test('is new', () => expect(word).toBe('new'))`,
    })
    const engine = makeEngine(project)
    try {
      const files = await discoverFiles(engine)
      const first = makeDesk()
      await startBatch(engine, project, files, first, { testTimeoutMs: 111 }).done
      project.write('lib.ts', `export const word = 'new'`)
      const second = makeDesk()
      await startBatch(engine, project, files, second, { testTimeoutMs: 222, shards: 1 }).done
      const said = [first, second].map((desk) => desk.files.get('a.test.ts')!.stdout.trim().split(' '))
      expect(said.map(([word, timeout]) => [word, timeout])).toEqual([
        ['old', '111'],
        ['new', '222'],
      ])
      expect(said[0]!.at(-1)).toBe(said[1]!.at(-1))
      expect(first.files.get('a.test.ts')!.tests.get('is new')!.outcome).toBe('failed')
      expect(second.files.get('a.test.ts')!.tests.get('is new')!.outcome).toBe('passed')
    } finally {
      await engine.close()
    }
  })

  test('a pattern selects tests by their full name; the others are not reported, and the next batch runs all again', async () => {
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      'a.test.ts': `import { describe, test } from 'vitest'
          describe('outer', () => {
            test('one', () => {})
            test('two', () => {})
          })
          test('one', () => {})`,
      'b.test.ts': `import { test } from 'vitest'\ntest('other', () => {})`,
    })
    const engine = makeEngine(project)
    try {
      const files = await discoverFiles(engine)
      const namesOf = async (testName?: string): Promise<Record<string, string[]>> => {
        const desk = makeDesk()
        await startBatch(engine, project, files, desk, testName === undefined ? {} : { testName }).done
        expect(
          [...desk.files.values()].flatMap(({ tests }) => [...tests.values()].map((t) => t.outcome)),
        ).not.toContain('skipped')
        return Object.fromEntries([...desk.files].map(([id, { tests }]) => [id, [...tests.keys()]]))
      }
      expect(await namesOf('^outer > one$')).toEqual({ 'a.test.ts': ['outer > one'], 'b.test.ts': [] })
      expect(await namesOf('one')).toEqual({ 'a.test.ts': ['outer > one', 'one'], 'b.test.ts': [] })
      expect(await namesOf()).toEqual({ 'a.test.ts': ['outer > one', 'outer > two', 'one'], 'b.test.ts': ['other'] })
    } finally {
      await engine.close()
    }
  })

  test('a global setup is set up and torn down around each batch, and its failures are told', async () => {
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      'vitest.config.ts': `export default { test: { globalSetup: ['./global.ts'] } }`,
      'global.ts': `import { appendFileSync, existsSync } from 'node:fs'
          export function setup() {
            if (existsSync('broken')) throw new Error('no docker here')
            appendFileSync('log', 'up ')
          }
          export function teardown() {
            appendFileSync('log', 'down ')
            if (existsSync('stuck')) throw new Error('it would not stop')
          }`,
      'a.test.ts': `import { test } from 'vitest'\ntest('passes', () => {})`,
    })
    const log = (): string => readFileSync(path.join(project.root, 'log'), 'utf8')
    const engine = makeEngine(project)
    try {
      const files = await discoverFiles(engine)
      expect(existsSync(path.join(project.root, 'log'))).toBe(false)
      expect(await startBatch(engine, project, files, makeDesk()).done).toEqual({ kind: 'completed' })
      expect(log()).toBe('up down ')
      project.write('stuck', '')
      const stuck = makeDesk()
      expect(await startBatch(engine, project, files, stuck).done).toEqual({ kind: 'completed' })
      expect(log()).toBe('up down up down ')
      expect(stuck.strays.map((error) => error.message)).toEqual(['it would not stop'])
      project.write('broken', '')
      const broken = makeDesk()
      expect(await startBatch(engine, project, files, broken).done).toMatchObject({
        kind: 'died',
        message: expect.stringMatching(/no docker here.*global\.ts:3/),
      })
      expect(broken.asked).toEqual([])
    } finally {
      await engine.close()
    }
  })

  test('coverage that fails after the last file is an error of the run, and no file is lost by it', async () => {
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      'vitest.config.ts': `export default { test: {
        coverage: { enabled: true, provider: 'custom', customProviderModule: './coverage.ts' },
      } }`,
      'coverage.ts': `export default { getProvider: () => ({
          name: 'custom',
          initialize(vitest) { this.options = vitest.config.coverage },
          resolveOptions() { return this.options },
          clean() {},
          onAfterSuiteRun() {},
          generateCoverage() { throw new Error('a source does not parse') },
          reportCoverage() {},
        }) }`,
      'a.test.ts': `import { test } from 'vitest'\ntest('passes', () => {})`,
    })
    const engine = makeEngine(project)
    try {
      const desk = makeDesk()
      const files = await discoverFiles(engine)
      expect(await startBatch(engine, project, files, desk).done).toEqual({ kind: 'completed' })
      expect(desk.strays.map((error) => error.message)).toEqual(['a source does not parse'])
      expect(desk.files.get('a.test.ts')!.stops).toEqual([{ kind: 'completed', errors: [] }])
    } finally {
      await engine.close()
    }
  })

  test.each([['test: { root: "below", include, setupFiles }'], ['root: "below", test: { include, setupFiles }']])(
    'the config has its own root: %s',
    async (config) => {
      using project = makeProject(version, {
        'package.json': '{ "type": "module" }',
        'vitest.config.ts': `const include = ['*.spec.ts'], setupFiles = ['./setup.ts']\nexport default { ${config} }`,
        'not-below.spec.ts': `import { test } from 'vitest'\ntest('passes', () => {})`,
        'below/setup.ts': `globalThis.setUp = 'from below'`,
        'below/a.spec.ts': `import { expect, test } from 'vitest'
          test('is set up', () => expect(globalThis.setUp).toBe('from below'))`,
      })
      const engine = makeEngine(project)
      try {
        const files = await discoverFiles(engine)
        expect(files.map((file) => file.id)).toEqual(['below/a.spec.ts'])
        const desk = makeDesk()
        expect(await startBatch(engine, project, files, desk).done).toEqual({ kind: 'completed' })
        expect(desk.files.get('below/a.spec.ts')!.tests.get('is set up')).toMatchObject({ outcome: 'passed' })
      } finally {
        await engine.close()
      }
    },
  )

  test('files that vanish between plan and run are reported, not lost', async () => {
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      'a.test.ts': `import { test } from 'vitest'\ntest('passes', () => {})`,
    })
    const engine = makeEngine(project)
    try {
      const files = [...(await discoverFiles(engine)), { id: 'gone.test.ts', path: 'gone.test.ts', project: '' }]
      const desk = makeDesk()
      expect(await startBatch(engine, project, files, desk).done).toEqual({ kind: 'completed' })
      expect(desk.files.get('a.test.ts')!.stops).toEqual([{ kind: 'completed', errors: [] }])
      expect(desk.files.get('gone.test.ts')!.stops).toMatchObject([
        { kind: 'completed', errors: [{ message: expect.stringContaining('gone.test.ts') }] },
      ])
    } finally {
      await engine.close()
    }
  })
})
