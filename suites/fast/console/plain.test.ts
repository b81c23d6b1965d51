import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from '../../support/property.ts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ErrorRecord } from '../../../src/core/events.ts'
import { hasColours } from '../../../src/reports/console/paint.ts'
import { replay, show, Sink, testConsole } from '../../support/console/streams.ts'
import { aCause, anError, journal, START } from '../../support/reports/journal-builder.ts'
import { greenRun, mixedRun } from '../../support/reports/sample-runs.ts'

const STANDARD = 'suites/standard/storm.test.ts'

describe('the start', () => {
  it('says what runs, where, for how long, and on which Redis', () => {
    const text = replay(
      journal()
        .tier('standard', { shards: 4 })
        .file('a.test.ts', (file) => file.attempt((it) => it.passed('a')), { expectedMs: 60_000 })
        .file('b.test.ts', (file) => file.attempt((it) => it.passed('b')))
        .build(),
    )
    const [plan, server] = text.split('\n')
    expect(plan).toBe(
      'run 20261120-060000-k3f9: tier standard, 2 files on 4 shards, about 1m expected, 1 without history, deadline 15m',
    )
    expect(server).toBe('redis 7.0.15 at 127.0.0.1:40123, 16 databases, local: redis-server 7.0.15 found on PATH')
  })

  it('of a slice says of which plan it is, also when it is empty', () => {
    const slice = { index: 5, of: 5, files: 4, plan: 'abc', history: 'def' }
    const text = replay(journal({ slice }).tier('standard').build())
    expect(text).toMatch(
      /^slice 5\/5 of 4 files, plan abc, history def\nrun \S+: tier standard, no file in slice 5\/5 of 4 files: nothing to run\n/,
    )
  })

  it('says that nothing can be expected without history', () => {
    expect(replay(greenRun(2, 1))).toContain('time unknown (no history yet)')
  })

  it('names those who hold the databases', () => {
    const { events } = greenRun(1, 1)
    const waiting = { type: 'lease-waiting', holders: ['3: run 4f2a on host-b'], limitMs: 60_000, at: START } as const
    const text = replay({ events: [...events.slice(0, 3), waiting, ...events.slice(3)], record: greenRun(1, 1).record })
    expect(text).toContain('waiting up to 1m for a free Redis database; held by:\n    3: run 4f2a on host-b\n')
  })
})

describe('a file that ended', () => {
  const text = replay(mixedRun())

  it('has one line with outcome, tests, time and place', () => {
    expect(text).toContain('✓ passed  suites/fast/config.test.ts  2 tests  107ms  shard 0 db 1\n')
    expect(text).toContain(`✗ failed  ${STANDARD}  3 tests, 1 failed, 1 skipped  361ms  shard 0 db 1\n`)
  })

  it('has one line for each attempt', () => {
    expect(text.match(/^. \w+ {2}suites\/standard\/flaky\.test\.ts .*$/gmu)).toEqual([
      '✗ failed  suites/standard/flaky.test.ts  2 tests, 1 failed  117ms  shard 1 db 2',
      '✓ passed  suites/standard/flaky.test.ts  2 tests  114ms  shard 1 db 2  attempt 2, flaky',
    ])
  })

  it('has none when it never started', () => {
    expect(text).not.toMatch(/^- not run {2}suites/mu)
  })

  it('says how its process died, which deadline struck, and what ran', () => {
    expect(text).toContain('✗ crashed suites/standard/memory.test.ts: out of memory, running: eats everything (tier')
    expect(text).toContain(
      '✗ timed out suites/standard/loop.test.ts: over its deadline of 5m, running: loops for ever (tier',
    )
    const other = replay(
      journal()
        .tier('standard')
        .file('killed.test.ts', (file) =>
          file.attempt((it) => it.ends({ kind: 'crashed', exitCode: null, signal: 'SIGKILL', outOfMemory: false })),
        )
        .file('left.test.ts', (file) =>
          file.attempt((it) => it.ends({ kind: 'crashed', exitCode: 3, signal: null, outOfMemory: false })),
        )
        .build(),
    )
    expect(other).toContain('killed.test.ts: signal SIGKILL (')
    expect(other).toContain('left.test.ts: exit code 3 (')
  })

  it('shows the last of the output when it failed', () => {
    expect(text).toContain(`output of ${STANDARD}:\n    | gate: 49 of 50\n    | warning: slow script\n`)
  })

  it('shows an error outside of its tests', () => {
    expect(text).toContain('✗ failed suites/standard/syntax.test.ts (tier standard')
    expect(text).toContain('    SyntaxError: Unexpected token (3:7)\n')
  })
})

