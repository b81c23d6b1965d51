import fc from '../../support/property.ts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Stamped } from '../../../src/core/events.ts'
import { startFold } from '../../../src/core/record.ts'
import { countTier } from '../../../src/core/verdict.ts'
import { liveFrame } from '../../../src/reports/console/frame.ts'
import { plainPaint } from '../../../src/reports/console/paint.ts'
import { Progress, type ShardView, type Snapshot } from '../../../src/reports/console/progress.ts'
import { displayWidth } from '../../../src/reports/format.ts'
import { Screen } from '../../support/console/screen.ts'
import { noHistory, show, testConsole } from '../../support/console/streams.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { journal, START, type Built } from '../../support/reports/journal-builder.ts'
import { mixedRun } from '../../support/reports/sample-runs.ts'

function shard(number: number, file: string | null, elapsedMs = 1000, expectedMs: number | null = 5000): ShardView {
  const running = file === null ? null : { file, attempt: 1, elapsedMs, expectedMs, over: false }
  return { shard: number, database: number + 1, running }
}

function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  return {
    tier: 'standard',
    elapsedMs: 12_000,
    deadlineMs: 900_000,
    shards: [shard(0, 'suites/standard/storm.test.ts'), shard(1, null)],
    counts: { passed: 10, failed: 1, skipped: 2, notRun: 0, flaky: 0 },
    filesLeft: 3,
    files: 9,
    done: 0.5,
    etaMs: 12_000,
    ...more,
  }
}

describe('the frame', () => {
  it('has a line a shard, counts, and a bar', () => {
    expect(liveFrame(snapshot(), 99, 20, plainPaint).map((line) => line.replaceAll(/ {2,}/gu, '  '))).toEqual([
      ' standard shard 0  db 1  suites/standard/storm.test.ts  1s of ~5s',
      ' standard shard 1  db 2  between files',
      ' 10 passed, 1 failed, 2 skipped, 3 of 9 files left',
      ` ${'█'.repeat(15)}${'░'.repeat(15)}  50%  12s, about 12s left (deadline 15m)`,
    ])
  })

  it('marks what takes longer than expected, and tries', () => {
    const running = { file: 'a.test.ts', attempt: 2, elapsedMs: 9000, expectedMs: 5000, over: true }
    const [line] = liveFrame(snapshot({ shards: [{ shard: 0, database: null, running }] }), 99, 20, plainPaint)
    expect(line).toMatch(/^ standard shard 0 {2}no db {2}a\.test\.ts +9s of ~5s over try 2$/u)
  })

  it('says what it does not know, and when the tier will be late', () => {
    const unknown = liveFrame(snapshot({ etaMs: null, shards: [shard(0, 'a', 1000, null)] }), 99, 20, plainPaint)
    expect(unknown[0]).toContain('1s of ?')
    expect(unknown[2]).toContain('time left unknown')
    expect(liveFrame(snapshot({ etaMs: 1_000_000 }), 99, 20, plainPaint).at(-1)).toMatch(/ late$/u)
  })

  it('never says 100% while something is left', () => {
    expect(liveFrame(snapshot({ done: 1 }), 99, 20, plainPaint).at(-1)).toContain(' 99%  ')
    expect(liveFrame(snapshot({ done: 1, filesLeft: 0 }), 99, 20, plainPaint).at(-1)).toContain('100%  ')
  })

  it('shows the shards that are at their file for longest when there are more than rows', () => {
    const shards = Array.from({ length: 16 }, (_, at) => shard(at, `file-${at}`, at * 1000))
    const lines = liveFrame(snapshot({ shards }), 99, 6, plainPaint)
    expect(lines).toHaveLength(6)
    expect(lines.slice(0, 3).map((line) => /file-\d+/u.exec(line)?.[0])).toEqual(['file-13', 'file-14', 'file-15'])
    expect(lines[3]).toBe(' and 13 more shards')
  })

  it('is never wider nor higher than the terminal, whatever the names', () => {
    const name = fc.string({ unit: 'grapheme', maxLength: 80 })
    const odd = fc.constantFrom('家族👨‍👩‍👧‍👦絵文字', '\u001b[2J\u001b]0;x\u0007', '\r\n\t', '❤️🇩🇪')
    const shards = fc.array(
      fc.tuple(
        fc.oneof(
          name,
          odd,
          fc.tuple(odd, name).map((parts) => parts.join('')),
        ),
        fc.nat(10_000_000),
      ),
      { minLength: 1, maxLength: 20 },
    )
    fc.assert(
      fc.property(shards, fc.integer({ min: 1, max: 140 }), fc.integer({ min: 1, max: 30 }), (files, columns, rows) => {
        const view = snapshot({ shards: files.map(([file, elapsedMs], at) => shard(at, file, elapsedMs)) })
        const lines = liveFrame(view, columns, rows, plainPaint)
        expect(lines.length).toBeLessThanOrEqual(rows)
        for (const line of lines) {
          expect(displayWidth(line)).toBeLessThanOrEqual(columns)
          expect(line).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u)
        }
      }),
    )
  })
})

