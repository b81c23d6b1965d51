import { describe, expect, test } from 'vitest'
import type { Stamped } from '../../../src/core/events.ts'
import { countRun, fileEnding } from '../../../src/core/verdict.ts'
import { type Act, fail, fakeLease, fakeRedis, ofType, pass } from '../../support/run/fakes.ts'
import { endings, play } from '../../support/run/play.ts'
import { inTurn } from '../../support/run/runs.ts'

describe('a server that stops being fit', () => {
  const full = { code: 'redis-out-of-memory', message: 'full', remedy: 'make room' } as const

  /** A server that is full from the first call of `fill` on; with `onEvent`, until the run has paused for it. */
  function fillable(): {
    redis: ReturnType<typeof fakeRedis>
    fill: () => void
    /** Fills the server, and fails. */
    hit: Act
    onEvent: (event: Stamped) => void
  } {
    const redis = fakeRedis([fakeLease(1)])
    const fit = redis.pulse.bind(redis)
    let isFull = false
    redis.pulse = async () => (isFull ? { ok: false, cause: full } : fit())
    const fill = (): void => void (isFull = true)
    return {
      redis,
      fill,
      hit(...seat) {
        fill()
        return fail(...seat)
      },
      onEvent: (event) => void (event.type === 'dispatch-paused' && (isFull = false)),
    }
  }

  /** One that is full for a while and then restarted: the first lease is gone with it. */
  function restartable(): Omit<ReturnType<typeof fillable>, 'fill'> {
    const { redis, hit, onEvent } = fillable()
    const leases = [fakeLease(1), fakeLease(2)]
    let granted = 0
    redis.lease = async () => ({ kind: 'granted', leases: [leases[granted++]!], skipped: [], holders: [] })
    return {
      redis,
      onEvent,
      hit(...seat) {
        leases[0]!.lose('the server was restarted')
        return hit(...seat)
      },
    }
  }

  test('what failed meanwhile runs again at the end, and is not flaky', async () => {
    const { redis, hit, onEvent } = fillable()
    const settings = { shards: 1 }
    const { record, events } = await play(
      { a: inTurn(hit, pass), b: pass },
      { redis, onEvent, settings, patienceMs: 60_000 },
    )
    expect(ofType(events, 'file-ended').map(({ file, ending }) => `${file} ${ending.kind}`)).toEqual([
      'a infrastructure',
      'b passed',
      'a passed',
    ])
    expect(countRun(record)).toEqual({ passed: 2, failed: 0, skipped: 0, notRun: 0, flaky: 0 })
    expect(record.exitCode).toBe(0)
    expect(record.outages).toMatchObject([{ cause: full, pausedMs: expect.any(Number) }])
  })

  test('what passed meanwhile has passed', async () => {
    const { redis, fill, onEvent } = fillable()
    const lucky: Act = (...seat) => {
      fill()
      return pass(...seat)
    }
    const { record, events } = await play({ a: lucky }, { redis, onEvent, patienceMs: 60_000 })
    expect(ofType(events, 'file-started')).toHaveLength(1)
    expect(record.exitCode).toBe(0)
  })

  test('a file that is hit every time ends as infrastructure after three attempts', async () => {
    const { redis, hit, onEvent } = fillable()
    const { record, events } = await play({ a: hit }, { redis, onEvent, patienceMs: 60_000 })
    expect(ofType(events, 'file-started').map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    expect(record.exitCode).toBe(3)
    expect(countRun(record)).toMatchObject({ failed: 0, notRun: 1 })
  })

  test('a database that cannot be opened for a moment is opened later, by the same run', async () => {
    const lease = fakeLease(1)
    lease.answer.open = { kind: 'trouble', cause: full }
    const onEvent = (event: Stamped): void => void (event.type === 'dispatch-paused' && (lease.answer.open = null))
    const { record } = await play({ a: pass }, { redis: fakeRedis([lease]), onEvent, patienceMs: 60_000 })
    expect(record.exitCode).toBe(0)
    expect(record.outages).toHaveLength(1)
  })

  test('the deadline of the tier ends a pause as well', async () => {
    const { redis, hit } = fillable()
    const settings = { shards: 1, deadlineMs: 300 }
    const { record } = await play({ a: hit, b: pass }, { redis, settings, patienceMs: 60_000 })
    expect(record.tiers.get('standard')?.end).toBe('deadline')
    expect(fileEnding(record.tiers.get('standard')!.files.get('b')!)).toEqual({ kind: 'not-run', why: 'tier-deadline' })
    expect(record.causes).toEqual([])
  })

  test('the limit passes: exit 3, the file that ran and the file that waits say why', async () => {
    const { redis, hit } = fillable()
    const { record } = await play({ a: hit, b: pass }, { redis, settings: { shards: 1 }, patienceMs: 300 })
    expect(record.exitCode).toBe(3)
    expect(endings(record)).toEqual({ a: 'infrastructure', b: 'not-run' })
    expect(record.causes).toEqual([full])
  })

  test('fail-fast does not take it for failures', async () => {
    const { redis, hit, onEvent } = fillable()
    const settings = { shards: 1, failFast: 1 }
    const { record } = await play({ a: inTurn(hit, pass), b: pass }, { redis, onEvent, settings, patienceMs: 60_000 })
    expect(record.notices).toEqual([])
    expect(record.tiers.get('standard')?.end).toBe('completed')
    expect(countRun(record)).toMatchObject({ passed: 2, failed: 0, notRun: 0 })
    expect(record.exitCode).toBe(0)
  })

  test('it uses up no retry, and gives none', async () => {
    const { redis, hit, onEvent } = fillable()
    const options = { redis, onEvent, settings: { retries: 1 }, patienceMs: 60_000 }
    const { record, events } = await play({ a: inTurn(fail, hit, fail), b: inTurn(fail, hit, pass) }, options)
    expect(ofType(events, 'file-ended').map(({ file, ending }) => `${file} ${ending.kind}`)).toEqual([
      'a failed',
      'b failed',
      'a infrastructure',
      'b infrastructure',
      'a failed',
      'b passed',
    ])
    expect(countRun(record)).toMatchObject({ passed: 1, failed: 1, flaky: 1 })
    expect(record.exitCode).toBe(1)
  })

  test('a repetition that it spoiled is made up for', async () => {
    const { redis, hit, onEvent } = fillable()
    const settings = { shards: 1, stress: { times: 3, untilFailure: false } }
    const options = { redis, onEvent, settings, patienceMs: 60_000 }
    const { record, events } = await play({ a: inTurn(pass, hit, pass) }, options)
    expect(ofType(events, 'file-ended').map(({ ending }) => ending.kind)).toEqual([
      'passed',
      'infrastructure',
      'passed',
      'passed',
    ])
    expect(countRun(record)).toMatchObject({ passed: 1, failed: 0 })
    expect(record.exitCode).toBe(0)
  })

  test('repetitions that it spoils again and again are missing, and the run is not green', async () => {
    const { redis, hit, onEvent } = fillable()
    const settings = { shards: 1, stress: { times: 3, untilFailure: false } }
    const options = { redis, onEvent, settings, patienceMs: 60_000 }
    const { record, events } = await play({ a: inTurn(pass, hit) }, options)
    expect(ofType(events, 'file-started').map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4])
    expect(endings(record)).toEqual({ a: 'not-run' })
    expect(record.exitCode).toBe(5)
  })

  test('leases lost to it come back, and a stress run goes on with what is missing', async () => {
    const { redis, hit, onEvent } = restartable()
    const settings = { shards: 1, stress: { times: 2, untilFailure: false } }
    const { record, events } = await play({ a: inTurn(hit, pass) }, { redis, onEvent, settings, patienceMs: 60_000 })
    expect(ofType(events, 'lease-granted').map(({ database }) => database)).toEqual([1, 2])
    expect(countRun(record)).toMatchObject({ passed: 1, failed: 0 })
    expect(record.exitCode).toBe(0)
  })

  test('in the round after it, fail-fast counts a repeated test still once', async () => {
    const { redis, hit, onEvent } = restartable()
    const settings = { shards: 1, failFast: 2, stress: { times: 3, untilFailure: false } }
    const options = { redis, onEvent, settings, patienceMs: 60_000 }
    const { record, events } = await play({ a: inTurn(fail, hit, fail) }, options)
    expect(ofType(events, 'lease-granted')).toHaveLength(2)
    expect(record.notices).toEqual([])
    expect(record.tiers.get('standard')?.end).toBe('completed')
    expect(countRun(record)).toMatchObject({ failed: 1 })
  })
})
