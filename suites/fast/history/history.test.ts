import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import fc from '../../support/property.ts'
import { expect, onTestFinished, test } from 'vitest'
import type { RunRecord } from '../../../src/core/record.ts'
import { openHistory, recordHistory } from '../../../src/history/index.ts'
import { withLock } from '../../../src/history/lock.ts'
import { journal, START } from '../../support/reports/journal-builder.ts'

/** A path for a history in a folder of the test's own; the folder `reports` does not exist yet. */
async function place(): Promise<{ folder: string; file: string }> {
  const root = await mkdtemp(path.join(tmpdir(), 'tiershard-history-'))
  onTestFinished(() => rm(root, { recursive: true }))
  const folder = path.join(root, 'reports')
  return { folder, file: path.join(folder, 'history.json') }
}

let runs = 0

/** A run of one file that took so long, or failed after so long. */
function took(ms: number, outcome: 'passed' | 'failed' = 'passed'): RunRecord {
  const { record } = journal({ run: `run-${++runs}` })
    .tier('fast')
    .file('a.test.ts', (file) =>
      file.attempt((it) =>
        it
          .passed('t', ms / 10)
          .takes(ms)
          .ends({ kind: outcome }),
      ),
    )
    .build()
  return { ...record, startedAt: START + runs }
}

async function expected(file: string): Promise<unknown> {
  const { history, notes } = await openHistory(file)
  expect(notes).toEqual([])
  return history.file('fast', 'a.test.ts')
}

test('no history is empty and no news', async () => {
  const { history, notes } = await openHistory((await place()).file)
  expect(notes).toEqual([])
  expect(history.file('fast', 'a.test.ts')).toBe(null)
  expect(history.test('fast', 'a.test.ts', 't')).toEqual([])
})

test('the expectation is the median of the last five passing attempts', async () => {
  const { file } = await place()
  for (const ms of [9000, 100, 300, 200]) await recordHistory(file, took(ms))
  expect(await expected(file)).toEqual({ expectedMs: 250, samples: 4 })
  // A failure counts for nothing, one outlier for little, and the first run is out of sight by now.
  await recordHistory(file, took(7, 'failed'))
  await recordHistory(file, took(60_000))
  await recordHistory(file, took(220))
  expect(await expected(file)).toEqual({ expectedMs: 220, samples: 6 })
  const { history } = await openHistory(file)
  expect(history.test('fast', 'a.test.ts', 't')).toEqual([900, 10, 30, 20, 1, 6000, 22])
  expect(history.test('fast', 'a.test.ts', 'unknown')).toEqual([])
  expect(history.test('fast', 'b.test.ts', 't')).toEqual([])
  expect(history.file('standard', 'a.test.ts')).toBe(null)
})

test('a file that never passed has no expectation', async () => {
  const { file } = await place()
  await recordHistory(file, took(7, 'failed'))
  expect(await expected(file)).toBe(null)
})

test('recording leaves one file, and recording again leaves it untouched', async () => {
  const { folder, file } = await place()
  const record = took(100)
  expect(await recordHistory(file, record)).toEqual({ past: expect.any(Function), notes: [] })
  const before = await stat(file)
  expect(await recordHistory(file, record)).toEqual({ past: expect.any(Function), notes: [] })
  expect((await stat(file)).mtimeMs).toBe(before.mtimeMs)
  expect(await readdir(folder)).toEqual(['history.json'])
})

test('recording gives back what the history says after it, also when it could not be written', async () => {
  const { file } = await place()
  const [first, second] = [took(100), took(200)]
  const { past } = await recordHistory(file, first, second)
  expect(past(second).tier('fast')).toMatchObject({ runs: 2, tests: [{ ms: [10, 20], isOfRun: true }] })
  expect((await openHistory(file)).past(second).tier('fast')).toEqual(past(second).tier('fast'))

  const third = took(300)
  expect((await recordHistory(file)).past(third).tier('fast')).toMatchObject({ tests: [{ ms: [10, 20, 30] }] })
  await mkdir(`${file}.lock`)
  const spoilt = await recordHistory(file, third)
  expect(spoilt.notes).toEqual([expect.stringContaining('EISDIR')])
  expect(spoilt.past(third).tier('fast')).toMatchObject({ tests: [{ ms: [10, 20, 30] }] })
})

test.each([
  ['', 'truncated'],
  ['{"format":"x","version":1,"tiers":{"fast":{"ru', 'truncated'],
  ['{"version":1,]}', 'damaged'],
  ['[]', 'not a history of tiershard'],
  ['null', 'not a history of tiershard'],
  ['{"version":4,"tiers":{}}', 'version 4; this tiershard reads up to version 3'],
  ['{"version":0,"tiers":{}}', 'version 0; this tiershard reads up to version 3'],
  ['{"version":1}', 'damaged'],
  ['{"version":1,"tiers":{"fast":{"runs":[],"files":["a"],"samples":[],"tests":[""]}}}', 'damaged'],
  ['{"version":1,"tiers":{"fast":{"runs":[{"n":"1"}],"files":[],"samples":[],"tests":[]}}}', 'damaged'],
])('a history of %j is a note (%s), kept beside, and replaced', async (text, problem) => {
  const { folder, file } = await place()
  await mkdir(folder)
  await writeFile(file, text)
  const { history, notes } = await openHistory(file)
  expect(notes).toEqual([
    `${file} cannot be read (${problem}): planning without timings; it will be replaced at the end of this run`,
  ])
  expect(history.file('fast', 'a.test.ts')).toBe(null)

  expect(await recordHistory(file, took(100))).toEqual({
    past: expect.any(Function),
    notes: [`${file} could not be read (${problem}): it was replaced, and the old one kept as ${file}.bad`],
  })
  expect(await readFile(`${file}.bad`, 'utf8')).toBe(text)
  expect(await expected(file)).toEqual({ expectedMs: 100, samples: 1 })
})

