import { foldAll, type RunRecord } from '../../../src/core/record.ts'
import type { Stamped } from '../../../src/core/events.ts'
import { aServer, anError, aSuite, aTier } from '../reports/facts.ts'

const THINGS = ['queue', 'cache', 'lock', 'stream', 'session', 'limiter', 'gateway', 'worker', 'script', 'pipeline']
const DEEDS = [
  'expires',
  'waits for',
  'retries',
  'rejects',
  'counts',
  'forgets',
  'merges',
  'keeps',
  'delivers',
  'orders',
]
const ENDS = [
  'a message',
  'the last entry',
  'two writers',
  'an empty key',
  'a slow reader',
  'its own lease',
  'a full batch',
]

/**
 * A large run with names and times as uneven as real ones: one test in 500 fails, one in 400 is flaky, one in 100 skipped.
 * The same every time.
 */
export function bigRun(files: number, testsOfFile: number, shards = 16): RunRecord {
  return foldAll(events(files, testsOfFile, shards))
}

function* events(files: number, testsOfFile: number, shards: number): Generator<Stamped> {
  const random = generator(42)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const start = Date.UTC(2026, 10, 20, 6)
  const tier = 'standard'
  const settings = { ...aTier(tier), shards }
  const plan = Array.from({ length: files }, (_, n) => {
    const path = `suites/standard/${THINGS[n % THINGS.length]}/${pick(THINGS)}-${pick(DEEDS).replaceAll(' ', '-')}-${n}.test.ts`
    return { id: path, path, project: '', suite: THINGS[n % THINGS.length]!, expectedMs: null }
  })
  yield {
    at: start,
    type: 'run-started',
    version: 1,
    run: '20261120-060000-b16b16',
    tiershard: '0.1.0',
    node: '24.21.0',
    engine: 'vitest 5.1.0',
    platform: 'linux-x64',
    cpus: 16,
    ci: null,
    commit: '4d1f0c2e9a7b',
    command: ['tiershard', 'run', '--tier', tier],
  }
  const forecast = { unknown: files, makespanMs: null, floorMs: null, floorFile: null, shardsForDeadline: null }
  const suites = THINGS.map((name) => aSuite(name, tier))
  yield { at: start, type: 'tier-planned', tier, settings, suites, files: plan, forecast }
  yield { at: start + 50, type: 'server-ready', server: aServer() }
  yield { at: start + 60, type: 'tier-started', tier, shards, attempt: 1 }
  const free = Array.from({ length: shards }, () => start + 60)
  for (const { id } of plan) {
    const shard = free.indexOf(Math.min(...free))
    const from = free[shard]!
    const ref = { tier, file: id, attempt: 1 }
    yield { at: from, type: 'file-started', ...ref, shard, database: shard + 1 }
    const group = `${pick(THINGS)} under load`
    const tests = Array.from({ length: testsOfFile }, (_, n) => ({
      name: `${group} > ${pick(DEEDS)} ${pick(ENDS)} of ${pick(THINGS)} ${n}`,
      line: 12 + 9 * n + Math.floor(random() * 6),
    }))
    yield { at: from + 180, type: 'file-collected', ...ref, tests }
    let at = from + 180
    let failed = false
    for (const test of tests) {
      const dice = random()
      const durationMs = Math.round(2 * Math.exp(2.2 * random() + random()))
      at += durationMs
      const bad = dice < 1 / 500
      failed ||= bad
      const flaky = !bad && dice < 1 / 500 + 1 / 400
      const outcome = bad ? 'failed' : dice > 0.99 ? 'skipped' : 'passed'
      const errors = bad || flaky ? [anError(`expected ${durationMs} to be ${durationMs + 1}`)] : []
      const result = { ...test, outcome, durationMs, retries: flaky ? 1 : 0, errors, note: null } as const
      yield { at, type: 'test-ended', ...ref, test: result }
    }
    const ending = failed ? ({ kind: 'failed' } as const) : ({ kind: 'passed' } as const)
    yield { at: at + 40, type: 'file-ended', ...ref, ending, durationMs: at + 40 - from, running: [], errors: [] }
    free[shard] = at + 45
  }
  const end = Math.max(...free)
  yield { at: end, type: 'tier-ended', tier, end: 'completed' }
  yield { at: end + 5, type: 'run-ended', exitCode: 1 }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
