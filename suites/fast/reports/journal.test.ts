import fs, { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from '../../support/property.ts'
import { expect, onTestFinished, test } from 'vitest'
import { JOURNAL_VERSION, type Stamped } from '../../../src/core/events.ts'
import { foldAll } from '../../../src/core/record.ts'
import { countRun, exitCode, JOURNAL_FAILED } from '../../../src/core/verdict.ts'
import { openJournal, readJournal } from '../../../src/reports/journal.ts'
import { reportXml } from '../../../src/reports/junit.ts'
import { arbitraryRun } from '../../support/reports/arbitrary-run.ts'
import { journal } from '../../support/reports/journal-builder.ts'
import { mixedRun } from '../../support/reports/sample-runs.ts'

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'tiershard-journal-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}

function write(file: string, events: readonly Stamped[]): void {
  const sink = openJournal(file)
  for (const event of events) sink.append(JSON.stringify(event))
  sink.close()
  if (sink.failure !== null) throw new Error(sink.failure)
}

test('what was appended is read again, and makes the same record', () => {
  const file = path.join(folder(), 'run', 'journal.ndjson')
  const { events, record } = mixedRun()
  write(file, events)
  expect(readJournal(file)).toEqual({ events, notes: [] })
  expect(foldAll(readJournal(file).events)).toEqual(record)
})

test('whatever names and outputs hold, the journal gives it back', () => {
  const file = path.join(folder(), 'journal.ndjson')
  fc.assert(
    fc.property(arbitraryRun(), ({ events }) => {
      rmSync(file, { force: true })
      write(file, events)
      expect(readJournal(file)).toEqual({ events, notes: [] })
    }),
    { numRuns: 50 },
  )
})

test('a line is in the file when append returns', () => {
  const file = path.join(folder(), 'journal.ndjson')
  const sink = openJournal(file)
  onTestFinished(() => sink.close())
  for (const [i, event] of mixedRun().events.entries()) {
    sink.append(JSON.stringify(event))
    expect(readJournal(file).events).toHaveLength(i + 1)
  }
})

test('lines that are longer than what is read at once stay whole', () => {
  const file = path.join(folder(), 'journal.ndjson')
  const text = 'é\u{1f600}'.repeat(500_000)
  const { events } = journal()
    .tier('standard')
    .file('a.test.ts', (one) => one.attempt((it) => it.passed('a').output(text).output('short').output(text)))
    .build()
  write(file, events)
  const read = readJournal(file)
  expect(read.notes).toEqual([])
  expect(JSON.stringify(read.events) === JSON.stringify(events)).toBe(true)
})

test('a journal that was cut anywhere gives every whole line', () => {
  const file = path.join(folder(), 'journal.ndjson')
  const { events } = mixedRun()
  write(file, events)
  const bytes = readFileSync(file)
  fc.assert(
    fc.property(fc.nat(bytes.length), (length) => {
      writeFileSync(file, bytes.subarray(0, length))
      const { events: read, notes } = readJournal(file)
      const whole = bytes.subarray(0, length).toString('latin1').split('\n').length - 1
      // A cut just before a newline leaves one more whole event.
      expect([whole, whole + 1]).toContain(read.length)
      expect(read).toEqual(events.slice(0, read.length))
      const torn = length > 0 && bytes[length - 1] !== 0x0a && read.length === whole
      expect(notes).toHaveLength(torn || length === 0 ? 1 : 0)
    }),
    { numRuns: 200 },
  )
})

test('a torn last line is named', () => {
  const file = path.join(folder(), 'journal.ndjson')
  const { events } = mixedRun()
  write(file, events)
  appendFileSync(file, '{"type":"run-ended","exi')
  expect(readJournal(file)).toEqual({
    events,
    notes: [`${file}: the last line is torn and left out: its writer was ended in the middle of it`],
  })
})

test('a journal that is opened again after its writer was killed goes on with a line of its own', () => {
  const file = path.join(folder(), 'journal.ndjson')
  const { events } = mixedRun()
  write(file, events.slice(0, 3))
  appendFileSync(file, '{"type":"server-rea')
  write(file, events.slice(3))
  expect(readJournal(file)).toEqual({ events, notes: [`${file}: line 4 is damaged and left out`] })
})

test('bytes that went bad cost their lines, and nothing that is read breaks a report', () => {
  const file = path.join(folder(), 'journal.ndjson')
  const { events } = mixedRun()
  write(file, events)
  const bytes = readFileSync(file)
  const spoilt = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 32, max: 126 })), { minLength: 1 })
  fc.assert(
    fc.property(spoilt, (changes) => {
      const copy = Buffer.from(bytes)
      for (const [at, byte] of changes) copy[at] = byte
      writeFileSync(file, copy)
      const read = readJournal(file)
      expect(read.events.length).toBeGreaterThanOrEqual(events.length - 2 * changes.length)
      const record = foldAll(read.events)
      expect(exitCode(record)).toEqual(expect.any(Number))
      expect([...reportXml(record)].join('')).toMatch(/<\/testsuites>\n$/)
      expect(countRun(record).passed).toEqual(expect.any(Number))
    }),
    { numRuns: 150 },
  )
})

test('a line that is JSON but no event is damaged', () => {
  const file = path.join(folder(), 'journal.ndjson')
  const { events } = mixedRun()
  const ended = events.find(({ type }) => type === 'file-ended')
  const lines = [
    null,
    [],
    'text',
    { type: 'run-ended' },
    { ...ended, ending: { kind: 'exploded' } },
    { ...ended, ending: { kind: 'constructor' } },
    { ...ended, errors: [{ message: 1 }] },
  ]
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  expect(readJournal(file)).toEqual({
    events: [],
    notes: [`${file}: ${lines.length} lines (the first is 1) are damaged and left out`],
  })
})

