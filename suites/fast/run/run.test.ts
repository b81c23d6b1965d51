import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Stamped } from '../../../src/core/events.ts'
import type { Engine, Execution } from '../../../src/core/ports.ts'
import { countRun } from '../../../src/core/verdict.ts'
import { type Act, fail, fakeLease, fakeRedis, hang, ofType, pass, suite } from '../../support/run/fakes.ts'
import { endings, play } from '../../support/run/play.ts'

describe('a run', () => {
  test('passes when every file passed, and gives every database back', async () => {
    const leases = [fakeLease(1), fakeLease(2)]
    const redis = fakeRedis(leases)
    const { record } = await play({ a: pass, b: pass, c: pass }, { redis })
    expect(record.exitCode).toBe(0)
    expect(countRun(record)).toMatchObject({ passed: 3, failed: 0, notRun: 0 })
    expect(redis.closed).toBe(true)
    for (const { log } of leases) {
      expect(log.at(-1)).toBe('release')
      expect(log.filter((step) => step === 'open')).toHaveLength(log.filter((step) => step === 'clean').length)
    }
  })

  test('flushes a database between two files, after the first one’s process is gone', async () => {
    const lease = fakeLease(1)
    const steps: string[] = []
    const slowDeath: Act = async (file, seat, desk, killed) => {
      await pass(file, seat, desk, killed)
      steps.push(`${file} gone after ${lease.log.join(' ')}`)
    }
    await play({ a: slowDeath, b: slowDeath }, { redis: fakeRedis([lease]) })
    expect(steps).toEqual(['a gone after open', 'b gone after open clean open'])
    expect(lease.log).toEqual(['open', 'clean', 'open', 'clean', 'release'])
  })

  test('an engine that breaks is to blame for whatever still runs, and not the file that is ended for it', async () => {
    const { promise: started, resolve } = Promise.withResolvers<void>()
    const hangs: Act = (...given) => {
      resolve()
      return hang(...given)
    }
    const breaks = (engine: Engine): Engine => {
      let execution: Execution | null = null
      return {
        ...engine,
        execute(batch, desk) {
          execution = engine.execute(batch, desk)
          return { ...execution, done: started.then(() => ({ kind: 'died', message: 'its host is gone' })) }
        },
        async close() {
          execution?.stop()
          await execution?.done
          // Real processes take their time: what is flushed behind them has been flushed by now.
          await turn()
        },
      }
    }
    const { record } = await play({ a: hangs, b: hangs, c: pass }, { engine: breaks })
    expect(endings(record)).toEqual({ a: 'infrastructure', b: 'infrastructure', c: 'not-run' })
    expect(record.causes).toMatchObject([
      { code: 'engine-failed', message: expect.stringContaining('its host is gone') },
    ])
    expect(record.exitCode).toBe(3)
  })

  test('writes the verdict on a file only after its database has been cleaned', async () => {
    const lease = fakeLease(1)
    const logAtEnd: string[][] = []
    const onEvent = (event: Stamped): void => void (event.type === 'file-ended' && logAtEnd.push([...lease.log]))
    await play({ a: pass }, { redis: fakeRedis([lease]), onEvent })
    expect(logAtEnd).toEqual([['open', 'clean']])
  })

  test('a failed test is exit 1', async () => {
    const { record } = await play({ a: pass, b: fail })
    expect(record.exitCode).toBe(1)
    expect(endings(record)).toEqual({ a: 'passed', b: 'failed' })
  })

  test('a file without tests fails', async () => {
    const empty: Act = (file, seat, desk) => {
      desk.started(file, seat)
      desk.collected(file, [])
      desk.stopped(file, { kind: 'completed', errors: [] })
    }
    const { record } = await play({ a: empty })
    expect(endings(record)).toEqual({ a: 'no-tests' })
    expect(record.exitCode).toBe(1)
  })

  test('a pattern for test names: files without a match pass, and a run without any match is not green', async () => {
    const none: Act = (file, seat, desk) => {
      desk.started(file, seat)
      desk.collected(file, [])
      desk.stopped(file, { kind: 'completed', errors: [] })
    }
    const some = await play({ a: none, b: pass }, { testName: 't' })
    expect(endings(some.record)).toEqual({ a: 'passed', b: 'passed' })
    expect(some.record.exitCode).toBe(0)
    expect((await play({ a: none, b: none }, { testName: 'x' })).record.exitCode).toBe(5)
  })

  test('a test that was collected and never heard of again makes the run incomplete', async () => {
    const forgetful: Act = (file, seat, desk) => {
      desk.started(file, seat)
      desk.collected(file, [
        { name: 't', line: 1 },
        { name: 'lost', line: 2 },
      ])
      desk.tested(file, { name: 't', outcome: 'passed', durationMs: 1, retries: 0, line: 1, errors: [], note: null })
      desk.stopped(file, { kind: 'completed', errors: [] })
    }
    const { record } = await play({ a: forgetful })
    expect(record.exitCode).toBe(5)
  })

  test('tries a failed file again at the end of the queue, and calls a late pass flaky', async () => {
    let tries = 0
    const flaky: Act = (...args) => (++tries === 1 ? fail(...args) : pass(...args))
    const { record, engine } = await play({ a: flaky, b: pass }, { settings: { retries: 2 } })
    expect(record.exitCode).toBe(0)
    expect(countRun(record)).toMatchObject({ passed: 2, flaky: 1 })
    expect(engine.batches.map((batch) => batch.files.map((file) => file.id))).toEqual([['a', 'b'], ['a']])
  })
})

