import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Redis } from 'ioredis'
import { readConfig, type GatewayConfig } from './config.ts'
import type { Notification } from './notifications.ts'
import { inTime } from '../processes/limit.ts'
import { connect } from './redis.ts'
import { startGateway, type Gateway } from './service.ts'

/** The database of this test file: tiershard gives every shard its own, plain vitest gives all files the same one. */
export function redisUrl(): string {
  const url = process.env['REDIS_URL']
  if (!url) throw new Error('REDIS_URL is not set: run the suites with tiershard, or with vitest and its global setup')
  return url
}

/** A prefix that no other file uses: under plain vitest all files share one database. */
function newPrefix(): string {
  return `gw-${randomBytes(6).toString('hex')}`
}

/** Something to be closed at the end, in the reverse order of its creation. */
export interface Rig extends AsyncDisposable {
  readonly redis: Redis
  readonly prefix: string
  readonly url: string
  /** Runs before the connection closes; the newest first. */
  defer(end: () => unknown): void
  /** A gateway on this rig's database and prefix, closed with it. */
  gateway(overrides?: Partial<GatewayConfig>): Promise<Gateway>
  /** One more connection, closed with the rig. */
  connect(name?: string): Promise<Redis>
}

/** A connection and a prefix for one test; at the end everything is closed and its keys are gone. */
export async function createRig(url = redisUrl()): Promise<Rig> {
  const prefix = newPrefix()
  const redis = await connect(url, prefix)
  const ends: (() => unknown)[] = []
  const defer = (end: () => unknown): void => void ends.push(end)
  return {
    redis,
    prefix,
    url,
    defer,
    async gateway(overrides = {}) {
      const gateway = await startGateway({ ...gatewayConfig(url, prefix), ...overrides })
      defer(() => gateway.close())
      return gateway
    },
    async connect(name = prefix) {
      const extra = await connect(url, name)
      defer(() => extra.disconnect())
      return extra
    },
    async [Symbol.asyncDispose]() {
      for (const end of ends.toReversed()) await end()
      await removeKeys(redis, prefix)
      redis.disconnect()
    },
  }
}

/** Settings for a test: the documented defaults, any free port, short retries, and limits that are out of the way. */
function gatewayConfig(url: string, prefix: string): GatewayConfig {
  const read = readConfig({
    REDIS_URL: url,
    GATEWAY_PREFIX: prefix,
    GATEWAY_PORT: '0',
    GATEWAY_RATE_LIMIT: '100000',
    GATEWAY_STORM_THRESHOLD: '100000',
    GATEWAY_DELIVERY_BACKOFF_MS: '10',
    // Discards what it gets; tests that look at notifications start a receiver.
    GATEWAY_WEBHOOK_URL: 'http://127.0.0.1:9/',
  })
  if (!read.ok) throw new Error(read.problems.join('; '))
  return read.config
}

/** Removes what a test has written. A database that cannot be written any more has nothing to clean. */
async function removeKeys(redis: Redis, prefix: string): Promise<void> {
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1_000 }) as AsyncIterable<string[]>) {
      if (keys.length > 0) await redis.unlink(...keys)
    }
  } catch {
    // The test has stopped or spoiled its server on purpose.
  }
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

/** Posts an alert; fields that do not matter to a test have defaults. */
export async function postAlert(
  gateway: { readonly url: string },
  alert: Record<string, unknown> = {},
): Promise<Reply> {
  return call(gateway, 'POST', '/alerts', { source: 'probe', service: 'checkout', name: 'latency', ...alert })
}

export async function call(
  gateway: { readonly url: string },
  method: string,
  path: string,
  body?: unknown,
): Promise<Reply> {
  const response = await fetch(gateway.url + path, {
    method,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Reply['body'] }
}

export interface Receiver {
  readonly url: string
  readonly received: readonly Notification[]
  /** Resolves when this many notifications have arrived in all. */
  count(n: number): Promise<void>
}

/** A real webhook. `answer` says how the nth request (from 1) ends: a status, or a function that answers itself. */
export async function startReceiver(
  rig: Rig,
  answer: (n: number, notification: Notification) => number | ((response: ServerResponse) => void) = () => 204,
): Promise<Receiver> {
  const received: Notification[] = []
  const waiting = new Set<() => void>()
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
      const notification = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Notification
      received.push(notification)
      const how = answer(received.length, notification)
      if (typeof how === 'number') response.writeHead(how).end()
      else how(response)
      for (const wake of waiting) wake()
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  rig.defer(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    received,
    count(n) {
      const arrived = new Promise<void>((resolve) => {
        const wake = (): void => {
          if (received.length < n) return
          waiting.delete(wake)
          resolve()
        }
        waiting.add(wake)
        wake()
      })
      return inTime(() => `${n} notifications; there are ${received.length}`, arrived)
    },
  }
}
