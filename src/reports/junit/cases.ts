import { unreachable, type Cause, type Ending } from '../../core/ending.ts'
import type { ErrorRecord } from '../../core/events.ts'
import type { FileRecord, Missing, TestRecord, TierRecord } from '../../core/record.ts'
import { column, decidingAttempt, fileEnding, ownCase, testVerdicts, type TestVerdict } from '../../core/verdict.ts'
import { endingWords, quarantineWords } from '../words.ts'

/** One `<testcase>`: a test, or a file that no test of it speaks for. */
export interface Case {
  readonly name: string
  readonly line: number | null
  readonly durationMs: number
  /** The reason of a skip ('' when none is known); null when it was not skipped. */
  readonly skipped: string | null
  /** In the order in which they are written; at most one of them is a `failure` or an `error`. */
  readonly problems: readonly Problem[]
}

export interface Problem {
  /** Retries as Surefire writes them: `flaky*` beside a pass, `rerun*` beside a failure. */
  readonly element: 'failure' | 'error' | 'flakyFailure' | 'flakyError' | 'rerunFailure' | 'rerunError'
  /** The error's class, or one of the types of docs/reports.md: `crashed`, `infrastructure:redis-unreachable`... */
  readonly type: string
  readonly message: string
  readonly text: string
}

/** A problem before it is known whether a later attempt made it good. */
type Finding = Pick<Problem, 'type' | 'message' | 'text'> & { readonly kind: 'Failure' | 'Error' }

/** The case that speaks for a file itself. */
const FILE_CASE = '(file)'

/** The cases of errors outside of any file; their names are made unique like all others. */
const STRAY_CASE = '(error)'

/** The cases of a file: one a test, and one for the file when its ending shows in none of them. As `countFile` counts. */
export function casesOf(
  tier: TierRecord,
  file: FileRecord,
  cause: Cause | null,
): {
  readonly cases: readonly Case[]
  /** Whether the last of them speaks for the file: the errors of its deciding attempt are shown there. */
  readonly own: boolean
} {
  const verdicts = testVerdicts(file)
  const cases = verdicts.map((verdict) => testCase(tier, file, verdict))
  const own = ownCase(file, verdicts)
  if (own) {
    const speaks = fileCase(tier, file, cause, cases.length === 0)
    cases.push(own.quarantined ? { ...speaks, skipped: quarantineWords(own.quarantined), problems: [] } : speaks)
  }
  return { cases, own: own !== null }
}

function testCase(tier: TierRecord, file: FileRecord, verdict: TestVerdict): Case {
  const { name, last, outcome } = verdict
  const common = { name, line: last.line, durationMs: last.durationMs }
  // Red in no tool that reads this: the run does not fail on it. What was wrong is in the journal and in summary.json.
  if (verdict.quarantined) return { ...common, skipped: quarantineWords(verdict.quarantined), problems: [] }
  switch (outcome) {
    case 'skipped':
      return { ...common, skipped: last.note ?? '', problems: [] }
    case 'passed':
      return { ...common, skipped: null, problems: verdict.flaky ? madeGood(tier, file, verdict) : [] }
    case 'failed':
    case 'timed-out':
    case 'crashed':
    case 'interrupted':
    case 'not-run':
      return { ...common, skipped: null, problems: neverGood(tier, file, verdict) }
    default:
      return unreachable(outcome)
  }
}

/** A pass after failures: in earlier attempts, or in tries of the engine inside of this one. */
function madeGood(tier: TierRecord, file: FileRecord, { earlier, last }: TestVerdict): Problem[] {
  const failed = earlier.filter((record) => column(record.outcome ?? 'not-run') === 'failed')
  const findings = [
    ...failed.flatMap((record) => findingsOf(tier, file, record)),
    ...last.errors.map((error) => finding('Failure', error)),
  ]
  return findings.map(({ kind, ...rest }) => ({ element: `flaky${kind}`, ...rest }))
}

/**
 * No pass in any attempt: Surefire calls the first failure the failure and those after it reruns. The first one is
 * the first that counts as the verdict does, so that the totals agree.
 */
function neverGood(tier: TierRecord, file: FileRecord, { earlier, last, outcome }: TestVerdict): Problem[] {
  const records = [...earlier, last]
  const first = records.find((record) => column(record.outcome ?? 'not-run') === column(outcome)) ?? last
  const findings = [first, ...records.filter((record) => record !== first)].flatMap((record) =>
    findingsOf(tier, file, record),
  )
  return findings.map(({ kind, ...rest }, index) => ({
    element: index > 0 ? `rerun${kind}` : kind === 'Failure' ? 'failure' : 'error',
    ...rest,
  }))
}

