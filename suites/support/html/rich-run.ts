import type { Past, TestPast } from '../../../src/core/ports.ts'
import type { Built } from '../reports/journal-builder.ts'
import { aCause, journal, START } from '../reports/journal-builder.ts'

/** A run on a shared Redis that went read-only for a while: everything that the report has to show beside its tests. */
export function richRun(): Built {
  const run = journal().tier('standard', { shards: 4, retries: 1 })
  const cause = aCause({
    code: 'redis-read-only',
    message: 'The Redis at 10.0.3.7:6379 is a replica and takes no writes.',
    remedy: 'Use the address of the master, or of the Sentinels.',
  })
  for (let file = 0; file < 24; file++) {
    const ms = 500 + ((file * 7919) % 4000)
    run.file(`suites/standard/gateway/part-${file}.test.ts`, (draft) => {
      if (file === 5 || file === 6)
        draft.attempt((it) => it.running('writes').takes(1800).ends({ kind: 'infrastructure', cause }))
      if (file % 9 === 4) {
        draft.attempt((it) => {
          for (let n = 0; n < 3; n++) it.failed(`alerts > keeps order ${n}`, ms / 4, READONLY)
          it.failed('alerts > opens the gate', ms / 4, `expected ${file} to be ${file + 1}`).takes(ms)
        })
      }
      draft.attempt((it) => {
        it.passed('one', ms / 2)
          .passed('two', ms / 3)
          .takes(ms)
        if (file === 6) it.ends({ kind: 'infrastructure', cause })
        if (file % 9 === 4) it.failed('alerts > keeps order 0', 40, READONLY)
        if (file % 5 === 0) it.leaves(120 * (file + 1), leftovers(file))
        if (file % 7 === 3) it.leaks(4700 + file, `redis-cli -p 6379 subscribe events:${file}`)
      })
    })
  }
  run.meanwhile(5200, { type: 'dispatch-paused', cause, limitMs: 60_000 })
  run.meanwhile(7900, { type: 'dispatch-resumed', cause, pausedMs: 2700 })
  for (let second = 0; second < 20; second++) {
    if (second === 6 || second === 7) continue
    run.meanwhile(300 + second * 1000, {
      type: 'server-sampled',
      role: 'master',
      usedBytes: 9_000_000 + 1_400_000 * second - (second > 12 ? 11_000_000 : 0),
      maxBytes: 48_000_000,
      clients: 8 + ((second * 5) % 7),
      writeMs: second === 5 ? 38 : 0.4 + (second % 3) / 10,
      commands: 100_000 + 2400 * second + 700 * ((second * second) % 5),
    })
  }
  return run.build()
}

const READONLY = { name: 'ReplyError', message: "READONLY You can't write against a read only replica." }

function leftovers(file: number) {
  return {
    sampled: Math.min(2000, 120 * (file + 1)),
    withoutTtl: 100 * (file + 1),
    groups: [
      { prefix: 'bull:paint:*', type: 'hash', keys: 80 * (file + 1), withoutTtl: 80 * (file + 1), bytes: 90_000 },
      { prefix: 'bull:paint:events', type: 'stream', keys: 20, withoutTtl: 20, bytes: 4_100_000 },
      { prefix: 'session:*', type: 'string', keys: 20 * (file + 1), withoutTtl: 0, bytes: 2100 },
    ],
    clients: file === 10 ? ['bullmq worker (10.0.3.9:51322)'] : [],
  }
}

/** What past runs say of {@link richRun}. */
export function richPast(): Past {
  const file = (n: number): string => `suites/standard/gateway/part-${n}.test.ts`
  const wave = (n: number, ms: number): number => ms * (1 + (((n * 37) % 11) - 5) / 60)
  const before = (ms: number, count = 20): number[] => Array.from({ length: count }, (_, n) => wave(n, ms))
  const tests: TestPast[] = Array.from({ length: 24 }, (_, n) => ({
    file: file(n),
    name: 'one',
    ms:
      n < 3 ? [...before(300), ...before(900, 5)] : n < 5 ? [...before(300), ...before(520, 3)] : before(1000 + 90 * n),
    isOfRun: true,
  }))
  const usual = { file: file(9), name: 'two', ms: before(6200, 6), isOfRun: true }
  const spike = { file: file(11), name: 'two', ms: [...before(900, 6), 17_000], isOfRun: true }
  const flaky = [
    { file: file(8), name: 'one', lastAt: START - 2 * 86_400_000, passes: 4, recent: 'ppfpppppkpppppppfpppp' },
    { file: file(2), name: 'two', lastAt: START - 3 * 86_400_000, passes: 9, recent: 'pkppppppppp' },
  ]
  const known = { machine: 'linux-x64, 4 cpus', runs: 25, pace: 1.3, tests: [...tests, usual, spike], flaky }
  return { tier: (name) => (name === 'standard' ? known : null) }
}

/** Two files, ten times each: one fails three times, in two of its tests. */
export function stressRun(): Built {
  const repeated = { times: 10, untilFailure: false }
  return journal()
    .tier('standard', { shards: 2, stress: repeated })
    .file('steady.test.ts', (file) => times(10, () => file.attempt((it) => it.passed('stands'))), {
      plan: { repeated },
    })
    .file(
      'wobbly.test.ts',
      (file) =>
        times(10, (n) =>
          file.attempt((it) => {
            if (n === 2 || n === 7) it.failed('wobbles often')
            else it.passed('wobbles often')
            if (n === 4) it.failed('wobbles')
            else it.passed('wobbles')
          }),
        ),
      { plan: { repeated } },
    )
    .build()
}

function times(count: number, act: (n: number) => unknown): void {
  for (let n = 0; n < count; n++) act(n)
}

/** A test that fails and a file that cannot be imported, both known. */
export function quarantinedRun(): Built {
  const entry = { entry: 'quarantine[0]', test: null, until: '2999-12-31', reason: 'issue 7', expired: false }
  const file = { ...entry, entry: 'quarantine[1]', reason: 'issue 9' }
  return journal()
    .tier('standard')
    .file('known.test.ts', (draft) => draft.attempt((it) => it.passed('fine').failed('known', 5, 'still broken')), {
      plan: { quarantine: [{ ...entry, test: 'known' }] },
    })
    .file('dies.test.ts', (draft) => draft.attempt((it) => it.error('cannot be read')), {
      plan: { quarantine: [file] },
    })
    .build()
}