describe('limits', () => {
  test('a file over its deadline is killed; the others go on', async () => {
    const { record } = await play({ a: hang, b: pass }, { settings: { fileTimeoutMs: 50 } })
    expect(endings(record)).toEqual({ a: 'timed-out', b: 'passed' })
    expect(countRun(record)).toMatchObject({ passed: 1, failed: 1, notRun: 1 })
    expect(record.exitCode).toBe(1)
  })

  test('at the tier’s deadline finished results stay, running files time out, the rest did not run', async () => {
    const { record } = await play(
      { a: pass, b: hang, c: hang, d: pass, e: pass },
      { settings: { deadlineMs: 300, shards: 2 } },
    )
    expect(endings(record)).toEqual({ a: 'passed', b: 'timed-out', c: 'timed-out', d: 'not-run', e: 'not-run' })
    expect(record.tiers.get('standard')!.end).toBe('deadline')
    expect(record.exitCode).toBe(4)
  })

  test('an interrupt ends running files as cancelled and says what never ran', async () => {
    const controller = new AbortController()
    const onEvent = (event: Stamped): void => void (event.type === 'file-started' && controller.abort('SIGINT'))
    const { record } = await play({ a: hang, b: pass }, { signal: controller.signal, onEvent, settings: { shards: 1 } })
    expect(endings(record)).toEqual({ a: 'cancelled', b: 'not-run' })
    expect(record.exitCode).toBe(130)
  })

  test('SIGTERM is 143', async () => {
    const controller = new AbortController()
    controller.abort('SIGTERM')
    const { record } = await play({ a: pass }, { signal: controller.signal })
    expect(endings(record)).toEqual({ a: 'not-run' })
    expect(record.exitCode).toBe(143)
  })
})

describe('infrastructure', () => {
  const cause = { code: 'redis-unreachable', message: 'refused', remedy: 'start it' } as const

  test('Redis that cannot be had blames no test', async () => {
    const { record } = await play({ a: pass }, { resolved: { ok: false, cause } })
    expect(record.exitCode).toBe(3)
    expect(endings(record)).toEqual({ a: 'not-run' })
    expect(countRun(record)).toMatchObject({ failed: 0, notRun: 1 })
  })

  test('a run without Redis suites never asks for Redis', async () => {
    const { record } = await play(
      { a: pass },
      { resolved: { ok: false, cause }, suites: [suite({ isolation: 'none' })] },
    )
    expect(record.exitCode).toBe(0)
  })

  test('a server that goes away stops the run; what failed meanwhile is not blamed on the tests', async () => {
    const redis = fakeRedis([fakeLease(1)])
    const dying: Act = (file, seat, desk, killed) => {
      redis.goAway()
      return fail(file, seat, desk, killed)
    }
    const { record, events } = await play({ a: pass, b: dying, c: pass }, { redis })
    expect(endings(record)).toEqual({ a: 'passed', b: 'infrastructure', c: 'not-run' })
    expect(ofType(events, 'infrastructure')).toHaveLength(1)
    expect(record.exitCode).toBe(3)
  })

  test('a lease lost while its file runs ends that file, even if it passed, and retires the shard', async () => {
    const stolen = fakeLease(1)
    const sound = fakeLease(2)
    let lost = false
    const script = (): Act => async (file, seat, desk, killed) => {
      await pass(file, seat, desk, killed)
      if (seat.shard === 0 && !lost) {
        lost = true
        stolen.lose('somebody else holds database 1')
      }
    }
    const { record } = await play(script, { files: ['a', 'b', 'c', 'd'], redis: fakeRedis([stolen, sound]) })
    const kinds = Object.values(endings(record))
    expect(kinds.filter((kind) => kind === 'lease-lost')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'passed')).toHaveLength(3)
    expect(stolen.log.filter((step) => step === 'open')).toHaveLength(1)
    expect(record.exitCode).toBe(3)
  })

  test('a lease found lost only when the database is cleaned still ends the file as lease lost', async () => {
    const stolen = fakeLease(1)
    stolen.answer.clean = { kind: 'lost', message: 'fence 7 was replaced' }
    const { record } = await play({ a: pass }, { redis: fakeRedis([stolen]) })
    expect(endings(record)).toEqual({ a: 'lease-lost' })
  })

  test('a lease lost before its file starts costs the shard, not the file', async () => {
    const stolen = fakeLease(1)
    stolen.answer.open = { kind: 'lost', message: 'gone' }
    const { record } = await play({ a: pass, b: pass }, { redis: fakeRedis([stolen, fakeLease(2)]) })
    expect(endings(record)).toEqual({ a: 'passed', b: 'passed' })
    expect(record.exitCode).toBe(0)
  })

  test('with every lease lost the run ends, and says so', async () => {
    const leases = [fakeLease(1), fakeLease(2)]
    for (const lease of leases) lease.answer.open = { kind: 'lost', message: 'gone' }
    const { record } = await play({ a: pass, b: pass }, { redis: fakeRedis(leases) })
    expect(endings(record)).toEqual({ a: 'not-run', b: 'not-run' })
    expect(record.causes.map((c) => c.code)).toEqual(['lease-lost'])
    expect(record.exitCode).toBe(3)
  })
})

test('a listener that throws cannot stop the run', async () => {
  const { record } = await play(
    { a: pass },
    {
      onEvent() {
        throw new Error('broken report')
      },
    },
  )
  expect(record.exitCode).toBe(0)
  expect(record.notices.map((notice) => notice.code)).toContain('listener-failed')
})
