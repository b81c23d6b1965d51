import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Engine, Execution } from '../../../src/core/ports.ts'
import { fakeLease, fakeRedis, hang, ofType } from '../../support/run/fakes.ts'
import { play } from '../../support/run/play.ts'

/** An engine that is done as soon as it is stopped, whatever it still waits for. */
function hasty(engine: Engine): Engine {
  return {
    ...engine,
    execute(batch, desk): Execution {
      const execution = engine.execute(batch, desk)
      const stopped = Promise.withResolvers<{ readonly kind: 'completed' }>()
      return {
        ...execution,
        done: Promise.race([execution.done, stopped.promise]),
        stop() {
          execution.stop()
          stopped.resolve({ kind: 'completed' })
        },
      }
    },
  }
}

test('no lease is given back while its database is being opened for a file that does not start any more', async () => {
  const lease = fakeLease(1)
  const user = new AbortController()
  lease.open = async () => {
    user.abort('SIGINT')
    // The server answers after all that the halt set off has had its turn.
    for (let turn = 0; turn < 50; turn++) await setImmediate()
    lease.log.push('opened')
    return { kind: 'ok' }
  }
  const options = { redis: fakeRedis([lease]), settings: { shards: 1 }, signal: user.signal, engine: hasty }
  const { events } = await play({ a: hang }, options)
  expect(lease.log).toEqual(['opened', 'clean', 'release'])
  expect(ofType(events, 'file-started')).toEqual([])
})
