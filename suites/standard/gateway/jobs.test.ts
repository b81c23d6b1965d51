import { Queue, QueueEvents, Worker, type Job } from 'bullmq'
import { expect, test } from 'vitest'
import { connectWorker } from '../../support/gateway/redis.ts'
import { QUEUE, type NotificationQueue } from '../../support/gateway/notifications.ts'
import { call, createRig, postAlert, startReceiver, type Rig } from '../../support/gateway/rig.ts'

/** The gateway's queue as an operator sees it. */
async function queueOf(rig: Rig): Promise<NotificationQueue> {
  const queue: NotificationQueue = new Queue(QUEUE, { connection: rig.redis, prefix: `${rig.prefix}:bull` })
  rig.defer(() => queue.close())
  await queue.waitUntilReady()
  return queue
}

/** Events travel over a connection of their own, which blocks on a stream. */
async function eventsOf(rig: Rig): Promise<QueueEvents> {
  const connection = await connectWorker(rig.url, `${rig.prefix}-events`)
  const events = new QueueEvents(QUEUE, { connection, prefix: `${rig.prefix}:bull`, lastEventId: '0' })
  rig.defer(async () => {
    await events.close()
    connection.disconnect()
  })
  await events.waitUntilReady()
  return events
}

async function mustFind(queue: NotificationQueue, id: string): Promise<Job> {
  const job = await queue.getJob(id)
  if (!job) throw new Error(`no job ${id}`)
  return job as Job
}

test('a delivery that fails is tried again until it succeeds', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig, (n) => (n < 3 ? 503 : 204))
  const events = await eventsOf(rig)
  const queue = await queueOf(rig)
  const gateway = await rig.gateway({ webhookUrl: receiver.url })

  const { body } = await postAlert(gateway)
  const job = await mustFind(queue, `notify-${String(body['id'])}`)
  await job.waitUntilFinished(events, 20_000)
  expect(receiver.received).toHaveLength(3)
  expect((await mustFind(queue, job.id!)).attemptsMade).toBe(3)
})

test('a delivery that never succeeds ends as failed, with its reason and its history', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig, () => 500)
  const events = await eventsOf(rig)
  const queue = await queueOf(rig)
  const gateway = await rig.gateway({ webhookUrl: receiver.url })

  const { body } = await postAlert(gateway)
  const id = String(body['id'])
  const job = await mustFind(queue, `notify-${id}`)
  await expect(job.waitUntilFinished(events, 20_000)).rejects.toThrow('the webhook answered 500')
  expect(receiver.received).toHaveLength(3)
  expect(await queue.getFailedCount()).toBe(1)
  const failed = await mustFind(queue, job.id!)
  expect(failed.failedReason).toBe('the webhook answered 500')
  expect(failed.stacktrace).toHaveLength(3)
  expect((await call(gateway, 'GET', `/alerts/${id}`)).body['state']).toBe('undelivered')
})

test('a failed delivery can be sent again by hand', async () => {
  await using rig = await createRig()
  let broken = true
  const receiver = await startReceiver(rig, () => (broken ? 500 : 204))
  const events = await eventsOf(rig)
  const queue = await queueOf(rig)
  const gateway = await rig.gateway({ webhookUrl: receiver.url })

  const { body } = await postAlert(gateway)
  const job = await mustFind(queue, `notify-${String(body['id'])}`)
  await expect(job.waitUntilFinished(events, 20_000)).rejects.toThrow('500')
  broken = false
  const completed = new Promise((resolve) => events.once('completed', resolve))
  await (await mustFind(queue, job.id!)).retry('failed')
  await completed
  expect(await queue.getFailedCount()).toBe(0)
  expect(receiver.received).toHaveLength(4)
})

test('a refusal is final: no second try', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig, () => 410)
  const events = await eventsOf(rig)
  const queue = await queueOf(rig)
  const gateway = await rig.gateway({ webhookUrl: receiver.url })

  const { body } = await postAlert(gateway)
  const job = await mustFind(queue, `notify-${String(body['id'])}`)
  await expect(job.waitUntilFinished(events, 20_000)).rejects.toThrow('the webhook answered 410')
  expect(receiver.received).toHaveLength(1)
})