/** What was wrong with a test in one attempt: several findings when the engine tried several times. */
function findingsOf(tier: TierRecord, file: FileRecord, record: TestRecord): Finding[] {
  const { errors, retries, name } = record
  const outcome = record.outcome ?? 'not-run'
  if (outcome === 'failed' || (outcome === 'timed-out' && errors.length > 0)) {
    const type = outcome === 'timed-out' ? 'timed-out' : undefined
    if (retries > 0 && errors.length > 0) return errors.map((error) => finding('Failure', error, type))
    // One try with several errors (soft assertions) is one failure.
    return [{ ...finding('Failure', errors[0] ?? NO_ERROR, type), text: errors.map(errorText).join('\n\n') }]
  }
  const ending = file.attempts.find(({ tests }) => tests.get(name) === record)?.ending ?? fileEnding(file)
  const { word, detail } = endingWords(ending, tier.name)
  const words = detail === '' ? word : `${word}: ${detail}`
  const text = errors.map(errorText).join('\n\n')
  switch (outcome) {
    case 'timed-out':
    case 'crashed':
      return [{ kind: 'Error', type: outcome, message: `running when its file ended: ${words}`, text }]
    case 'interrupted':
      return [{ kind: 'Error', type: endingType(ending), message: `${interruptedWords(errors)}: ${words}`, text }]
    case 'not-run':
      return [{ kind: 'Error', type: 'not-run', message: `without a result; its file ended: ${words}`, text }]
    case 'passed':
    case 'skipped':
      return []
    default:
      return unreachable(outcome)
  }
}

/** A test with errors had failed; its file's ending says that the test is not to blame. */
function interruptedWords(errors: readonly ErrorRecord[]): string {
  const [first] = errors
  return first
    ? `failed (${first.message || first.name}) while something else was wrong`
    : 'running when its file ended'
}

const NO_ERROR: ErrorRecord = { name: 'Error', message: 'failed without an error', stack: null, diff: null, frames: [] }

/** The case of a file whose ending no test of it shows. `alone`: it has no other case, so this one holds its time. */
function fileCase(tier: TierRecord, file: FileRecord, cause: Cause | null, alone: boolean): Case {
  const ending = fileEnding(file)
  const attempt = decidingAttempt(file)
  const errors = attempt?.errors ?? []
  const durationMs = alone ? (attempt?.durationMs ?? 0) : 0
  const problem = fileProblem(ending, tier, errors, cause)
  return { name: FILE_CASE, line: null, durationMs, skipped: null, problems: [problem] }
}

function fileProblem(ending: Ending, tier: TierRecord, errors: readonly ErrorRecord[], cause: Cause | null): Problem {
  const text = errors.map(errorText).join('\n\n')
  if (ending.kind === 'failed') {
    const { kind: _, ...first } = finding('Failure', errors[0] ?? NO_ERROR)
    return { element: 'failure', ...first, text }
  }
  const { word, detail } = endingWords(ending, tier.name)
  const words = detail === '' ? word : `${word}: ${detail}`
  const type = endingType(ending)
  if (ending.kind === 'infrastructure') {
    const { message, remedy } = ending.cause
    return { element: 'error', type, message, text: [remedy, text].filter(Boolean).join('\n\n') }
  }
  // A file that never started because of the infrastructure: the cause is known to the run, not to the file.
  if (ending.kind === 'not-run' && ending.why === 'infrastructure' && cause !== null) {
    return { element: 'error', type, message: `${words}: ${cause.code}: ${cause.message}`, text: cause.remedy }
  }
  return { element: 'error', type, message: words, text }
}

/** The `type` of an `<error>`: a closed set, so that readers can tell what to count as what. */
export function endingType(ending: Ending): string {
  switch (ending.kind) {
    case 'timed-out':
      return ending.limit === 'tier' ? 'tier-deadline' : 'timed-out'
    case 'infrastructure':
      return `infrastructure:${ending.cause.code}`
    case 'passed':
    case 'failed':
    case 'crashed':
    case 'lease-lost':
    case 'cancelled':
    case 'not-run':
    case 'no-tests':
      return ending.kind
    default:
      return unreachable(ending)
  }
}

/** The cases of errors that belong to no file; the run fails on them. */
export function strayCases(errors: readonly ErrorRecord[]): Case[] {
  return errors.map((error): Case => {
    const { kind: _, ...rest } = finding('Failure', error)
    return { name: STRAY_CASE, line: null, durationMs: 0, skipped: null, problems: [{ element: 'failure', ...rest }] }
  })
}

/** The case of what is missing from the record as a whole. */
const MISSING_CASE = '(incomplete)'

/** What is missing and shows in no file: a report of a killed run must not look like that of a good one. */
export function missingCases(missing: readonly Missing[]): Case[] {
  return missing.map(({ kind, message }): Case => {
    const problem: Problem = { element: 'error', type: `incomplete:${kind}`, message, text: '' }
    return { name: MISSING_CASE, line: null, durationMs: 0, skipped: null, problems: [problem] }
  })
}

function finding(kind: Finding['kind'], error: ErrorRecord, type = error.name || 'Error'): Finding {
  const message = error.message || error.name
  return {
    kind,
    type,
    message: error.suite === undefined ? message : `${error.suite}: ${message}`,
    text: errorText(error),
  }
}

/** All of an error: name, message, stack and difference, none of them twice. */
export function errorText(error: ErrorRecord): string {
  const { name, message, stack, diff, suite } = error
  const title = [name, message].filter(Boolean).join(': ')
  const said = stack === null || stack === '' ? title : stack.includes(message) ? stack : `${title}\n${stack}`
  const whole = suite === undefined ? said : `in suite ${suite}\n${said}`
  return diff === null || diff === '' ? whole : `${whole}\n\n${diff}`
}
