/**
 * Why an attempt at a file stopped. A closed union: whoever decides an ending records it once, where it is decided,
 * and every reader switches over all of it. Infrastructure never looks like a failed test, and a failed test never
 * looks like infrastructure.
 */
export type Ending =
  | { readonly kind: 'passed' }
  /** At least one test failed, or the file itself has an error (syntax, unhandled rejection, a hook). */
  | { readonly kind: 'failed' }
  /** Stopped by the file's or the tier's deadline. A single test over its timeout is a failed test, not an ending. */
  | { readonly kind: 'timed-out'; readonly limit: 'file' | 'tier'; readonly limitMs: number }
  /** The process that ran the file died by itself. */
  | {
      readonly kind: 'crashed'
      readonly exitCode: number | null
      readonly signal: string | null
      readonly outOfMemory: boolean
    }
  /** Something the test is not to blame for; `cause` says what. */
  | { readonly kind: 'infrastructure'; readonly cause: Cause }
  /** The shard's database was taken away while the file ran. */
  | { readonly kind: 'lease-lost'; readonly message: string }
  | { readonly kind: 'cancelled'; readonly by: 'signal' | 'fail-fast' | 'run-ended' }
  /** Planned, but never started. */
  | { readonly kind: 'not-run'; readonly why: NotRunReason }
  /** The file ran to its end and held no test. */
  | { readonly kind: 'no-tests' }

export type NotRunReason = 'tier-deadline' | 'signal' | 'fail-fast' | 'infrastructure' | 'lost'

export const CAUSE_CODES = [
  'redis-unreachable',
  'redis-timeout',
  'redis-not-redis',
  'redis-auth',
  'redis-denied',
  'redis-read-only',
  'redis-out-of-memory',
  'redis-loading',
  'redis-cluster',
  'redis-too-few-databases',
  'redis-no-free-database',
  'redis-foreign-data',
  'redis-start-failed',
  'redis-went-away',
  'redis-slow',
  'redis-too-many-clients',
  'redis-error',
  'redis-tls',
  'redis-certificate',
  'redis-sentinel-port',
  'redis-no-master',
  'redis-two-masters',
  'redis-replica-lag',
  'sentinel-unreachable',
  'sentinel-unknown-master',
  'sentinel-no-quorum',
  'kubernetes-config',
  'kubernetes-unreachable',
  'kubernetes-denied',
  'kubernetes-not-found',
  'kubernetes-not-ready',
  'kubernetes-error',
  'route-without-tls',
  'port-taken',
  'service-not-found',
  'service-no-secret',
  'service-exited',
  'service-not-ready',
  'service-went-away',
  'service-setup-failed',
  'postgres-unreachable',
  'postgres-auth',
  'postgres-denied',
  'postgres-error',
  'lease-lost',
  'engine-failed',
] as const

/** The closed set of infrastructure causes; each has a section in docs/causes.md. */
export type CauseCode = (typeof CAUSE_CODES)[number]

/** What is wrong with the infrastructure, in words a user can act on. */
export interface Cause {
  readonly code: CauseCode
  /** What happened, with where: one or two sentences, no stack. */
  readonly message: string
  /** What to do about it. */
  readonly remedy: string
}

/** What became of one test in one attempt. */
export type TestOutcome =
  | 'passed'
  | 'failed'
  /** Over its own timeout, or running when the file's or tier's deadline struck. */
  | 'timed-out'
  | 'skipped'
  /** Running when its process died. */
  | 'crashed'
  /** Running when its file was ended by something else (cancelled, lease lost, infrastructure). */
  | 'interrupted'
  /** Known to exist, never started, or started and never heard of again. */
  | 'not-run'

/** Whether an ending counts as the tests' own fault (exit code 1). */
export function isTestFailure(ending: Ending): boolean {
  switch (ending.kind) {
    case 'failed':
    case 'crashed':
    case 'no-tests':
      return true
    case 'timed-out':
      return ending.limit === 'file'
    case 'passed':
    case 'infrastructure':
    case 'lease-lost':
    case 'cancelled':
    case 'not-run':
      return false
    default:
      return unreachable(ending)
  }
}

/** Ends a switch over a closed union: a new member breaks the build exactly where it matters. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
