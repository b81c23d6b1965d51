import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { fingerprint, type Alert } from './alert.ts'
import type { GatewayConfig } from './config.ts'
import { claim, unclaim } from './deduplication.ts'
import { enqueue, type NotificationQueue } from './notifications.ts'
import { countRequest } from './rate-limit.ts'
import { replies } from './redis.ts'
import { createStormDetector, type StormState } from './storm.ts'

/** What became of a posted alert. An outage is not among them: it is thrown, and named by `causeOf`. */
export type Verdict =
  /** Recorded and queued; `storm` is set when it is the one notification of a storm that has just started. */
  | { readonly kind: 'accepted'; readonly id: string; readonly storm: string | null }
  /** Recorded, but not notified: it belongs to a storm that is. */
  | { readonly kind: 'grouped'; readonly id: string; readonly storm: string }
  | { readonly kind: 'duplicate'; readonly of: string }
  | { readonly kind: 'limited'; readonly retryAfterMs: number }

export type Intake = (alert: Alert) => Promise<Verdict>

/** Takes alerts in: limit, deduplicate, watch for storms, record, queue. Rejects when Redis fails on the way. */
export function createIntake(redis: Redis, queue: NotificationQueue, config: GatewayConfig): Intake {
  const { prefix } = config
  const observe = createStormDetector(redis, prefix, config.storm)

  const record = async (id: string, alert: Alert, storm: StormState): Promise<void> => {
    const key = `${prefix}:alert:${id}`
    const state = storm.kind === 'ongoing' ? 'grouped' : 'queued'
    const pipeline = redis
      .pipeline()
      .hset(key, { state, alert: JSON.stringify(alert), storm: storm.kind === 'calm' ? '' : storm.storm })
      .pexpire(key, 10 * config.dedupeMs)
      .hincrby(`${prefix}:totals`, alert.service, 1)
    replies(await pipeline.exec())
  }

  const accept = async (id: string, alert: Alert): Promise<Verdict> => {
    const storm = await observe(alert.service, id)
    await record(id, alert, storm)
    if (storm.kind === 'ongoing') return { kind: 'grouped', id, storm: storm.storm }
    const started = storm.kind === 'started' ? storm.storm : null
    await enqueue(queue, { id, alert, storm: started }, config.escalateMs)
    return { kind: 'accepted', id, storm: started }
  }

  return async (alert) => {
    const rate = await countRequest(
      redis,
      `${prefix}:rate:${alert.source}`,
      config.rateLimit.limit,
      config.rateLimit.windowMs,
    )
    if (!rate.allowed) return { kind: 'limited', retryAfterMs: rate.retryAfterMs }

    const id = randomUUID()
    const claimKey = `${prefix}:claim:${fingerprint(alert)}`
    const first = await claim(redis, claimKey, id, config.dedupeMs)
    if (first !== null) return { kind: 'duplicate', of: first }
    try {
      return await accept(id, alert)
    } catch (error) {
      // Without this the sender's next try would be taken for a duplicate of an alert that nobody was told about.
      // If Redis cannot do even that, the claim runs out by itself.
      await unclaim(redis, claimKey, id).catch(() => false)
      throw error
    }
  }
}