describe('progress', () => {
  it('counts exactly what the verdict counts', () => {
    const { events } = mixedRun()
    const { record, fold } = startFold()
    const progress = new Progress()
    for (const event of events) {
      fold(event)
      progress.see(event, record)
      if (event.type !== 'tier-ended' || event.tier !== 'standard') continue
      const view = progress.snapshot(record, event.at)!
      expect(view.counts).toEqual(countTier(record.tiers.get('standard')!))
      expect(view).toMatchObject({ tier: 'standard', files: 9, filesLeft: 0, done: 1, etaMs: 0 })
    }
    expect.assertions(2)
  })

  it('knows nothing at first without history, and then learns from the run', () => {
    const { at, until } = following(
      journal().tier('standard', { shards: 1 }),
      Array.from({ length: 8 }, () => ({ expectedMs: null, takes: 10_000 })),
    )
    expect(at(until('file-started', 1))).toMatchObject({ etaMs: null, done: 0 })
    expect(at(until('file-started', 2)).etaMs).toBeNull()
    expect(at(until('file-started', 4)).etaMs).toBe(50_000)
  })

  it('predicts from history, and corrects it by the speed of this machine', () => {
    const { at, until } = following(
      journal().tier('standard', { shards: 1 }),
      Array.from({ length: 8 }, () => ({ expectedMs: 10_000, takes: 20_000 })),
    )
    // One file has shown nothing about the machine yet.
    expect(at(until('file-started', 2)).etaMs).toBe(70_000)
    const view = at(until('file-started', 5))
    expect(view.etaMs).toBe(80_000)
    expect(view.done).toBeCloseTo(0.5)
  })

  it('marks a file that is clearly over its expectation', () => {
    const { events, record } = following(journal().tier('standard'), [{ expectedMs: 10_000, takes: 60_000 }])
    const progress = new Progress()
    for (const event of events.slice(0, events.findIndex(({ type }) => type === 'file-started') + 1))
      progress.see(event, record)
    const started = record.tiers.get('standard')!.files.get('f0.test.ts')!.attempts[0]!.startedAt
    const over = (ms: number): boolean => progress.snapshot(record, started + ms)!.shards[0]!.running!.over
    expect([over(10_000), over(12_400), over(12_600)]).toEqual([false, false, true])
  })
})

/** A run of files that take some time, and a look at its progress at any of its events. */
function following(
  run: ReturnType<typeof journal>,
  files: readonly { expectedMs: number | null; takes: number }[],
): Built & { at: (event: Stamped) => Snapshot; until: (type: Stamped['type'], nth: number) => Stamped } {
  for (const [number, { expectedMs, takes }] of files.entries()) {
    run.file(`f${number}.test.ts`, (file) => file.attempt((it) => it.passed('a').takes(takes)), { expectedMs })
  }
  const { events, record } = run.build()
  return {
    events,
    record,
    until: (type, nth) => events.filter((event) => event.type === type)[nth - 1]!,
    at(last) {
      const { record, fold } = startFold()
      const progress = new Progress()
      for (const event of events.slice(0, events.indexOf(last) + 1)) {
        fold(event)
        progress.see(event, record)
      }
      return progress.snapshot(record, last.at)!
    },
  }
}

