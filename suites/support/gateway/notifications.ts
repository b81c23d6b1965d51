import { Queue, UnrecoverableError, Worker, type Job } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Alert } from './alert.ts'
import type { GatewayConfig } from './config.ts'

/** What travels through the queue. `storm` is set on the one notification of a whole storm. */
export interface NotificationJob {
  readonly id: string
  readonly alert: Alert
  readonly storm: string | null
}

/** What the webhook receives: the alert, enriched with who has to look at it. */
export interface Notification extends NotificationJob {
  readonly kind: 'alert' | 'storm' | 'escalation'
  readonly team: string
}

export type NotificationQueue = Queue<NotificationJob, void, 'notify' | 'escalate'>
export type NotificationWorker = Worker<NotificationJob, void, 'notify' | 'escalate'>
type NotificationTask = Job<NotificationJob, void, 'notify' | 'escalate'>

export const QUEUE = 'notifications'

export function createQueue(redis: Redis, config: GatewayConfig): NotificationQueue {
  return new Queue(QUEUE, {
    connection: redis,
    prefix: `${config.prefix}:bull`,
    defaultJobOptions: {
      attempts: config.delivery.attempts,
      backoff: { type: 'exponential', delay: config.delivery.backoffMs },
      removeOnComplete: { count: 1_000 },
    },
  })
}

/** Queues the notification, and for a critical alert the escalation that an acknowledgement takes back. */
export async function enqueue(queue: NotificationQueue, job: NotificationJob, escalateMs: number): Promise<void> {
  const notify = { name: 'notify' as const, data: job, opts: { jobId: `notify-${job.id}` } }
  const escalate = { name: 'escalate' as const, data: job, opts: { jobId: `escalate-${job.id}`, delay: escalateMs } }
  // addBulk is one transaction: both or none.
  await queue.addBulk(job.alert.severity === 'critical' ? [notify, escalate] : [notify])
}

/** Takes the escalation back. false: there is none that still waits. */
export async function cancelEscalation(queue: NotificationQueue, id: string): Promise<boolean> {
  const job = await queue.getJob(`escalate-${id}`)
  if (!job || !(await job.isDelayed())) return false
  // BullMQ answers 1 for a job that is gone by now as well: of two acknowledgements at once both may hear `true`.
  return (await queue.remove(`escalate-${id}`)) === 1
}

/** Runs the pipeline: enrich, deliver, record. `redis` is for the pipeline's own commands, `blocking` for BullMQ. */
export function createWorker(redis: Redis, blocking: Redis, config: GatewayConfig): NotificationWorker {
  return new Worker(QUEUE, (job) => deliver(redis, config, job), {
    connection: blocking,
    prefix: `${config.prefix}:bull`,
    concurrency: 10,
    // A job whose worker is gone, or could not report because Redis was away or full, is taken over within 15 s, and as
    // often as it takes: the promise is delivery at least once.
    lockDuration: 10_000,
    stalledInterval: 5_000,
    maxStalledCount: 100,
  })
}

async function deliver(redis: Redis, config: GatewayConfig, job: NotificationTask): Promise<void> {
  const record = `${config.prefix}:alert:${job.data.id}`
  try {
    const notification = await enrich(redis, config, job)
    await post(config, notification)
    await setState(redis, record, job.name === 'escalate' ? 'escalated' : 'notified')
  } catch (error) {
    const lastTry = error instanceof UnrecoverableError || job.attemptsMade + 1 >= (job.opts.attempts ?? 1)
    if (lastTry) await setState(redis, record, 'undelivered')
    throw error
  }
}

async function enrich(redis: Redis, config: GatewayConfig, job: NotificationTask): Promise<Notification> {
  const { alert, storm } = job.data
  const team = (await redis.hget(`${config.prefix}:owners`, alert.service)) ?? 'on-call'
  return { ...job.data, kind: job.name === 'escalate' ? 'escalation' : storm === null ? 'alert' : 'storm', team }
}

/** A refusal (4xx) is final: the same notification will be refused again. Everything else is worth another try. */
async function post(config: GatewayConfig, notification: Notification): Promise<void> {
  const response = await fetch(config.webhookUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(notification),
    signal: AbortSignal.timeout(config.delivery.timeoutMs),
  })
  await response.body?.cancel()
  if (response.ok) return
  const message = `the webhook answered ${response.status}`
  if (response.status >= 400 && response.status < 500) throw new UnrecoverableError(message)
  throw new Error(message)
}

const SET_STATE = `
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'state', ARGV[1])
end`

/** Only on a record that is still there: a late job must not bring an expired one back without its expiry. */
async function setState(redis: Redis, record: string, state: string): Promise<void> {
  await redis.eval(SET_STATE, 1, record, state)
}