test('a webhook that never answers is given up on, and tried again', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig, (n) => (n === 1 ? () => {} : 204))
  const events = await eventsOf(rig)
  const queue = await queueOf(rig)
  const gateway = await rig.gateway({
    webhookUrl: receiver.url,
    delivery: { attempts: 2, backoffMs: 10, timeoutMs: 200 },
  })
  const { body } = await postAlert(gateway)
  const job = await mustFind(queue, `notify-${String(body['id'])}`)
  await job.waitUntilFinished(events, 20_000)
  expect(receiver.received).toHaveLength(2)
})

test('a critical alert is escalated later, and sooner if its time comes', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig)
  const queue = await queueOf(rig)
  const gateway = await rig.gateway({ webhookUrl: receiver.url, escalateMs: 3_600_000 })

  const { body } = await postAlert(gateway, { severity: 'critical' })
  await receiver.count(1)
  const delayed = await queue.getDelayed()
  expect(delayed.map((job) => [job.id, job.delay])).toEqual([[`escalate-${String(body['id'])}`, 3_600_000]])
  // An hour passes: this is what the queue does when a delay has run out.
  await delayed[0]!.promote()
  await receiver.count(2)
  expect(receiver.received.map((notification) => notification.kind)).toEqual(['alert', 'escalation'])
})

test('a delay that runs out starts the job by itself', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig)
  const gateway = await rig.gateway({ webhookUrl: receiver.url, escalateMs: 30 })
  await postAlert(gateway, { severity: 'critical' })
  await receiver.count(2)
  expect(receiver.received.map((notification) => notification.kind).toSorted()).toEqual(['alert', 'escalation'])
})

test('an acknowledgement takes the escalation back, once', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig)
  const queue = await queueOf(rig)
  const gateway = await rig.gateway({ webhookUrl: receiver.url, escalateMs: 3_600_000 })

  const { body } = await postAlert(gateway, { severity: 'critical' })
  const ack = () => call(gateway, 'POST', `/alerts/${String(body['id'])}/ack`)
  expect((await ack()).body).toEqual({ status: 'acknowledged', escalation: true })
  expect((await ack()).body).toEqual({ status: 'acknowledged', escalation: false })
  expect(await queue.getDelayedCount()).toBe(0)
})

test('every alert is delivered exactly once, however many gateways work on the queue', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig)
  const gateways = await Promise.all([1, 2, 3].map(() => rig.gateway({ webhookUrl: receiver.url })))
  const replies = await Promise.all(
    Array.from({ length: 60 }, (_, n) => postAlert(gateways[n % 3]!, { name: `alert-${n}` })),
  )
  await receiver.count(60)
  const sent = receiver.received.map((notification) => notification.id).toSorted()
  expect(sent).toEqual(replies.map((reply) => String(reply.body['id'])).toSorted())
})

test('a worker that dies with a job in hand: another one takes the job over', async () => {
  await using rig = await createRig()
  const queue = await queueOf(rig)
  await queue.add('notify', { id: 'x', alert: ALERT, storm: null })
  const options = { prefix: `${rig.prefix}:bull`, stalledInterval: 100, maxStalledCount: 1 }

  const doomed = await connectWorker(rig.url, `${rig.prefix}-doomed`)
  rig.defer(() => doomed.disconnect())
  const taken = new Promise((resolve) => {
    const worker = new Worker(QUEUE, () => new Promise<void>((done) => (resolve(null), rig.defer(done))), {
      ...options,
      connection: doomed,
      lockDuration: 500,
      // Renews nothing, like a process that is gone.
      lockRenewTime: 3_600_000,
      skipStalledCheck: true,
    })
    worker.on('error', () => {})
    rig.defer(() => worker.close(true))
  })
  await taken

  const heir = await connectWorker(rig.url, `${rig.prefix}-heir`)
  rig.defer(() => heir.disconnect())
  const worker = new Worker(QUEUE, async (job: Job) => job.id, { ...options, connection: heir })
  rig.defer(() => worker.close())
  const job = await new Promise<Job>((resolve) => worker.once('completed', resolve))
  expect(job.stalledCounter).toBe(1)
})

test('a worker refuses a connection that gives up on its commands', async () => {
  await using rig = await createRig()
  expect(rig.redis.options.maxRetriesPerRequest).toBe(3)
  expect(() => new Worker(QUEUE, async () => {}, { connection: rig.redis, autorun: false })).toThrow(
    'maxRetriesPerRequest must be null',
  )
})

const ALERT = { source: 'probe', service: 'checkout', name: 'latency', severity: 'warning' as const, labels: {} }
