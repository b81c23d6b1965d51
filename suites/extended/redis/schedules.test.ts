import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import { Playground, schedule } from '../../support/redis/schedule.ts'
import { skipNative } from '../../support/redis/servers.ts'
import { sized } from '../../support/sizes.ts'

/** 500 of them take 15 s on an idle machine. */
const SCHEDULES = sized('TIERSHARD_SCHEDULES', 150, 500)

test.skipIf(skipNative)(
  `${SCHEDULES} random schedules: no foreign key is lost, no database is held twice`,
  { timeout: 600_000 },
  async () => {
    const playground = await Playground.open()
    try {
      await fc.assert(
        fc.asyncProperty(schedule, async (rounds) => {
          expect(await playground.play(rounds)).toEqual([])
        }),
        { numRuns: SCHEDULES, endOnFailure: true },
      )
      // They did what they are for, and not only what is refused.
      for (const kind of ['lease', 'open', 'clean', 'release', 'kill', 'expire', 'foreign', 'flushall', 'restart']) {
        expect([kind, playground.effects.get(kind) ?? 0]).toEqual([
          kind,
          expect.toSatisfy((times: number) => times > 3),
        ])
      }
    } finally {
      await playground.close()
    }
  },
)
