import { availableParallelism } from 'node:os'

export const BUILT_IN_TIERS: readonly string[] = ['fast', 'standard', 'extended']

/** Defaults of a tier; all times in ms. */
export interface TierDefaults {
  readonly deadlineMs: number
  readonly testTimeoutMs: number
  readonly fileTimeoutMs: number
  readonly slowMs: number
}

const SECOND = 1000
const MINUTE = 60 * SECOND

const STANDARD: TierDefaults = {
  deadlineMs: 15 * MINUTE,
  testTimeoutMs: 30 * SECOND,
  fileTimeoutMs: 5 * MINUTE,
  slowMs: 5 * SECOND,
}

const DEFAULTS: ReadonlyMap<string, TierDefaults> = new Map([
  ['fast', { deadlineMs: 5 * MINUTE, testTimeoutMs: 10 * SECOND, fileTimeoutMs: MINUTE, slowMs: SECOND }],
  ['standard', STANDARD],
  ['extended', { deadlineMs: 30 * MINUTE, testTimeoutMs: 2 * MINUTE, fileTimeoutMs: 10 * MINUTE, slowMs: 30 * SECOND }],
])

/** A tier of the user's own starts from the values of `standard`. */
export function tierDefaults(name: string): TierDefaults {
  return DEFAULTS.get(name) ?? STANDARD
}

/** Default number of shards: the CPUs this process may use, at least 2 and at most 8. */
export function defaultShards(): number {
  return Math.min(8, Math.max(2, availableParallelism()))
}

export const DEFAULT_RETRIES = 0
/** Share of the deadline that retries may take. */
export const DEFAULT_RETRY_SHARE = 0.5
/** How long to wait for a free database, ms. */
export const DEFAULT_WAIT_MS = 2 * MINUTE
/** How long to wait for a server that stops being fit, ms: a failover takes 2 to 15 s, a restart with data up to a minute. */
export const DEFAULT_PATIENCE_MS = MINUTE
