import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Cause } from '../../../src/core/ending.ts'
import { circleOf, needRedis, needsOf, withNeeds } from '../../../src/core/services.ts'
import { startInOrder } from '../../../src/services/order.ts'
import fc from '../../support/property.ts'
import { never } from '../../support/services/room.ts'

interface Node {
  readonly name: string
  readonly needs: readonly string[]
}

/** Services without circles: each needs some of those before it; given in any order. */
const acyclic = fc
  .array(fc.array(fc.nat(20), { maxLength: 3 }), { minLength: 1, maxLength: 8 })
  .map((lists) =>
    lists.map((list, at): Node => {
      const needs = at === 0 ? [] : [...new Set(list.map((one) => `s${one % at}`))]
      return { name: `s${at}`, needs }
    }),
  )
  .chain((services) => fc.shuffledSubarray(services, { minLength: services.length }))

const cause: Cause = { code: 'service-exited', message: 'It ended.', remedy: 'Look.' }

test('every service starts once, after all that it needs is ready', async () => {
  await fc.assert(
    fc.asyncProperty(acyclic, fc.scheduler(), async (services, scheduler) => {
      const ready = new Set<string>()
      const early: string[] = []
      const work = startInOrder(
        services,
        async ({ name, needs }) => {
          if (needs.some((need) => !ready.has(need)) || ready.has(name)) early.push(name)
          await scheduler.schedule(Promise.resolve())
          ready.add(name)
          return { ok: true }
        },
        never,
      )
      await scheduler.waitFor(work)
      expect(await work).toEqual({ ok: true })
      expect(early).toEqual([])
      expect(ready.size).toBe(services.length)
    }),
  )
})

test('after a failure nothing starts that needs what failed, and the message names who is left without', async () => {
  await fc.assert(
    fc.asyncProperty(acyclic, fc.nat(), async (services, choice) => {
      const bad = services[choice % services.length]!.name
      const started: string[] = []
      const outcome = await startInOrder(
        services,
        async ({ name }) => {
          started.push(name)
          return name === bad ? { ok: false, cause } : { ok: true }
        },
        never,
      )
      const needs = needsOf(services)
      const bereaved = services
        .map(({ name }) => name)
        .filter((name) => name !== bad && withNeeds([name], needs).includes(bad))
      expect(outcome.ok).toBe(false)
      expect(started.filter((name) => bereaved.includes(name))).toEqual([])
      const words = outcome.ok ? '' : outcome.cause.message
      expect(bereaved.filter((name) => !words.includes(name))).toEqual([])
    }),
  )
})

test('what the system refuses is a cause, and a bug is thrown, when nothing is starting any more', async () => {
  const failure = (error: Error) => {
    const services = ['good', 'bad', 'after'].map((name) => ({ name, needs: name === 'after' ? ['bad'] : [] }))
    const ended: string[] = []
    const outcome = startInOrder(
      services,
      async ({ name }, signal) => {
        if (name === 'bad') throw error
        if (!signal.aborted) await once(signal, 'abort')
        await turn()
        ended.push(name)
        return { ok: true }
      },
      never,
    )
    return { outcome, ended }
  }
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
  const refused = failure(full)
  expect(await refused.outcome).toMatchObject({
    ok: false,
    cause: { code: 'service-setup-failed', message: expect.stringContaining('no space left') },
  })
  expect(refused.ended).toEqual(['good'])
  const bug = failure(new TypeError('x is not a function'))
  await expect(bug.outcome).rejects.toThrow('x is not a function')
  expect(bug.ended).toEqual(['good'])
})

test('services that do not need each other start side by side', async () => {
  const both = Promise.withResolvers<void>()
  let under = 0
  const services = [
    { name: 'a', needs: [] },
    { name: 'b', needs: [] },
  ]
  const outcome = startInOrder(
    services,
    async () => {
      if (++under === 2) both.resolve()
      await both.promise
      return { ok: true }
    },
    never,
  )
  expect(await outcome).toEqual({ ok: true })
})

test('needs are found through others, in an order in which they can start', () => {
  fc.assert(
    fc.property(acyclic, (services) => {
      const needs = needsOf(services)
      const names = services.map(({ name }) => name)
      const order = withNeeds(names, needs)
      expect(order.toSorted()).toEqual(names.toSorted())
      for (const { name, needs: own } of services) {
        for (const need of own) expect(order.indexOf(need)).toBeLessThan(order.indexOf(name))
      }
      expect(names.filter((name) => circleOf(name, needs) !== null)).toEqual([])
    }),
  )
})

test('a circle is found from each of its services, and from no other', () => {
  const needs = new Map([
    ['a', ['b', 'redis']],
    ['b', ['c']],
    ['c', ['b']],
    ['d', ['a']],
  ])
  expect(circleOf('b', needs)).toEqual(['b', 'c', 'b'])
  expect(circleOf('c', needs)).toEqual(['c', 'b', 'c'])
  expect(circleOf('a', needs)).toBeNull()
  expect(needRedis(['d'], needs)).toBe(true)
  expect(needRedis(['b'], needs)).toBe(false)
})