describe('the live view', () => {
  beforeEach(() => void vi.useFakeTimers({ now: START }))
  afterEach(() => vi.useRealTimers())

  const { events } = journal()
    .notice('warning', 'w', 'mind the gap')
    .tier('standard')
    .file('suites/家族👨‍👩‍👧‍👦/one.test.ts', (file) => file.attempt((it) => it.failed('breaks', 900).takes(1000)), {
      expectedMs: 900,
    })
    .file('suites/two.test.ts', (file) => file.attempt((it) => it.passed('holds', 1900).takes(3000)), {
      expectedMs: 800,
    })
    .file('suites/three.test.ts', (file) => file.attempt((it) => it.passed('holds', 1900).takes(2000)), {
      expectedMs: 700,
    })
    .build()

  /** Plays the events at their times up to `until` ms after the start. */
  function play(screen: Screen, until: number, env: NodeJS.ProcessEnv = {}): ReturnType<typeof testConsole> {
    const console = testConsole(screen, { interactive: true, env })
    const { record, fold } = startFold()
    for (const event of events) {
      if (event.at > START + until) break
      vi.advanceTimersByTime(Math.max(0, event.at - Date.now()))
      fold(event)
      console.see(event, record)
    }
    vi.advanceTimersByTime(Math.max(0, START + until - Date.now()))
    return console
  }

  it('shows what runs below what has been said', () => {
    const screen = new Screen(80, 24)
    play(screen, 800)
    expect(screen.lines.slice(0, 3).map((line) => line.slice(0, 12))).toEqual([
      'run 20261120',
      '! warning: m',
      'redis 7.0.15',
    ])
    expect(screen.lines.slice(3).map((line) => line.trim().replaceAll(/ {2,}/gu, ' '))).toEqual([
      'standard shard 0 db 1 suites/家族👨‍👩‍👧‍👦/one.test.ts 0s of ~900ms',
      'standard shard 1 db 2 suites/two.test.ts 0s of ~800ms',
      '0 passed, 0 failed, 0 skipped, 3 of 3 files left',
      expect.stringMatching(/^█+░+ \d+% 0s, about 1s left \(deadline 15m\)$/u),
    ])
  })

  it('prints failures above itself and stays below', () => {
    const screen = new Screen(80, 24)
    play(screen, 2300)
    const failure = screen.lines.findIndex((line) => line.startsWith('✗ failed suites/家族'))
    expect(failure).toBe(3)
    expect(screen.lines.at(-2)).toBe(' 1 passed, 1 failed, 0 skipped, 2 of 3 files left')
    expect(screen.lines.filter((line) => line.includes('files left'))).toHaveLength(1)
    expect(screen.lines.some((line) => line.includes('suites/two.test.ts') && line.endsWith(' over'))).toBe(true)
    expect(screen.wrapped.filter((line) => !line.startsWith('run ') && !line.startsWith('redis '))).toEqual([])
  })

  it('is gone at the end, and leaves no timer behind', () => {
    const screen = new Screen(80, 24)
    const console = play(screen, 10_000)
    const { record, fold } = startFold()
    for (const event of events) fold(event)
    console.finish(record, analyseSlow(record, noHistory, 10), [])
    expect(screen.lines.join('\n')).not.toMatch(/files? left|standard shard/u)
    expect(screen.lines.at(-1)).toMatch(/^✗ failed: 1 of 3 tests in 1 of 3 files/u)
    expect(vi.getTimerCount()).toBe(0)
    expect(screen.listenerCount('resize')).toBe(0)
  })

  it('draws at most some twelve times a second', () => {
    const screen = new Screen(80, 24)
    const console = testConsole(screen, { interactive: true })
    const { record, fold } = startFold()
    const started = events.findIndex(({ type }) => type === 'file-started')
    for (const event of events.slice(0, started + 1)) {
      fold(event)
      console.see(event, record)
    }
    const before = screen.raw.length
    const output = {
      type: 'file-output',
      stream: 'stdout',
      text: 'x',
      tier: 'standard',
      file: 'suites/two.test.ts',
      attempt: 1,
      at: START,
    } as const
    let draws = 0
    let { length } = screen.raw
    for (let ms = 0; ms < 1000; ms++) {
      vi.advanceTimersByTime(1)
      console.see(output, record)
      if (screen.raw.length !== length) draws++
      ;({ length } = screen.raw)
    }
    expect(screen.raw.length).toBeGreaterThan(before)
    expect(draws).toBeLessThanOrEqual(13)
    console.interrupt()
  })

  it('fits a terminal that is smaller than the run, and one that becomes smaller', () => {
    const screen = new Screen(24, 3)
    const console = play(screen, 800)
    expect(screen.lines.slice(-2)).toEqual([' 0 passed, 0 failed, 0…', expect.stringMatching(/^ +\d+% {2}0s/u)])
    screen.resize(80, 24)
    vi.advanceTimersByTime(100)
    expect(screen.lines.at(-2)).toBe(' 0 passed, 0 failed, 0 skipped, 3 of 3 files left')
    console.interrupt()
  })

  it('leaves nothing of itself behind when the terminal becomes narrower', () => {
    const screen = new Screen(100, 24)
    const console = play(screen, 2300)
    const said = screen.lines.length - 4
    expect(screen.lines[said]).toMatch(/^ standard shard 0 .{60}/u)
    screen.resize(78, 24)
    vi.advanceTimersByTime(100)
    screen.resize(60, 24)
    vi.advanceTimersByTime(100)
    const view = screen.lines.filter((line) =>
      /^ standard shard|^ [01] .*test\.ts|files left|deadline 15m\)$/u.test(line),
    )
    expect(view).toHaveLength(4)
    expect(view[3]).toContain('time left unknown')
    expect(screen.lines.slice(-4)).toEqual(view)
    expect(screen.lines.join('')).toContain('✗ failed')
    console.interrupt()
  })

  it('leaves its last lines when the process is about to go', () => {
    const screen = new Screen(80, 24)
    const console = play(screen, 800)
    const { lines } = screen
    console.interrupt()
    vi.advanceTimersByTime(5000)
    expect(screen.lines).toEqual(lines)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is not drawn on a dumb terminal', () => {
    const screen = new Screen(80, 24)
    play(screen, 10_000, { TERM: 'dumb' })
    expect(screen.raw).not.toContain('\u001b')
    expect(screen.lines).toContain('✓ passed  suites/two.test.ts  1 test  3s  shard 1 db 2')
  })

  it('writes nothing that moves the cursor where there is no terminal', () => {
    const screen = Object.assign(new Screen(80, 24), { isTTY: false })
    const console = testConsole(screen, { interactive: true })
    show(events, console)
    expect(screen.raw).not.toContain('\u001b')
  })
})