describe('a failure', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'tiershard-console-'))
  mkdirSync(path.join(root, 'suites'))
  writeFileSync(
    path.join(root, 'suites/gate.test.ts'),
    ['one', 'two', '\tconst x = open(\u001b[2J)', 'four', 'five'].join('\n'),
  )
  afterEach(() => vi.useRealTimers())

  function failing(error: Partial<ErrorRecord>): string {
    const run = journal()
      .tier('standard')
      .file('suites/gate.test.ts', (file) =>
        file.attempt((it) => it.failed('opens', 3, { ...anError('expected 49 to be 50'), ...error })),
      )
    return replay(run.build(), { root })
  }

  it('shows message, diff and the source of the first frame inside the project', () => {
    const text = failing({
      frames: [
        { method: 'equal', file: path.join(root, 'node_modules/chai/index.js'), line: 1, column: 1 },
        { method: 'inner', file: '/somewhere/else.ts', line: 1, column: 1 },
        { method: 'test', file: `file://${root}/suites/gate.test.ts`, line: 3, column: 12 },
      ],
    })
    expect(text).toContain('✗ failed suites/gate.test.ts > opens (tier standard, shard 0, db 1)\n')
    expect(text).toContain('    AssertionError: expected 49 to be 50\n    - Expected\n    + Received\n')
    expect(text).toContain('    at suites/gate.test.ts:3:12\n')
    expect(text).toContain(`    > 3 |   const x = open()\n        |             ^\n`)
  })

  it('shows the top of the stack when no frame is inside the project', () => {
    const stack = [
      'Error: x',
      ...Array.from({ length: 30 }, (_, at) => `    at call${at} (/usr/lib/node.js:1:1)`),
    ].join('\n')
    const text = failing({ frames: [], stack })
    expect(text).toContain('    at call0 (/usr/lib/node.js:1:1)\n')
    expect(text).toContain('at call4 ')
    expect(text).not.toContain('at call5 ')
  })

  it('does without a source that is gone, or a place that is not in it', () => {
    const gone = { method: '', file: 'suites/gone.test.ts', line: 3, column: 1 }
    expect(failing({ frames: [gone] })).toContain('    at suites/gone.test.ts:3:1\n')
    const beyond = { method: '', file: 'suites/gate.test.ts', line: 3000, column: 1 }
    expect(failing({ frames: [beyond] })).toContain('    at suites/gate.test.ts:3000:1\n')
  })

  it('is bounded, and says how much is left', () => {
    const message = Array.from({ length: 100 }, (_, at) => `line ${at}`).join('\n')
    const text = failing({ name: 'Error', message, frames: [], stack: null })
    expect(text).toContain('    line 39\n')
    expect(text).not.toContain('line 40\n')
    // 60 of the message and all 5 of the diff.
    expect(text).toContain('    65 more lines in junit.xml\n')
  })

  it('is printed in full three times, and shortly when the same comes again', () => {
    const run = journal().tier('standard', { shards: 1 })
    for (let file = 0; file < 33; file++) {
      run.file(`f${file}.test.ts`, (draft) =>
        draft.attempt((it) =>
          it.failed('answers', 3, { name: 'Error', message: `503 from 127.0.0.1:${4000 + file}\nmore` }),
        ),
      )
    }
    const text = replay(run.build())
    expect(text.match(/like the failures above/gu)).toHaveLength(30)
    expect(text).toContain('  33 x Error: 503 from 127.0.0.1:4000\n')
    expect(text).toContain('      and 30 more\n')
  })

  it('stops printing after 200, and says where the others are', () => {
    const run = journal().tier('standard', { shards: 1 })
    run.file('many.test.ts', (file) =>
      file.attempt((it) => {
        for (let test = 0; test < 1000; test++) it.failed(`test ${test}`, 1, 'no')
      }),
    )
    const text = replay(run.build(), {}, false)
    expect(text.match(/^✗ failed many\.test\.ts > /gmu)).toHaveLength(200)
    expect(text).toContain('! more than 200 failures: the others are in junit.xml\n')
  })

  it('is cleaned up after', () => {
    rmSync(root, { recursive: true })
    expect(failing({})).toContain('suites/gate.test.ts > opens')
  })
})

