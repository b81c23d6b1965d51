import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { emptyHistory, parse, serialise } from '../../../src/history/data.ts'
import { openHistory, recordHistory } from '../../../src/history/index.ts'
import { addRun } from '../../../src/history/merge.ts'
import { firstOf } from '../../support/processes/first.ts'
import { journal, START } from '../../support/reports/journal-builder.ts'

async function place(): Promise<{ folder: string; file: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tiershard-history-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return { folder, file: path.join(folder, 'history.json') }
}

const source = (name: string): string => JSON.stringify(new URL(`../../../${name}`, import.meta.url).href)

test('runs in several processes that end together lose nothing', async () => {
  const { folder, file } = await place()
  const script = `
    import { journal } from ${source('suites/support/reports/journal-builder.ts')}
    import { recordHistory } from ${source('src/history/index.ts')}
    const [file, name] = process.argv.slice(1)
    for (let i = 0; i < 4; i++) {
      const run = journal({ run: name + '-' + i }).tier('fast')
      run.file(name + '-' + i + '.test.ts', (one) => one.attempt((it) => it.passed('t')))
      const { notes } = await recordHistory(file, run.build().record)
      if (notes.length > 0) throw new Error(notes.join())
    }
  `
  const codes = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name) => {
      const args = ['--input-type=module', '--eval', script, file, name]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
      const [code] = (await once(child, 'exit')) as [number | null]
      return code
    }),
  )
  expect(codes).toEqual([0, 0, 0, 0])
  const read = parse(await readFile(file, 'utf8'))
  expect(read.ok && read.data.tiers.get('fast')?.files.size).toBe(16)
  expect(await readdir(folder)).toEqual(['history.json'])
})

test('a process that is killed while it writes leaves a lock that stops nobody', async () => {
  const { folder, file } = await place()
  const script = `
    import { withLock } from ${source('src/history/lock.ts')}
    setInterval(() => {}, 1000)
    await withLock(process.argv[1], 1000, () => { process.stdout.write('held'); return new Promise(() => {}) })
  `
  const args = ['--input-type=module', '--eval', script, `${file}.lock`]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await firstOf(child, 'data', child.stdout)
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
  expect(await readdir(folder)).toEqual(['history.json.lock'])
  const run = journal()
    .tier('fast')
    .file('a.test.ts', (one) => one.attempt((it) => it.passed('t')))
  expect(await recordHistory(file, run.build().record)).toEqual({ past: expect.any(Function), notes: [] })
  expect(await readdir(folder)).toEqual(['history.json'])
})

test('a history of 2,000 files in 20 runs is read whole, and takes less than 120 bytes a file', async () => {
  const data = emptyHistory()
  const name = (file: number): string => `suites/standard/group-${file % 50}/feature-${file}.test.ts`
  for (let run = 0; run < 20; run++) {
    const draft = journal({ run: `run-${run}` }).tier('standard')
    for (let file = 0; file < 2000; file++) {
      draft.file(name(file), (one) => one.attempt((it) => it.passed('works', 1).takes(100 + file + run)))
    }
    addRun(data, { ...draft.build().record, startedAt: START + run })
  }
  const { file } = await place()
  await writeFile(file, serialise(data))
  expect((await stat(file)).size / 2000).toBeLessThan(120)
  const { history, notes } = await openHistory(file)
  expect(notes).toEqual([])
  // The median of the last five runs, 15 to 19.
  for (let i = 0; i < 2000; i++) {
    expect(history.file('standard', name(i))).toEqual({ expectedMs: 100 + i + 17, samples: 20 })
  }
})
