import { describe, expect, onTestFinished, test } from 'vitest'
import type { Cause } from '../../../src/core/ending.ts'
import type { Stamped } from '../../../src/core/events.ts'
import type { Pulse, RedisServer } from '../../../src/core/ports.ts'
import { openGuard, type Guard } from '../../../src/run/guard.ts'
import { openLedger } from '../../../src/run/ledger.ts'
import { fakeRedis } from '../../support/run/fakes.ts'

const FULL: Cause = { code: 'redis-out-of-memory', message: 'full', remedy: 'make room' }

function fit(incarnation = 'one'): Pulse {
  const sample = { role: 'master', usedBytes: 1, maxBytes: 0, clients: 1, writeMs: 1 } as const
  return { ok: true, sample, incarnation, warnings: [] }
}

interface Watched {
  readonly guard: Guard
  readonly events: Stamped[]
  /** What the server answers from now on. */
  answer: Pulse
  readonly redis: RedisServer & { goAway(): void }
  /** Resolves with the next event of this type. */
  readonly next: (type: Stamped['type']) => Promise<void>
  readonly count: (type: Stamped['type']) => number
}

async function watched(patienceMs: number): Promise<Watched> {
  const events: Stamped[] = []
  const waiting: { type: string; resolve: () => void }[] = []
  const ledger = openLedger({ append: () => {}, close() {} }, [
    (event) => {
      events.push(event)
      for (const one of waiting) if (one.type === event.type) one.resolve()
    },
  ])
  const state: Watched = {
    events,
    answer: fit(),
    redis: { ...fakeRedis([]), pulse: async () => state.answer },
    get guard() {
      return guard
    },
    next: (type) => new Promise((resolve) => waiting.push({ type, resolve })),
    count: (type) => events.filter((event) => event.type === type).length,
  }
  const sampled = state.next('server-sampled')
  const guard = openGuard(state.redis, ledger, patienceMs)
  onTestFinished(() => guard.stop())
  await sampled
  return state
}

describe('the guard', () => {
  test('a fit server: nothing to wait for, nobody to blame', async () => {
    const { guard, count } = await watched(60_000)
    await guard.calm()
    expect(await guard.blame(0)).toBeNull()
    expect(count('dispatch-paused')).toBe(0)
  })

  test('trouble is seen without anybody asking, and nothing starts until it has gone', async () => {
    const state = await watched(60_000)
    const paused = state.next('dispatch-paused')
    state.answer = { ok: false, cause: FULL }
    await paused
    let calm = false
    const waiting = state.guard.calm().then(() => (calm = true))
    const resumed = state.next('dispatch-resumed')
    expect(calm).toBe(false)
    state.answer = fit()
    await resumed
    await waiting
    expect(state.count('dispatch-paused')).toBe(1)
  })

  test('what ran during an outage is excused, what began after it is not', async () => {
    const state = await watched(60_000)
    const during = performance.now()
    state.guard.suspect(FULL)
    expect(await state.guard.blame(during)).toEqual(FULL)
    await state.guard.calm()
    expect(await state.guard.blame(during)).toEqual(FULL)
    expect(await state.guard.blame(performance.now())).toBeNull()
  })

  test('a server that was restarted between two looks was away, although every look found it fit', async () => {
    const state = await watched(60_000)
    const before = performance.now()
    state.answer = fit('two')
    expect(await state.guard.blame(before)).toMatchObject({ code: 'redis-went-away' })
    await state.guard.calm()
    expect(await state.guard.blame(performance.now())).toBeNull()
  })

  test('the limit passes: given up with the first cause, and nobody waits any longer', async () => {
    const state = await watched(300)
    const failed = new Promise<Cause>((resolve) => state.guard.onFailed(resolve))
    state.answer = { ok: false, cause: FULL }
    state.guard.suspect(FULL)
    expect(await failed).toEqual(FULL)
    await state.guard.calm()
    expect(state.guard.failed).toEqual(FULL)
  })

  test('trouble that comes back as soon as it has gone shares one limit: a run cannot be held up for ever', async () => {
    const state = await watched(1_000)
    const failed = new Promise<Cause>((resolve) => state.guard.onFailed(resolve))
    // The server always says that it is fit; who opens a database finds that it is not.
    const opener = (async () => {
      while (!state.guard.failed) {
        state.guard.suspect(FULL)
        await state.guard.calm()
      }
    })()
    expect(await failed).toEqual(FULL)
    await opener
  })

  test('a server of ours that ended is given up at once', async () => {
    const state = await watched(60_000)
    const failed = new Promise<Cause>((resolve) => state.guard.onFailed(resolve))
    state.redis.goAway()
    expect(await failed).toMatchObject({ code: 'redis-went-away' })
  })
})
