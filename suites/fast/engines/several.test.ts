import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Batch, Desk, Discovery, Engine, Seat } from '../../../src/core/ports.ts'
import { severalEngines } from '../../../src/engines/several.ts'
import { makeDesk, until } from '../../support/engines/rig.ts'
import { fakeEngine, pass, planned, tier, type Act } from '../../support/run/fakes.ts'

const batchOf = (files: readonly string[], shards = 2): Batch => ({
  tier: tier(),
  files: files.map((id) => planned(id)),
  shards,
  scratch: '',
  testName: null,
})

/** Two scripted engines: files that begin with `a`, and the others. */
function two(scriptA: (file: string) => Act, scriptB: (file: string) => Act) {
  const a = { ...fakeEngine(scriptA), name: 'a' }
  const b = { ...fakeEngine(scriptB), name: 'b' }
  return { a, b, both: severalEngines([a, b], ({ id }) => (id.startsWith('a') ? a : b)) }
}

/** An engine that asks for its first seat late. */
function late<E extends Engine>(engine: E, ready: Promise<void>): E {
  return {
    ...engine,
    execute(batch: Batch, desk: Desk) {
      const sit = async (file: string): Promise<Seat | null> => ready.then(async () => desk.sit(file))
      return engine.execute(batch, { ...desk, sit })
    },
  }
}

describe('several engines', () => {
  test('find the files of all, and say all warnings; one that cannot is enough', async () => {
    const { a, b } = two(
      () => pass,
      () => pass,
    )
    const found = (engine: string): Discovery => ({
      ok: true,
      engine,
      files: [{ id: engine, path: engine, project: '' }],
      warnings: [`of ${engine}`],
    })
    const broken: Discovery = { ok: false, kind: 'usage', message: 'no b' }
    const both = (ofB: Discovery): Engine =>
      severalEngines(
        [
          { ...a, discover: async () => found('a 1') },
          { ...b, discover: async () => ofB },
        ],
        () => a,
      )
    expect(await both(found('b 2')).discover({ changed: null })).toMatchObject({
      engine: 'a 1, b 2',
      files: [{ id: 'a 1' }, { id: 'b 2' }],
      warnings: ['of a 1', 'of b 2'],
    })
    expect(await both(broken).discover({ changed: null })).toEqual(broken)
  })

  test('each runs its own files, in the order of the plan', async () => {
    const { a, b, both } = two(
      () => pass,
      () => pass,
    )
    const desk = makeDesk({ shards: 2 })
    expect(await both.execute(batchOf(['a1', 'b1', 'a2', 'b2']), desk).done).toEqual({ kind: 'completed' })
    expect(a.batches[0]!.files.map(({ id }) => id)).toEqual(['a1', 'a2'])
    expect(b.batches[0]!.files.map(({ id }) => id)).toEqual(['b1', 'b2'])
    expect([...desk.files.keys()].toSorted()).toEqual(['a1', 'a2', 'b1', 'b2'])
  })

  test('a batch of one engine goes to it as it is', async () => {
    const { a, b, both } = two(
      () => pass,
      () => pass,
    )
    const desk = makeDesk()
    const batch = batchOf(['b1', 'b2'])
    await both.execute(batch, desk).done
    expect(b.batches).toEqual([batch])
    expect(a.batches).toEqual([])
  })

  test('no seat is given out before every engine has asked for one', async () => {
    const { promise: ready, resolve } = Promise.withResolvers<void>()
    const a = late({ ...fakeEngine(() => pass), name: 'a' }, ready)
    const b = { ...fakeEngine(() => pass), name: 'b' }
    const both = severalEngines([a, b], ({ id }) => (id.startsWith('a') ? a : b))
    const desk = makeDesk({ shards: 1 })
    const { done } = both.execute(batchOf(['a1', 'b1', 'a2', 'b2'], 1), desk)
    await turn()
    expect(desk.asked).toEqual([])
    resolve()
    await done
    expect(desk.asked.slice(0, 2).map(({ file }) => file)).toEqual(['a1', 'b1'])
  })

  test('an engine that breaks before it asks holds up nobody, and the end says why', async () => {
    const b = { ...fakeEngine(() => pass), name: 'b' }
    const a: Engine = {
      ...fakeEngine(() => pass),
      execute: () => ({ done: Promise.resolve({ kind: 'died', message: 'no host' }), kill: () => {}, stop: () => {} }),
    }
    const both = severalEngines([a, b], ({ id }) => (id.startsWith('a') ? a : b))
    const desk = makeDesk()
    expect(await both.execute(batchOf(['a1', 'b1']), desk).done).toEqual({ kind: 'died', message: 'no host' })
    await until('the other has run its file', () => desk.files.has('b1'))
  })

  test('a kill reaches the engine of the file, a stop reaches all', async () => {
    const started: string[] = []
    const waits: Act = async (file, seat, desk, killed) => {
      desk.started(file, seat)
      started.push(file)
      await killed
      desk.stopped(file, { kind: 'completed', errors: [] })
    }
    const { both } = two(
      () => waits,
      () => waits,
    )
    const desk = makeDesk({ shards: 3 })
    const execution = both.execute(batchOf(['a1', 'b1', 'b2']), desk)
    await until('all have started', () => started.length === 3)
    execution.kill('b1')
    await until('b1 has stopped', () => desk.files.get('b1')!.stops.length > 0)
    expect(desk.files.get('a1')!.stops).toEqual([])
    execution.stop()
    expect(await execution.done).toEqual({ kind: 'completed' })
    expect(desk.seats.every(({ left }) => left)).toBe(true)
  })
})
