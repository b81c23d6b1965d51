import type { Cause } from '../../../src/core/ending.ts'
import type { ErrorRecord, ServerFacts } from '../../../src/core/events.ts'
import type { TierSettings, VitestSuite } from '../../../src/core/settings.ts'

/** Plausible parts of a journal, for the builder and for tests that need only one of them. */

/** An error in full, or its message. */
export type ErrorLike = string | (Partial<ErrorRecord> & Pick<ErrorRecord, 'message'>)

export function anError(error: ErrorLike): ErrorRecord {
  if (typeof error !== 'string') return { name: 'Error', stack: null, diff: null, frames: [], ...error }
  const frame = { method: '', file: 'suites/standard/storm.test.ts', line: 14, column: 9 }
  return {
    name: 'AssertionError',
    message: error,
    stack: `AssertionError: ${error}\n    at ${frame.file}:${frame.line}:${frame.column}`,
    diff: '- Expected\n+ Received\n\n- 2\n+ 1',
    frames: [frame],
  }
}

export function aCause(cause: Partial<Cause> = {}): Cause {
  return {
    code: 'redis-unreachable',
    message: 'nothing answers at 127.0.0.1:6379 (connection refused)',
    remedy: 'start the server, or leave --redis out to use the embedded one',
    ...cause,
  }
}

export function aServer(): ServerFacts {
  return {
    source: 'local',
    reason: 'redis-server 7.0.15 found on PATH',
    address: '127.0.0.1:40123',
    product: 'redis',
    version: '7.0.15',
    databases: 16,
    control: 0,
  }
}

export function aTier(name: string): TierSettings {
  const minute = 60_000
  const common = { name, testTimeoutGiven: false, shards: 2, retries: 0 }
  if (name === 'fast') {
    return { ...common, deadlineMs: 5 * minute, testTimeoutMs: 10_000, fileTimeoutMs: minute, slowMs: 1000 }
  }
  if (name === 'extended') {
    return { ...common, deadlineMs: 30 * minute, testTimeoutMs: 120_000, fileTimeoutMs: 10 * minute, slowMs: 30_000 }
  }
  return { ...common, deadlineMs: 15 * minute, testTimeoutMs: 30_000, fileTimeoutMs: 5 * minute, slowMs: 5000 }
}

export function aSuite(name: string, tier: string): VitestSuite {
  return {
    name,
    tier,
    files: [`suites/${tier}/**/*.test.ts`],
    exclude: [],
    engine: 'vitest',
    isolation: 'db',
    env: {},
  }
}