describe('infrastructure', () => {
  const text = replay(
    journal()
      .tier('standard')
      .file('a.test.ts', (file) => file.attempt((it) => it.ends({ kind: 'infrastructure', cause: aCause() })))
      .file('b.test.ts', (file) => file.attempt((it) => it.ends({ kind: 'infrastructure', cause: aCause() })))
      .file('c.test.ts', (file) =>
        file.attempt((it) => it.ends({ kind: 'lease-lost', message: 'database 3 was taken' })),
      )
      .build(),
  )

  it('is named once with its remedy, and once more at the end', () => {
    expect(text.match(/^! infrastructure redis-unreachable$/gmu)).toHaveLength(1)
    expect(text.match(/^infrastructure\n {2}redis-unreachable: nothing answers at/gmu)).toHaveLength(1)
    expect(text.match(/what to do: start the server, or leave --redis out/gu)).toHaveLength(2)
  })

  it('is told from failures, file by file', () => {
    expect(text).toContain('! infrastructure a.test.ts: redis-unreachable: nothing answers at 127.0.0.1:6379')
    expect(text).toContain('! lease lost c.test.ts: database 3 was taken')
    expect(text).not.toContain('✗')
  })
})

describe('the end', () => {
  const lines = replay(mixedRun()).split('\n')

  it('has a table by suite with a sum', () => {
    const header = lines.findIndex((line) => line.startsWith('tier standard: '))
    const rows = lines.slice(header + 1, header + 5).map((line) => line.trim().split(/ {2,}/u))
    expect(rows).toEqual([
      ['suite', 'files', 'passed', 'failed', 'skipped', 'not run', 'flaky', 'file time'],
      ['gateway', '2', '3', '1', '1', '0', '1', '592ms'],
      ['standard', '7', '3', '5', '0', '3', '1', '5m'],
      ['total', '9', '6', '6', '1', '3', '2', '5m 1s'],
    ])
  })

  it('ends with the reports and the verdict', () => {
    expect(lines.slice(-3)).toEqual([
      'reports: reports/20261120-060000-k3f9 (report.html, junit.xml)',
      '✗ failed: 6 of 18 tests in 6 of 10 files, 3 not run, 2 flaky, 5m (2 shards)',
      '',
    ])
  })

  it('lists the slowest three, the flaky, the missing, and each warning once', () => {
    const text = lines.join('\n')
    expect(text).toContain(
      "  220ms  60% of tier standard's test time  suites/standard/storm.test.ts > storm > counts alerts\n",
    )
    expect(text).toContain('  suites/standard/flaky.test.ts > sometimes\n')
    expect(text).toContain('  suites/standard/late.test.ts: the deadline of the tier came first\n')
    expect(text.match(/^ {2}! 2 of 4 databases/gmu)).toHaveLength(1)
  })

  it('names files that do not fit their tier', () => {
    const run = journal()
      .tier('fast')
      .file('heavy.test.ts', (file) => file.attempt((it) => it.passed('waits', 14_000)))
      .tier('extended')
    expect(replay(run.build())).toContain(
      '  heavy.test.ts: 14.1s (slowest test 14s) is too slow for fast, belongs in extended\n',
    )
  })

  it.each([
    ['passed: 12 tests in 3 files, ', greenRun(3, 4)],
    [
      'deadline: tier standard stopped at 15m; 1 file timed out, 2 did not run; tests: 0 passed, 1 failed',
      journal()
        .tier('standard')
        .file('a', (file) =>
          file.attempt((it) => it.running('x').ends({ kind: 'timed-out', limit: 'tier', limitMs: 900_000 })),
        )
        .file('b', (file) => file.notRun('tier-deadline'))
        .file('c', (file) => file.notRun('tier-deadline'))
        .tierEnds('deadline')
        .build(),
    ],
    [
      'infrastructure: redis-unreachable: nothing answers at 127.0.0.1:6379 (connection refused); 0 files ended by it',
      journal()
        .tier('standard')
        .file('a', (file) => file.notRun('infrastructure'))
        .cause()
        .build(),
    ],
    ['incomplete: 1 test of 1 file without a result', journal().tier('standard').file('a').build()],
    ['incomplete: nothing was planned', journal().build()],
    ['failed: 2 tests passed, 1 error outside of any file', greenRun(1, 2, (run) => run.stray('boom'))],
    [
      'interrupted: by SIGINT after ',
      journal()
        .tier('standard')
        .file('a', (file) => file.notRun('signal'))
        .interrupted('SIGINT')
        .build(),
    ],
  ])('says in words: %s', (words, run) => {
    const last = replay(run).trimEnd().split('\n').at(-1)!
    expect(last.slice(2).startsWith(words), last).toBe(true)
  })
})

