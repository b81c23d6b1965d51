import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseAlert } from './alert.ts'
import type { GatewayConfig } from './config.ts'
import { createIntake, type Verdict } from './intake.ts'
import { cancelEscalation, createQueue, createWorker, type NotificationWorker } from './notifications.ts'
import { causeOf, connect, connectWorker, end } from './redis.ts'

export interface Gateway {
  readonly url: string
  readonly worker: NotificationWorker
  /** Takes no new requests, ends what is under way within the grace time, and closes every connection. */
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

const BODY_LIMIT = 64 * 1024

/** Starts the gateway: resolves when it listens and its Redis answers, rejects when it cannot. */
export async function startGateway(config: GatewayConfig): Promise<Gateway> {
  const redis = await connect(config.redisUrl, `${config.prefix}-gateway`)
  const blocking = await connectWorker(config.redisUrl, `${config.prefix}-worker`).catch((error: unknown) => {
    redis.disconnect()
    throw error
  })
  const queue = createQueue(redis, config)
  const worker = createWorker(redis, blocking, config)
  // Outages show in the answers; without a listener an `error` event would end the process.
  queue.on('error', () => {})
  worker.on('error', () => {})
  // A new queue writes a key of its own: before the first request, not some time later.
  await queue.waitUntilReady()
  const intake = createIntake(redis, queue, config)

  const route = async (request: IncomingMessage): Promise<Answer> => {
    const path = new URL(request.url ?? '/', 'http://gateway').pathname
    const [collection, id, action] = path.split('/').slice(1)
    if (path === '/health') {
      // A write, since a read-only replica answers PING like any master.
      await redis.set(`${config.prefix}:health`, '1', 'PX', 5_000)
      return { status: 200, body: { status: 'ok' } }
    }
    if (collection !== 'alerts') return { status: 404, body: { status: 'not-found' } }
    if (id === undefined) return request.method === 'POST' ? post(request) : methodNotAllowed('POST')
    const record = await redis.hgetall(`${config.prefix}:alert:${id}`)
    if (Object.keys(record).length === 0) return { status: 404, body: { status: 'not-found' } }
    if (action === undefined) return { status: 200, body: { id, ...record } }
    if (action !== 'ack') return { status: 404, body: { status: 'not-found' } }
    if (request.method !== 'POST') return methodNotAllowed('POST')
    return { status: 200, body: { status: 'acknowledged', escalation: await cancelEscalation(queue, id) } }
  }

  const post = async (request: IncomingMessage): Promise<Answer> => {
    const body = await readBody(request)
    if (body === null) return { status: 413, body: { status: 'too-large', limitBytes: BODY_LIMIT } }
    const parsed = parseAlert(body)
    if (!parsed.ok) return { status: 400, body: { status: 'invalid', problems: parsed.problems } }
    return answerOf(await intake(parsed.alert))
  }

  const server = createServer((request, response) => {
    void route(request)
      .catch(answerOfError)
      .then((answer) => {
        // A kept-alive connection that was in use when the shutdown began would go on taking requests.
        if (!server.listening) response.setHeader('connection', 'close')
        send(response, answer)
      })
  })
  server.listen(config.port, config.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    await worker.close(true)
    await queue.close()
    for (const connection of [redis, blocking]) connection.disconnect()
    throw error
  }

  const close = async (): Promise<void> => {
    const grace = setTimeout(() => server.closeAllConnections(), config.graceMs)
    await new Promise((resolve) => server.close(resolve))
    clearTimeout(grace)
    const closed = worker.close()
    // The worker waits for the end of the connection that it blocks on, which may wait for its next try just now.
    blocking.endCopies()
    // A job that cannot report, because Redis is away, would keep the worker for ever: without a connection it gives up.
    await within(config.graceMs, closed, () => end(blocking))
    await within(config.graceMs, queue.close(), () => {})
    for (const connection of [redis, blocking]) end(connection)
  }
  let closing: Promise<void> | null = null
  const { port } = server.address() as AddressInfo
  return { url: `http://${config.host}:${port}`, worker, close: () => (closing ??= close()) }
}

function answerOf(verdict: Verdict): Answer {
  switch (verdict.kind) {
    case 'accepted':
      return { status: 202, body: { status: 'accepted', id: verdict.id, storm: verdict.storm } }
    case 'grouped':
      return { status: 202, body: { status: 'grouped', id: verdict.id, storm: verdict.storm } }
    case 'duplicate':
      return { status: 200, body: { status: 'duplicate', id: verdict.of } }
    case 'limited':
      return {
        status: 429,
        headers: { 'retry-after': String(Math.ceil(verdict.retryAfterMs / 1_000)) },
        body: { status: 'limited', retryAfterMs: verdict.retryAfterMs },
      }
    default:
      return verdict satisfies never
  }
}

/** An outage of Redis is a 503 that names its cause; anything else is a bug, and a 500. */
function answerOfError(error: unknown): Answer {
  const cause = causeOf(error)
  if (cause === null) return { status: 500, body: { status: 'error', message: String(error) } }
  return { status: 503, headers: { 'retry-after': '1' }, body: { status: 'unavailable', cause } }
}

function methodNotAllowed(allow: string): Answer {
  return { status: 405, headers: { allow }, body: { status: 'method-not-allowed' } }
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.destroyed) return
  response.writeHead(status, { ...headers, 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

/** null: larger than the limit. The rest is read and dropped, so that the sender gets to see the answer. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= BODY_LIMIT) chunks.push(chunk)
  }
  return size <= BODY_LIMIT ? Buffer.concat(chunks).toString('utf8') : null
}

/** Waits for `work`, and after `limitMs` for `instead`. */
async function within(limitMs: number, work: Promise<void>, instead: () => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), limitMs)
  })
  const winner = await Promise.race([work.then(() => 'done' as const), late])
  clearTimeout(timer)
  if (winner === 'late') instead()
}
