import { describe, expect, test } from 'vitest'
import { discoverFiles, makeDesk, makeEngine, makeProject, startBatch, VERSIONS } from '../../support/engines/rig.ts'

const LIMIT_MS = 120_000

describe.each(VERSIONS)('memory under vitest $vitest', (version) => {
  test(
    'a file that runs out of memory has died of that; others go on',
    async () => {
      using project = makeProject(version, {
        'package.json': '{ "type": "module" }',
        'vitest.config.ts': `export default { test: { execArgv: ['--max-old-space-size=64'] } }`,
        'eats.test.ts': `import { test } from 'vitest'
          test('finishes first', () => {})
          test('eats', () => { const all = []; for (;;) all.push({ all: new Array(1000).fill(all.length) }) })
          test('never starts', () => {})`,
        'other.test.ts': `import { test } from 'vitest'\ntest('passes', () => {})`,
      })
      const engine = makeEngine(project)
      try {
        const desk = makeDesk({ shards: 1 })
        const files = (await discoverFiles(engine)).toSorted((a, b) => (a.id < b.id ? -1 : 1))
        expect(await startBatch(engine, project, files, desk, { shards: 1 }).done).toEqual({ kind: 'completed' })
        const eats = desk.files.get('eats.test.ts')!
        expect(eats.stops).toMatchObject([{ kind: 'died', outOfMemory: true, running: ['eats'] }])
        expect([...eats.tests].map(([name, { outcome }]) => [name, outcome])).toEqual([['finishes first', 'passed']])
        expect(eats.stderr).toContain('FATAL ERROR')
        expect(desk.files.get('other.test.ts')!.stops).toEqual([{ kind: 'completed', errors: [] }])
      } finally {
        await engine.close()
      }
    },
    LIMIT_MS,
  )

  test(
    'a VM worker over its limit is replaced',
    async () => {
      const says = `import { test } from 'vitest'\ntest('says', () => console.log(\`pid \${process.pid}\`))`
      using project = makeProject(version, {
        'package.json': '{ "type": "module" }',
        'vitest.config.ts': `export default { test: { pool: 'vmForks', vmMemoryLimit: 1000 } }`,
        'a.test.ts': says,
        'b.test.ts': says,
      })
      const engine = makeEngine(project)
      try {
        const desk = makeDesk({ shards: 1 })
        const files = (await discoverFiles(engine)).toSorted((a, b) => (a.id < b.id ? -1 : 1))
        expect(await startBatch(engine, project, files, desk, { shards: 1 }).done).toEqual({ kind: 'completed' })
        expect(desk.asked.map(({ how }) => how)).toEqual(['sit', 'sit'])
        expect(new Set([...desk.files.values()].map(({ stdout }) => stdout)).size).toBe(2)
      } finally {
        await engine.close()
      }
    },
    LIMIT_MS,
  )
})