describe('the heartbeat', () => {
  beforeEach(() => void vi.useFakeTimers({ now: START }))
  afterEach(() => vi.useRealTimers())

  it('says every 30 s what runs, until something ends', () => {
    const sink = new Sink()
    const console = testConsole(sink)
    const { events } = journal()
      .tier('standard')
      .file('slow.test.ts', (file) => file.attempt((it) => it.passed('a', 120_000)), { expectedMs: 20_000 })
      .build()
    show(events.slice(0, events.findIndex(({ type }) => type === 'file-started') + 1), console)
    const before = sink.text
    vi.advanceTimersByTime(29_000)
    expect(sink.text).toBe(before)
    vi.advanceTimersByTime(1000)
    const beat = sink.text.slice(before.length)
    expect(beat).toContain('still running tier standard after 29s (deadline 15m')
    expect(beat).toContain('0 passed, 0 failed, 0 skipped, 1 of 1 file left\n')
    expect(beat).toContain('    shard 0 db 1: slow.test.ts for 29s of ~20s, over\n')
    vi.advanceTimersByTime(60_000)
    expect(sink.text.match(/still running/gu)).toHaveLength(3)
    console.interrupt()
    vi.advanceTimersByTime(60_000)
    expect(sink.text.match(/still running/gu)).toHaveLength(3)
  })

  it('says that it waits for a database', () => {
    const sink = new Sink()
    const console = testConsole(sink)
    const { events } = greenRun(1, 1)
    show([...events.slice(0, 3), { type: 'lease-waiting', holders: [], limitMs: 90_000, at: START }], console)
    vi.advanceTimersByTime(30_000)
    expect(sink.text).toContain('still waiting for a free Redis database after 30s\n')
  })
})

describe('the stream', () => {
  it('gets no control character but line feeds, whatever names and messages hold', () => {
    const nasty = fc.string({ unit: 'binary', maxLength: 30 })
    fc.assert(
      fc.property(nasty, nasty, nasty, (name, message, output) => {
        const run = journal()
          .notice('warning', 'x', message)
          .cause({ message, remedy: name })
          .tier('standard')
          .file(`file ${name}`, (file) =>
            file.attempt((it) =>
              it
                .failed(name, 1, { name, message, diff: message, stack: `x\n    at ${message}` })
                .output(output)
                .running(`run ${name}`)
                .error({ message })
                .ends({ kind: 'crashed', exitCode: null, signal: null, outOfMemory: false }),
            ),
          )
          .file('other', (file) => file.attempt((it) => it.ends({ kind: 'lease-lost', message })))
        expect(replay(run.build()).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u)
      }),
      { numRuns: 200 },
    )
  })

  it('may go away without harm', () => {
    const sink = new Sink()
    const console = testConsole(sink)
    sink.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    show(mixedRun().events, console)
    expect(sink.text).toBe('')
  })

  it('gets nothing after the end', () => {
    const sink = new Sink()
    const console = testConsole(sink)
    const { events } = mixedRun()
    const record = show(events, console)
    console.finish(record, { tiers: [] }, [])
    const { length } = sink.text
    show(events, console)
    console.finish(record, { tiers: [] }, [])
    expect(sink.text).toHaveLength(length)
  })
})

describe('colours', () => {
  const terminal = Object.assign(new Sink(), { isTTY: true })

  it.each([
    [{}, true],
    [{ NO_COLOR: '1' }, false],
    [{ NO_COLOR: '' }, true],
    [{ TERM: 'dumb' }, false],
    [{ FORCE_COLOR: '0' }, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ])('on a terminal with %o: %s', (env, on) => {
    expect(hasColours(terminal, env)).toBe(on)
  })

  it('are off elsewhere, unless forced', () => {
    expect([hasColours(new Sink(), {}), hasColours(new Sink(), { FORCE_COLOR: '1' })]).toEqual([false, true])
  })

  it('carry no meaning of their own', () => {
    const painted = replay(mixedRun(), { env: { FORCE_COLOR: '1' } })
    // eslint-disable-next-line no-control-regex
    expect(painted.replaceAll(/\u001b\[[\d;]*m/gu, '')).toBe(replay(mixedRun()))
    expect(painted).toContain('\u001b[32m✓ passed\u001b[39m')
  })
})
