import { isTestFailure, type CauseCode, type Ending } from '../core/ending.ts'
import type { ErrorRecord } from '../core/events.ts'
import type { FileRecord, RunRecord, TierRecord } from '../core/record.ts'
import { symptomOf } from '../core/symptoms.ts'
import { decidingAttempt, fileEnding, isFailure, ownCase, testVerdicts, type OwnCase } from '../core/verdict.ts'
import { printable } from './format.ts'
import { endingWords, nodeOf, outcomeWord, planned } from './words.ts'

/** One thing that failed: a test, or a file as a whole. */
export interface Failure {
  readonly tier: string
  readonly file: string
  /** null: the file itself (an error outside of its tests, a crash, a deadline, infrastructure). */
  readonly test: string | null
  /** `failed`, `timed out`, `crashed`... */
  readonly word: string
  /** The first line of what was wrong, printable. */
  readonly message: string
  readonly errors: readonly ErrorRecord[]
  /** What the ending or an error gives away; null: nothing known. */
  readonly cause: CauseCode | null
}

/** Failures of one known cause, whatever their messages. */
export interface CauseGroup {
  readonly cause: CauseCode
  readonly failures: readonly Failure[]
}

/** Failures with the same message, but for numbers and ids. */
export interface FailureGroup {
  readonly message: string
  readonly failures: readonly Failure[]
}

/** Every test and file that failed or met trouble in the end, in the order of the plan; not what merely did not run. */
export function failures(record: RunRecord): Failure[] {
  return [
    ...planned(record).flatMap(({ tier, file }) => ofFile(tier, file, portOf(record, file))),
    ...strays(record, portOf(record)),
  ]
}

/**
 * The port of the Redis of a file's tests; null for a run without, an address that names none, and a server that may move.
 *
 * @param file null: of none
 */
export function portOf(record: RunRecord, file: FileRecord | null = null): number | null {
  const shard = file && decidingAttempt(file)?.shard
  const { server } = (typeof shard === 'number' ? nodeOf(record, shard)?.record : null) ?? record
  if (server?.source === 'sentinel') return null
  const port = /:(\d+)$/.exec(server?.address ?? '')?.[1]
  return port === undefined ? null : Number(port)
}

function ofFile(tier: TierRecord, file: FileRecord, port: number | null): Failure[] {
  const at = { tier: tier.name, file: file.plan.id }
  const ending = fileEnding(file)
  const { word, detail } = endingWords(ending, tier.name)
  const said = detail === '' ? word : `${word}: ${detail}`
  const verdicts = testVerdicts(file)
  const own = ownCase(file, verdicts)
  const tests = verdicts.filter(isFailure).map((test): Failure => {
    const { errors } = test.last
    const otherwise = word === outcomeWord(test.outcome) ? said : outcomeWord(test.outcome)
    const cause = causeOf(errors, port)
    const message = firstLine(errors, otherwise)
    return { ...at, test: test.name, word: outcomeWord(test.outcome), message, errors, cause }
  })
  const errors = decidingAttempt(file)?.errors ?? []
  if (own?.quarantined || (errors.length === 0 && !standsAlone(ending, own))) return tests
  const cause = ending.kind === 'infrastructure' ? ending.cause.code : causeOf(errors, port)
  return [...tests, { ...at, test: null, word, message: firstLine(errors, said), errors, cause }]
}

/** The cause that the first telling one of several errors gives away. */
export function causeOf(errors: readonly ErrorRecord[], port: number | null): CauseCode | null {
  for (const error of errors) {
    const cause = symptomOf(error, port)
    if (cause !== null) return cause
  }
  return null
}

/** Whether an ending is trouble that no test of the file shows. */
function standsAlone(ending: Ending, own: OwnCase | null): boolean {
  if (ending.kind === 'infrastructure' || ending.kind === 'lease-lost') return true
  return own !== null && (ending.kind === 'timed-out' || isTestFailure(ending))
}

function strays(record: RunRecord, port: number | null): Failure[] {
  return [...record.tiers.values()].flatMap((tier) =>
    tier.strayErrors.map((error) => ({
      tier: tier.name,
      file: '(outside of any file)',
      test: null,
      word: 'failed',
      message: firstLine([error], 'error'),
      errors: [error],
      cause: causeOf([error], port),
    })),
  )
}

function firstLine(errors: readonly ErrorRecord[], otherwise: string): string {
  const error = errors.at(0)
  return error ? errorTitle(error) : otherwise
}

/** `TypeError: x is not a function`: the first line of an error, printable. */
export function errorTitle(error: ErrorRecord): string {
  const [first = ''] = error.message.trimStart().split('\n', 1)
  const said = first.startsWith(error.name) ? first : [error.name, first].filter(Boolean).join(': ')
  return printable(said)
}

/** Groups the failures whose cause is known, the largest group first. */
export function failuresByCause(list: readonly Failure[]): CauseGroup[] {
  const groups = new Map<CauseCode, Failure[]>()
  for (const failure of list) {
    if (failure.cause === null) continue
    const group = groups.get(failure.cause)
    if (group) group.push(failure)
    else groups.set(failure.cause, [failure])
  }
  return [...groups]
    .map(([cause, members]) => ({ cause, failures: members }))
    .sort((a, b) => b.failures.length - a.failures.length)
}

/** `31 of 33: redis-read-only`, a line a cause. */
export function causeLines(list: readonly Failure[]): string[] {
  return failuresByCause(list).map(({ cause, failures: some }) => `${some.length} of ${list.length}: ${cause}`)
}

/** Groups failures by their message, the largest group first; groups of one size keep the order of the plan. */
export function groupFailures(list: readonly Failure[]): FailureGroup[] {
  const groups = new Map<string, Failure[]>()
  for (const failure of list) {
    const key = `${failure.word} ${signature(failure.message)}`
    const group = groups.get(key)
    if (group) group.push(failure)
    else groups.set(key, [failure])
  }
  return [...groups.values()]
    .map((members) => ({ message: members[0]!.message, failures: members }))
    .sort((a, b) => b.failures.length - a.failures.length)
}

/**
 * A message without what differs from one occurrence to the next: numbers and ids. An assertion is left as it is: its
 * numbers are what it says.
 */
export function signature(message: string): string {
  const bounded = message.slice(0, 400)
  if (bounded.startsWith('AssertionError')) return bounded
  return bounded.replaceAll(/0x[\da-f]+|\b[\da-f]{8,}(?:-[\da-f]{4,})*\b/giu, '#').replaceAll(/\d+(?:\.\d+)?/gu, '#')
}