test('events of a newer tiershard are left out, with their names', () => {
  const file = path.join(folder(), 'journal.ndjson')
  const { events } = mixedRun()
  write(file, events)
  appendFileSync(file, '{"type":"pod-ready","at":1}\n{"type":"constructor","at":1}\n')
  expect(readJournal(file)).toEqual({
    events,
    notes: [`${file}: events of a newer tiershard are left out (constructor, pod-ready)`],
  })
})

test('a journal of a newer version is not read at all', () => {
  const file = path.join(folder(), 'journal.ndjson')
  const [first, ...rest] = mixedRun().events
  write(file, [{ ...first, version: JOURNAL_VERSION + 1 } as Stamped, ...rest])
  const read = readJournal(file)
  expect(read.events).toEqual([])
  expect(read.notes).toEqual([expect.stringContaining(`is a journal of version ${JOURNAL_VERSION + 1}`)])
})

test('no journal, an empty one and a folder are notes', () => {
  const made = folder()
  const empty = path.join(made, 'empty')
  writeFileSync(empty, '')
  expect(readJournal(empty)).toEqual({
    events: [],
    notes: [`${empty} is empty: the run was ended before its first event`],
  })
  expect(readJournal(path.join(made, 'none')).notes).toEqual([expect.stringContaining('cannot be read: ENOENT')])
  expect(readJournal(made).notes).toEqual([expect.stringContaining('cannot be read: EISDIR')])
})

// Linux only: a device that is always full.
test.skipIf(!existsSync('/dev/full'))('a full disk does not throw, and is remembered', () => {
  const sink = openJournal('/dev/full')
  expect(sink.failure).toBe(null)
  for (const event of mixedRun().events) {
    sink.append(JSON.stringify(event))
    sink.see(event)
  }
  sink.close()
  expect(sink.failure).toMatch(/^cannot write to \/dev\/full: ENOSPC/)
})

test('a journal that cannot be opened says so, and takes everything without a word', () => {
  const made = folder()
  const sink = openJournal(made)
  expect(sink.failure).toMatch(/^cannot open .*EISDIR/)
  sink.append('{}')
  sink.see(mixedRun().events[0]!)
  sink.close()
  expect(readJournal(made).events).toEqual([])
})

/** Counts the background syncs; they still take place. */
function countSyncs(): { count: number; next: () => Promise<void> } {
  const { fsync } = fs
  const waiting: (() => void)[] = []
  const syncs = { count: 0, next: () => new Promise<void>((resolve) => void waiting.push(resolve)) }
  fs.fsync = ((fd: number, callback: fs.NoParamCallback) => {
    syncs.count++
    for (const resolve of waiting.splice(0)) resolve()
    fsync(fd, callback)
  }) as typeof fs.fsync
  syncBuiltinESMExports()
  onTestFinished(() => {
    fs.fsync = fsync
    syncBuiltinESMExports()
  })
  return syncs
}

test('failures are synced to the disk at once, and a hundred of them together', async () => {
  const syncs = countSyncs()
  const file = path.join(folder(), 'journal.ndjson')
  const sink = openJournal(file)
  const { events } = mixedRun()
  const of = (kind: string): Stamped =>
    events.find((event) => event.type === 'file-ended' && event.ending.kind === kind) ?? events[0]!

  sink.see(of('passed'))
  expect(syncs.count).toBe(0)
  for (let i = 0; i < 100; i++) sink.see(of('failed'))
  expect(syncs.count).toBe(1)
  // Those that came while the first one was under way share the second.
  await syncs.next()
  expect(syncs.count).toBe(2)
  sink.see(of('crashed'))
  sink.close()
  expect(sink.failure).toBe(null)
})

test('whatever was written is synced within a second, without a failure too', async () => {
  const syncs = countSyncs()
  const sink = openJournal(path.join(folder(), 'journal.ndjson'))
  onTestFinished(() => sink.close())
  for (let i = 0; i < 100; i++) sink.append('{}')
  expect(syncs.count).toBe(0)
  // The journal keeps no process alive for it; the test does.
  const alive = setInterval(() => {}, 1000)
  await syncs.next()
  clearInterval(alive)
  expect(syncs.count).toBe(1)
})

test('what a full disk did not take is counted in the journal itself, once there is room again', () => {
  const file = path.join(folder(), 'journal.ndjson')
  const { events } = mixedRun()
  const sink = openJournal(file)
  sink.append(JSON.stringify(events[0]))
  const { writeSync } = fs
  const restore = (): void => {
    fs.writeSync = writeSync
    syncBuiltinESMExports()
  }
  onTestFinished(restore)
  let left = 10
  fs.writeSync = ((fd: number, bytes: Buffer, offset: number = 0) => {
    if (left === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    const length = Math.min(left, bytes.length - offset)
    left -= length
    return writeSync(fd, bytes, offset, length)
  }) as typeof fs.writeSync
  syncBuiltinESMExports()
  for (const event of events.slice(1, 4)) sink.append(JSON.stringify(event))
  restore()
  for (const event of events.slice(4)) sink.append(JSON.stringify(event))
  sink.close()
  const read = readJournal(file)
  expect(read.events.filter((_, index) => index !== 1)).toEqual([events[0], ...events.slice(4)])
  expect(read.events[1]).toMatchObject({
    code: JOURNAL_FAILED,
    message: expect.stringContaining('3 events before this line could not be written'),
  })
  expect(exitCode(foldAll(read.events))).toBe(3)
})
