import { journal, type Built, type JournalBuilder } from './journal-builder.ts'

/** One of everything that a report has to show. */
export function mixedRun(): Built {
  return journal()
    .notice('info', 'redis-source', 'redis: local, redis-server 7.0.15 found on PATH')
    .notice('warning', 'fewer-shards', '2 of 4 databases are free: running with 2 shards')
    .tier('fast')
    .file('suites/fast/config.test.ts', (file) =>
      file.attempt((it) => it.passed('config > reads the file', 4).passed('config > names the line', 3)),
    )
    .tier('standard', { retries: 1 })
    .file(
      'suites/standard/storm.test.ts',
      (file) =>
        file.attempt((it) =>
          it
            .passed('storm > counts alerts', 220)
            .failed('storm > opens the gate', 41, 'expected 49 to be 50')
            .output('gate: 49 of 50\n')
            .output('warning: slow script\n', 'stderr')
            .skipped('storm > cluster', 'needs a cluster')
            .leaves(3),
        ),
      { suite: 'gateway', expectedMs: 400 },
    )
    .file(
      'suites/standard/flaky.test.ts',
      (file) =>
        file
          .attempt((it) => it.failed('sometimes', 15, 'connection reset by peer').passed('always', 2))
          .attempt((it) => it.passed('sometimes', 12).passed('always', 2)),
      { suite: 'gateway' },
    )
    .file('suites/standard/inside.test.ts', (file) =>
      file.attempt((it) => it.retried('settles at the second try', 80, 'expected 1 to be 2')),
    )
    .file('suites/standard/never.test.ts', (file) =>
      file
        .attempt((it) => it.failed('never passes', 9, 'first reason'))
        .attempt((it) => it.failed('never passes', 8, 'second reason')),
    )
    .file('suites/standard/syntax.test.ts', (file) =>
      file.attempt((it) => it.error({ name: 'SyntaxError', message: 'Unexpected token (3:7)' })),
    )
    .file('suites/standard/loop.test.ts', (file) =>
      file.attempt((it) =>
        it
          .passed('before', 2)
          .running('loops for ever')
          .pending('after')
          .takes(300_000)
          .ends({ kind: 'timed-out', limit: 'file', limitMs: 300_000 }),
      ),
    )
    .file('suites/standard/memory.test.ts', (file) =>
      file.attempt((it) =>
        it
          .passed('small', 2)
          .running('eats everything')
          .pending('never comes')
          .ends({ kind: 'crashed', exitCode: null, signal: 'SIGABRT', outOfMemory: true }),
      ),
    )
    .file('suites/standard/empty.test.ts', (file) => file.attempt((it) => it))
    .file('suites/standard/late.test.ts', (file) => file.notRun('tier-deadline'))
    .build()
}

/** A green run: `files` files of `tests` tests each, with skewed durations. */
export function greenRun(files: number, tests: number, more: (run: JournalBuilder) => unknown = () => {}): Built {
  const run = journal().tier('standard', { shards: 4 })
  for (let file = 0; file < files; file++) {
    run.file(`suites/standard/generated/file-${file}.test.ts`, (draft) =>
      draft.attempt((it) => {
        for (let test = 0; test < tests; test++) it.passed(`group ${test % 7} > test ${test}`, 1 + ((file * test) % 97))
      }),
    )
  }
  more(run)
  return run.build()
}