test('a history that was cut anywhere is never a failure', async () => {
  const { file } = await place()
  for (const ms of [10, 20, 30]) await recordHistory(file, took(ms))
  const whole = await readFile(file)
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
      await writeFile(file, whole.subarray(0, length))
      const { history, notes } = await openHistory(file)
      expect(notes).toHaveLength(1)
      expect(history.file('fast', 'a.test.ts')).toBe(null)
    }),
    { numRuns: 50 },
  )
})

test('spoilt numbers in it are never a failure', async () => {
  const { file } = await place()
  for (const ms of [10, 20, 30]) await recordHistory(file, took(ms))
  const text = await readFile(file, 'utf8')
  await fc.assert(
    fc.asyncProperty(
      fc.nat(text.length - 1),
      fc.constantFrom('~', '9', 'P', '|', ',', '>', '!', '<'),
      async (at, char) => {
        await writeFile(file, text.slice(0, at) + char + text.slice(at + 1))
        const { history } = await openHistory(file)
        const past = history.file('fast', 'a.test.ts')
        if (past !== null) expect(past.expectedMs).toBeGreaterThanOrEqual(0)
        expect(history.test('fast', 'a.test.ts', 't').every(Number.isFinite)).toBe(true)
        const { notes } = await recordHistory(file, took(40))
        expect(notes.every((note) => note.includes('it was replaced'))).toBe(true)
      },
    ),
    { numRuns: 100 },
  )
})

test('what cannot be read or written is a note', async () => {
  const { folder, file } = await place()
  await mkdir(file, { recursive: true })
  expect((await openHistory(file)).notes).toEqual([expect.stringMatching(/cannot be read \(EISDIR.*without timings$/)])
  expect((await recordHistory(file, took(5))).notes).toEqual([expect.stringMatching(/cannot be read \(EISDIR/)])
  const inFile = path.join(folder, 'a-file', 'history.json')
  await writeFile(path.join(folder, 'a-file'), '')
  expect((await recordHistory(inFile, took(5))).notes).toEqual([
    expect.stringMatching(/cannot be written .* the timings of this run are not recorded$/),
  ])
})

// Root may write anywhere.
test.skipIf(process.getuid?.() === 0)('a folder without permission is a note', async () => {
  const { folder, file } = await place()
  await mkdir(folder)
  await chmod(folder, 0o500)
  onTestFinished(() => chmod(folder, 0o700))
  expect((await recordHistory(file, took(5))).notes).toEqual([expect.stringContaining('EACCES')])
})

test('runs that end together lose nothing', async () => {
  const { folder, file } = await place()
  const records = Array.from({ length: 8 }, (_, i) => took(100 + i))
  const results = await Promise.all(records.map((record) => recordHistory(file, record)))
  expect(results.flatMap(({ notes }) => notes)).toEqual([])
  expect(await expected(file)).toMatchObject({ samples: 8 })
  expect(await readdir(folder)).toEqual(['history.json'])
})

test('a lock whose process is gone is broken', async () => {
  const { folder, file } = await place()
  await mkdir(folder)
  const { pid } = spawnSync(process.execPath, ['-e', '0'])
  await writeFile(`${file}.lock`, `${pid} ${hostname()} token`)
  expect(await recordHistory(file, took(10))).toEqual({ past: expect.any(Function), notes: [] })
  expect(await readdir(folder)).toEqual(['history.json'])
})

test('a lock of another machine is broken when it is old', async () => {
  const { folder, file } = await place()
  await mkdir(folder)
  await writeFile(`${file}.lock`, '1 another-host token')
  const old = Date.now() / 1000 - 60
  await utimes(`${file}.lock`, old, old)
  expect(await recordHistory(file, took(10))).toEqual({ past: expect.any(Function), notes: [] })
  expect(await readdir(folder)).toEqual(['history.json'])
})

test('a lock that is held is waited for, and not for ever', async () => {
  const { folder, file } = await place()
  await mkdir(folder)
  const lock = `${file}.lock`
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const begun = Promise.withResolvers<void>()
  const first = withLock(lock, 1000, () => {
    begun.resolve()
    return held
  })
  // Before the first one has the lock, the second one might be faster.
  await begun.promise
  const second = await withLock(lock, 50, () => Promise.resolve('in'))
  expect(second).toEqual({ ok: false, holder: `process ${process.pid} on ${hostname()}` })
  const third = withLock(lock, 20_000, () => Promise.resolve('in'))
  release()
  expect(await first).toEqual({ ok: true, value: undefined })
  expect(await third).toEqual({ ok: true, value: 'in' })
  expect(await readdir(folder)).toEqual([])
})

test('a lock is given back when the work throws', async () => {
  const { folder, file } = await place()
  await mkdir(folder)
  await expect(withLock(`${file}.lock`, 50, () => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full')
  expect(await readdir(folder)).toEqual([])
})
