import fc from '../property.ts'
import { CAUSE_CODES, type Ending } from '../../../src/core/ending.ts'
import type { PlannedFile } from '../../../src/core/events.ts'
import { aCause, journal, type AttemptDraft, type Built, type FileDraft } from './journal-builder.ts'

/** Texts that break careless writers: control characters, lone surrogates, emoji, ends of CDATA sections, markup. */
export const nastyText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ']]>',
        ']]',
        '>',
        '<![CDATA[',
        '&amp;',
        '&#0;',
        '<b>',
        '"',
        "'",
        '--',
        '\u{1b}[31m',
        '$&',
        '%',
        '|',
      ),
      fc.constantFrom(
        '\u{0}',
        '\u{b}',
        '\u{1f}',
        '\u{7f}',
        '\r',
        '\n',
        '\t',
        '\u{85}',
        '\u{2028}',
        '\u{fffe}',
        '\u{ffff}',
      ),
      fc.constantFrom('\ud800', '\udc00', '\udbff\udbff', '\u{1f600}', '\u{1f468}\u{200d}\u{1f469}', 'e\u{301}'),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('storm', 'adds', ' ', 'a', '(file)', '__proto__', 'constructor'),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''))

const endings: fc.Arbitrary<Ending> = fc.oneof(
  fc.constantFrom<Ending>({ kind: 'passed' }, { kind: 'failed' }, { kind: 'no-tests' }),
  fc.record({
    kind: fc.constant('timed-out' as const),
    limit: fc.constantFrom('file' as const, 'tier' as const),
    limitMs: fc.nat(),
  }),
  fc.record({
    kind: fc.constant('crashed' as const),
    exitCode: fc.option(fc.nat(255)),
    signal: fc.option(fc.constant('SIGKILL')),
    outOfMemory: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('infrastructure' as const),
    cause: fc.constantFrom(...CAUSE_CODES).map((code) => aCause({ code })),
  }),
  fc.record({ kind: fc.constant('lease-lost' as const), message: nastyText }),
  fc.record({
    kind: fc.constant('cancelled' as const),
    by: fc.constantFrom('signal' as const, 'fail-fast' as const, 'run-ended' as const),
  }),
  fc.record({
    kind: fc.constant('not-run' as const),
    why: fc.constantFrom(
      'tier-deadline' as const,
      'signal' as const,
      'fail-fast' as const,
      'infrastructure' as const,
      'lost' as const,
    ),
  }),
)

type Happening = 'passed' | 'failed' | 'timed-out' | 'skipped' | 'retried' | 'bare' | 'running' | 'pending' | 'absent'

interface AttemptPlan {
  readonly happenings: readonly Happening[]
  /** undefined: as the tests say. */
  readonly ending: Ending | null | undefined
  readonly said: string
  readonly error: boolean
}

interface FilePlan {
  readonly path: string
  readonly project: string
  readonly names: readonly string[]
  readonly attempts: readonly AttemptPlan[]
  readonly notRun: Ending | null
  readonly plan: Pick<PlannedFile, 'repeated'>
}

const attemptPlan: fc.Arbitrary<AttemptPlan> = fc.record({
  happenings: fc.array(
    fc.constantFrom<Happening>(
      'passed',
      'failed',
      'timed-out',
      'skipped',
      'retried',
      'bare',
      'running',
      'pending',
      'absent',
    ),
    { minLength: 4, maxLength: 4 },
  ),
  ending: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.option(endings)),
  said: nastyText,
  error: fc.boolean(),
})

const filePlan: fc.Arbitrary<FilePlan> = fc.record({
  path: fc.oneof(nastyText, fc.constantFrom('a.test.ts', 'b.test.ts', 'c.test.ts')),
  project: fc.constantFrom('', '', 'unit'),
  names: fc.uniqueArray(nastyText, { maxLength: 4 }),
  attempts: fc.array(attemptPlan, { maxLength: 3 }),
  notRun: fc.option(endings),
  plan: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    fc.record({
      repeated: fc.record({ times: fc.option(fc.integer({ min: 1, max: 3 })), untilFailure: fc.boolean() }),
    }),
  ),
})

/** Of one tier: no file is planned twice. */
function files(maxLength: number): fc.Arbitrary<FilePlan[]> {
  return fc.uniqueArray(filePlan, { maxLength, selector: ({ path, project }) => `[${project}] ${path}` })
}

/** Runs of every shape that a journal can hold, likely or not. */
export function arbitraryRun(): fc.Arbitrary<Built> {
  return fc
    .record({
      standard: files(4),
      extended: files(2),
      stray: fc.option(nastyText),
      cause: fc.boolean(),
      killed: fc.boolean(),
    })
    .map(({ standard, extended, stray, cause, killed }) => {
      const run = journal()
      for (const [tier, files] of Object.entries({ standard, extended })) {
        run.tier(tier)
        for (const { path, project, plan, ...what } of files) {
          run.file(path, (draft) => happen(draft, what), { project, plan })
        }
      }
      if (stray !== null) run.stray(stray)
      if (cause) run.cause()
      return (killed ? run.killed() : run).build()
    })
}

function happen(draft: FileDraft, { names, attempts, notRun }: Pick<FilePlan, 'names' | 'attempts' | 'notRun'>): void {
  for (const plan of attempts) draft.attempt((attempt) => happenIn(attempt, names, plan))
  if (notRun) draft.notRun(notRun)
}

function happenIn(attempt: AttemptDraft, names: readonly string[], plan: AttemptPlan): void {
  for (const [i, name] of names.entries()) happenTo(attempt, name, plan.happenings[i] ?? 'passed', plan.said)
  attempt.output(plan.said).output(plan.said, 'stderr')
  if (plan.error) attempt.error(plan.said)
  if (plan.ending !== undefined) attempt.ends(plan.ending)
}

function happenTo(attempt: AttemptDraft, name: string, what: Happening, said: string): void {
  if (what === 'passed') attempt.passed(name, 1.5)
  else if (what === 'failed') attempt.failed(name, 3, said)
  else if (what === 'timed-out') attempt.timedOut(name)
  else if (what === 'skipped') attempt.skipped(name, said)
  else if (what === 'retried') attempt.retried(name, 4, said)
  else if (what === 'bare') attempt.test({ name, outcome: 'failed', retries: 1 })
  else if (what === 'running') attempt.running(name)
  else if (what === 'pending') attempt.pending(name)
}
