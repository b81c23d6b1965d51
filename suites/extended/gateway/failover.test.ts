import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest'
import { claim } from '../../support/gateway/deduplication.ts'
import { startGroup, until, type Group } from '../../support/gateway/failover.ts'
import { skipNative } from '../../support/redis/servers.ts'
import { sized } from '../../support/sizes.ts'

/** Twenty prove what two can only show; they take about four minutes. */
const ROUNDS = sized('GATEWAY_FAILOVER_ROUNDS', 2, 20)
const TTL_MS = 3_600_000

/** Alerts that the gateway claims one after the other, without a pause, and which of them a replica has confirmed. */
class Stream {
  /** Claimed, and confirmed by a replica where that was asked for: by key, the id of the alert. */
  readonly acknowledged = new Map<string, string>()
  /** The longest time between two of them, ms. */
  longestGapMs = 0
  #last = performance.now()
  #stop = false
  readonly #done: Promise<void>

  constructor(redis: Redis, prefix: string) {
    this.#done = this.#run(redis, prefix)
  }

  async #run(redis: Redis, prefix: string): Promise<void> {
    for (let n = 0; !this.#stop; n++) {
      const [key, id] = [`${prefix}:claim:${n}`, randomUUID()]
      try {
        const first = await claim(redis, key, id, TTL_MS)
        const confirmed = (await redis.wait(1, 1_000)) >= 1
        // A claim that was sent twice, because its first answer was lost, finds itself.
        if (confirmed && (first === null || first === id)) this.#acknowledge(key, id)
      } catch {
        await delay(20)
      }
    }
  }

  #acknowledge(key: string, id: string): void {
    this.acknowledged.set(key, id)
    const now = performance.now()
    this.longestGapMs = Math.max(this.longestGapMs, now - this.#last)
    this.#last = now
  }

  /** Resolves when so many more are acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged.size + count
    await until(`${count} more acknowledged alerts`, async () => this.acknowledged.size >= goal)
  }

  async stop(): Promise<void> {
    this.#stop = true
    await this.#done
  }
}

/** How many of the acknowledged alerts the group no longer knows. */
async function lost(redis: Redis, acknowledged: ReadonlyMap<string, string>): Promise<number> {
  const keys = [...acknowledged.keys()]
  let count = 0
  for (let from = 0; from < keys.length; from += 1_000) {
    const part = keys.slice(from, from + 1_000)
    const values = await redis.mget(part)
    count += part.filter((key, at) => values[at] !== acknowledged.get(key)).length
  }
  return count
}

async function tell(context: TestContext, message: string): Promise<void> {
  await context.annotate(message)
}

describe.skipIf(skipNative)('failover', { timeout: 120_000 + ROUNDS * 60_000 }, () => {
  let group: Group
  beforeAll(async () => void (group = await startGroup()), 120_000)
  afterAll(() => group?.[Symbol.asyncDispose]())

  test('the master is killed: writable again within seconds, and with WAIT no acknowledged alert is lost', async (context) => {
    const redis = group.client()
    for (let round = 1; round <= ROUNDS; round++) {
      const stream = new Stream(redis, `kill-${round}`)
      await stream.more(20)
      const old = await group.master()
      await group.kill(old)
      await stream.more(20)
      await stream.stop()
      expect((await group.master()).port).not.toBe(old.port)
      expect(await lost(redis, stream.acknowledged)).toBe(0)
      // 2.3 s on an idle machine; the limit is for a busy one.
      expect(stream.longestGapMs).toBeLessThan(30_000)
      await tell(
        context,
        `round ${round}: ${stream.acknowledged.size} acknowledged, gap ${Math.round(stream.longestGapMs)} ms`,
      )
      await group.revive(old)
      await group.settled()
    }
  })

  test('the master hangs: its silence gives it away, and when it wakes up it is a replica', async (context) => {
    const redis = group.client()
    const stream = new Stream(redis, 'hang')
    await stream.more(20)
    const old = await group.master()
    group.freeze(old)
    try {
      await stream.more(20)
    } finally {
      group.resume(old)
    }
    await stream.stop()
    expect((await group.master()).port).not.toBe(old.port)
    await group.settled()
    expect(await lost(redis, stream.acknowledged)).toBe(0)
    expect(stream.longestGapMs).toBeLessThan(30_000)
    await tell(context, `gap ${Math.round(stream.longestGapMs)} ms`)
  })

  test('replicas stall before the master dies: what the master alone has confirmed is lost, what WAIT has confirmed is not', async (context) => {
    const redis = group.client()
    const stream = new Stream(redis, 'confirmed')
    await stream.more(20)
    const old = await group.master()
    const replicas = await group.replicas()
    for (const replica of replicas) group.freeze(replica)
    const unconfirmed = await flood(redis)
    await group.kill(old)
    for (const replica of replicas) group.resume(replica)
    await stream.more(20)
    await stream.stop()
    const gone = await lost(redis, unconfirmed)
    await tell(context, `without WAIT ${gone} of ${unconfirmed.size} acknowledged writes lost`)
    // The negative control: the measurement can see a loss.
    expect(gone).toBeGreaterThan(0)
    expect(await lost(redis, stream.acknowledged)).toBe(0)
  })

  /**
   * Claims that the master answers while nobody replicates. Large ones: what fits into the buffers of the kernel reaches a
   * stopped replica after all, as soon as it goes on.
   */
  async function flood(redis: Redis): Promise<Map<string, string>> {
    const padding = 'x'.repeat(4 * 1024)
    const acknowledged = new Map<string, string>()
    for (let batch = 0; batch < 20; batch++) {
      const pipeline = redis.pipeline()
      const ids = Array.from({ length: 500 }, (_, n) => [`flood:${batch}:${n}`, `${n} ${padding}`] as const)
      for (const [key, id] of ids) pipeline.set(key, id, 'PX', TTL_MS, 'NX')
      const replies = await pipeline.exec().catch(() => null)
      // From the moment on at which the replicas are missed, the master refuses.
      if (replies === null || replies.some(([error]) => error !== null)) break
      for (const [key, id] of ids) acknowledged.set(key, id)
    }
    return acknowledged
  }
})
