import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  discoverFiles,
  makeDesk,
  makeEngine,
  makeProject,
  startBatch,
  VERSIONS,
  type DeskOptions,
  type Project,
  type RecordingDesk,
  type RunOptions,
} from '../../support/engines/rig.ts'

async function run(
  project: Project,
  options: DeskOptions & RunOptions & { readonly order?: (a: string, b: string) => number } = {},
): Promise<{ desk: RecordingDesk; end: unknown; ids: string[] }> {
  const engine = makeEngine(project)
  try {
    const found = await discoverFiles(engine)
    const order = options.order ?? ((a: string, b: string) => (a < b ? -1 : 1))
    const files = found.toSorted((a, b) => order(a.id, b.id))
    const desk = makeDesk(options)
    const end = await startBatch(engine, project, files, desk, options).done
    expect(desk.seats.filter((seat) => !seat.left)).toEqual([])
    const scratch = readdirSync(project.root).find((name) => name.startsWith('scratch-'))
    expect(readdirSync(path.join(project.root, scratch!))).toEqual([])
    return { desk, end, ids: files.map((file) => file.id) }
  } finally {
    await engine.close()
  }
}

const pid = (desk: RecordingDesk, file: string): string | undefined =>
  /pid (\d+)/.exec(desk.files.get(file)!.stdout)?.[1]

/** Who runs where, and in which order: the part of the engine that keeps databases apart. */
describe.each(VERSIONS)('seats under vitest $vitest', (version) => {
  test('files of several projects start in the order of the plan, whatever their groups', async () => {
    using project = makeProject(version, 'vitest-workspace')
    const { desk, end, ids } = await run(project, {
      shards: 2,
      testTimeoutMs: 999,
      order: (a, b) => (a.length === b.length ? (a < b ? 1 : -1) : b.length - a.length),
    })
    expect(end).toEqual({ kind: 'completed' })
    expect(desk.asked).toEqual(ids.map((file) => ({ how: file.startsWith('[vm]') ? expect.any(String) : 'sit', file })))
    expect(ids.toSorted()).toEqual([
      '[early] both/one.test.ts',
      '[early] early/one.test.ts',
      '[late] both/one.test.ts',
      '[late] late/one.test.ts',
      '[late] late/two.test.ts',
      '[vm] vm/one.test.ts',
      '[vm] vm/two.test.ts',
    ])
    const said = (file: string): string | undefined => /pool .*$/m.exec(desk.files.get(file)!.stdout)?.[0]
    expect(said('[late] both/one.test.ts')).toBe('pool forks timeout 1234')
    expect(said('[early] both/one.test.ts')).toBe('pool forks timeout 999')
    expect(said('[vm] vm/one.test.ts')).toBe('pool vmForks timeout 999')
  })

  test('without isolation one process runs file after file, each behind next()', async () => {
    using project = makeProject(version, 'vitest-shared')
    const { desk, end, ids } = await run(project, { shards: 1 })
    expect(end).toEqual({ kind: 'completed' })
    expect(desk.asked.map(({ how, file }) => `${how} ${file}`)).toEqual([
      `sit ${ids[0]}`,
      `next ${ids[1]}`,
      `next ${ids[2]}`,
      `next ${ids[3]}`,
      `next ${ids[4]}`,
    ])
    expect(new Set(ids.slice(0, 4).map((file) => pid(desk, file))).size).toBe(1)
    for (const file of ids.slice(0, 4)) expect(desk.files.get(file)!.stops).toEqual([{ kind: 'completed', errors: [] }])
    expect(desk.files.get('tests/dies.test.ts')).toMatchObject({
      stops: [{ kind: 'died', signal: 'SIGKILL', running: ['kills its process'] }],
    })
    expect(desk.files.get('tests/dies.test.ts')!.tests.get('finishes first')!.outcome).toBe('passed')
  })

  test('a shared process that dies is replaced for the files after it', async () => {
    using project = makeProject(version, 'vitest-shared')
    const { desk } = await run(project, { shards: 1, order: (a, b) => (a < b ? 1 : -1) })
    expect(desk.asked.map(({ how, file }) => `${how} ${file}`)).toEqual([
      'sit tests/dies.test.ts',
      'sit tests/d.test.ts',
      'next tests/c.test.ts',
      'next tests/b.test.ts',
      'next tests/a.test.ts',
    ])
    expect(desk.files.get('tests/a.test.ts')!.stops).toEqual([{ kind: 'completed', errors: [] }])
  })

  test('a file with other variables does not get a process that has the old ones', async () => {
    using project = makeProject(version, 'vitest-shared')
    const { desk } = await run(project, {
      shards: 1,
      env: (file) => (file < 'tests/c' ? { SUITE: 'one' } : { SUITE: 'two' }),
    })
    expect(pid(desk, 'tests/a.test.ts')).toBe(pid(desk, 'tests/b.test.ts'))
    expect(pid(desk, 'tests/c.test.ts')).not.toBe(pid(desk, 'tests/b.test.ts'))
    expect(pid(desk, 'tests/d.test.ts')).toBe(pid(desk, 'tests/c.test.ts'))
    expect(desk.asked.filter((one) => one.file === 'tests/c.test.ts').map((one) => one.how)).toEqual(['next', 'sit'])
  })

  test.each(['sit', 'next'] as const)(
    'a file that is refused by %s() is dropped without a word, and the others run',
    async (how) => {
      using project = makeProject(version, 'vitest-shared')
      const refused = how === 'sit' ? 'tests/a.test.ts' : 'tests/b.test.ts'
      const { desk, end } = await run(project, { shards: 1, refuse: (file) => file === refused })
      expect(end).toEqual({ kind: 'completed' })
      expect([...desk.files.keys()]).toEqual(
        ['a', 'b', 'c', 'd', 'dies'].map((name) => `tests/${name}.test.ts`).filter((file) => file !== refused),
      )
      if (how === 'next') expect(desk.asked[2]).toEqual({ how: 'sit', file: 'tests/c.test.ts' })
      expect(desk.strays).toEqual([])
    },
  )
})
