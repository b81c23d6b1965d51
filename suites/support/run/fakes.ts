import type { ErrorRecord, PlannedFile, Stamped } from '../../../src/core/events.ts'
import type { Batch, Desk, Engine, Execution, Lease, RedisServer, Seat, Trouble } from '../../../src/core/ports.ts'
import type { Services } from '../../../src/core/service-ports.ts'
import type { SuiteSettings, TierSettings } from '../../../src/core/settings.ts'

/**
 * Stand-ins for the rooms that `run` talks to, written against the ports alone. They are scripts of what an engine or a
 * server may say, in any order and at any moment, which real ones cannot be made to do on demand; the real ones have
 * contract tests of their own.
 */

export function suite(overrides: Partial<SuiteSettings> = {}): SuiteSettings {
  const base = {
    name: 'main',
    tier: 'standard',
    files: ['**/*.test.ts'],
    exclude: [],
    engine: 'vitest',
    isolation: 'db',
    env: {},
  }
  return { ...base, ...overrides } as SuiteSettings
}

export function tier(overrides: Partial<TierSettings> = {}): TierSettings {
  return {
    name: 'standard',
    deadlineMs: 60_000,
    fileTimeoutMs: 30_000,
    testTimeoutMs: 5000,
    testTimeoutGiven: false,
    shards: 2,
    retries: 0,
    slowMs: 1000,
    ...overrides,
  }
}

export function planned(id: string, overrides: Partial<PlannedFile> = {}): PlannedFile {
  return { id, path: id, project: '', suite: 'main', expectedMs: null, ...overrides }
}

export interface FakeLease extends Lease {
  readonly log: string[]
  lose(message: string): void
  answer: { open: Trouble | null; clean: Trouble | null }
}

export function fakeLease(database: number): FakeLease {
  const log: string[] = []
  let onLost: (message: string) => void = () => {}
  const answer: FakeLease['answer'] = { open: null, clean: null }
  return {
    database,
    fence: 1000 + database,
    connection: { url: `redis://127.0.0.1/${database}`, host: '127.0.0.1', port: 6379, username: null, password: null },
    log,
    answer,
    lose: (message) => onLost(message),
    async open() {
      log.push('open')
      return answer.open ?? { kind: 'ok' }
    },
    async clean() {
      log.push('clean')
      return answer.clean ?? { kind: 'ok', leftovers: { keys: 0 } }
    },
    onLost: (callback) => void (onLost = callback),
    async release() {
      log.push('release')
    },
  }
}

export function fakeRedis(leases: readonly FakeLease[]): RedisServer & { goAway(): void; closed: boolean } {
  let onGone: Parameters<RedisServer['onGone']>[0] = () => {}
  return {
    facts: {
      source: 'url',
      reason: 'a test',
      address: '127.0.0.1:6379',
      product: 'redis',
      version: '7',
      databases: 16,
      control: 0,
    },
    findings: [],
    closed: false,
    async lease({ count }) {
      return { kind: 'granted', leases: leases.slice(0, count), skipped: [], holders: [] }
    },
    async pulse() {
      const sample = { role: 'master', usedBytes: 1, maxBytes: 0, clients: 1, writeMs: 1 } as const
      return { ok: true, sample, incarnation: 'one', warnings: [] }
    },
    onGone: (callback) => void (onGone = callback),
    goAway: () => onGone({ code: 'redis-went-away', message: 'gone', remedy: 'bring it back' }),
    giveUp: () => {},
    async close() {
      this.closed = true
    },
  }
}

/** Services that start at once and give nothing. */
export const fakeServices: Services = {
  start: async () => ({ ok: true }),
  open: async () => ({ ok: true, access: { values: {}, env: {} } }),
  close: async () => ({ usesRedis: false, died: null }),
  async leaveShards() {},
  onDied: () => () => {},
  async stop() {},
}

/** What a scripted file does once it has its seat. Resolves when its process is gone. */
export type Act = (file: string, seat: Seat, desk: Desk, killed: Promise<void>) => Promise<void> | void

export const pass: Act = (file, seat, desk) => {
  desk.started(file, seat)
  desk.collected(file, [{ name: 't', line: 1 }])
  desk.tested(file, { name: 't', outcome: 'passed', durationMs: 1, retries: 0, line: 1, errors: [], note: null })
  desk.stopped(file, { kind: 'completed', errors: [] })
}

/** Fails its one test, and has these errors beside it. */
export function failBeside(errors: readonly ErrorRecord[]): Act {
  return (file, seat, desk) => {
    desk.started(file, seat)
    desk.collected(file, [{ name: 't', line: 1 }])
    const error = { name: 'AssertionError', message: 'no', stack: null, diff: null, frames: [] }
    desk.tested(file, { name: 't', outcome: 'failed', durationMs: 1, retries: 0, line: 1, errors: [error], note: null })
    desk.stopped(file, { kind: 'completed', errors })
  }
}

export const fail = failBeside([])

/** Starts a test and never ends it, until it is killed. */
export const hang: Act = async (file, seat, desk, killed) => {
  desk.started(file, seat)
  desk.collected(file, [
    { name: 'hangs', line: 1 },
    { name: 'waits', line: 2 },
  ])
  await killed
  desk.stopped(file, {
    kind: 'died',
    exitCode: null,
    signal: 'SIGKILL',
    outOfMemory: false,
    running: ['hangs'],
    errors: [],
  })
}

/** Fails its first test, and never ends the second. */
export const failAndHang: Act = async (file, seat, desk, killed) => {
  desk.started(file, seat)
  desk.collected(file, [
    { name: 't', line: 1 },
    { name: 'hangs', line: 2 },
  ])
  desk.tested(file, { name: 't', outcome: 'failed', durationMs: 1, retries: 0, line: 1, errors: [], note: null })
  await killed
  const running = ['hangs']
  desk.stopped(file, { kind: 'died', exitCode: null, signal: 'SIGKILL', outOfMemory: false, running, errors: [] })
}

/** An engine whose files do what the script says: at most `batch.shards` of them at once, each in a process of its own. */
export function fakeEngine(script: (file: string) => Act): Engine & { batches: Batch[] } {
  const batches: Batch[] = []
  return {
    name: 'vitest',
    batches,
    async discover() {
      return { ok: true, engine: 'fake 1', files: [], warnings: [] }
    },
    execute(batch, desk): Execution {
      batches.push(batch)
      const kills = new Map(batch.files.map(({ id }) => [id, Promise.withResolvers<void>()]))
      const queue = [...batch.files]
      let stopped = false
      const worker = async (): Promise<void> => {
        for (let file = queue.shift(); file && !stopped; file = queue.shift()) {
          const seat = await desk.sit(file.id)
          if (!seat) continue
          await script(file.id)(file.id, seat, desk, kills.get(file.id)!.promise)
          desk.leave(seat)
        }
      }
      const done = Promise.all(Array.from({ length: batch.shards }, worker)).then(() => ({
        kind: 'completed' as const,
      }))
      return {
        done,
        kill: (file) => kills.get(file)?.resolve(),
        stop() {
          stopped = true
          for (const { resolve } of kills.values()) resolve()
        },
      }
    },
    async close() {},
  }
}

export function ofType<T extends Stamped['type']>(
  events: readonly Stamped[],
  type: T,
): Extract<Stamped, { type: T }>[] {
  return events.filter((event): event is Extract<Stamped, { type: T }> => event.type === type)
}
