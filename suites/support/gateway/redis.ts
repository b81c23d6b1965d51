import { Redis, type RedisOptions } from 'ioredis'

// `replyMapping` is declared twice in ioredis 6, once without `undefined`: exactOptionalPropertyTypes trips over it.
type Options = Omit<RedisOptions, 'replyMapping'>

/** Why the gateway cannot use its Redis: the words of the 503 answer. */
export type RedisCause =
  | 'redis-read-only'
  | 'redis-out-of-memory'
  | 'redis-persistence'
  | 'redis-no-replicas'
  | 'redis-loading'
  | 'redis-denied'
  | 'redis-timeout'
  | 'redis-unreachable'

/** The first word of an error reply. Everything else that Redis answers is a bug of the gateway, not an outage. */
const CAUSES: Readonly<Record<string, RedisCause>> = {
  READONLY: 'redis-read-only',
  OOM: 'redis-out-of-memory',
  MISCONF: 'redis-persistence',
  NOREPLICAS: 'redis-no-replicas',
  LOADING: 'redis-loading',
  MASTERDOWN: 'redis-unreachable',
  NOPERM: 'redis-denied',
  NOAUTH: 'redis-denied',
  WRONGPASS: 'redis-denied',
}

/**
 * How patient the gateway's own commands are. A request is answered with 503 rather than kept waiting: three tries,
 * five seconds to connect, three for an answer. After READONLY the connection is made anew, since a failover may have
 * moved the master behind the same address, but the command is not sent again: on an address that stays a replica
 * that would go round for ever.
 */
const PATIENCE: Options = {
  connectTimeout: 5_000,
  commandTimeout: 3_000,
  maxRetriesPerRequest: 3,
  keepAlive: 10_000,
  retryStrategy: (tries) => Math.min(25 * 2 ** tries, 2_000),
  reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
}

/** BullMQ workers block while they wait for jobs, and have to outlive an outage: no limit on retries or answers. */
const WORKER_PATIENCE: Options = {
  connectTimeout: 5_000,
  maxRetriesPerRequest: null,
  keepAlive: 10_000,
  retryStrategy: (tries) => Math.min(25 * 2 ** tries, 2_000),
}

/** A connection that is ready and works on the database that the URL names. Rejects with what went wrong. */
export function connect(url: string, name: string): Promise<Redis> {
  return open(new Redis(url, { ...PATIENCE, connectionName: name, lazyConnect: true }))
}

/** The connection of a BullMQ worker, which makes another one of it to block on. */
export class WorkerConnection extends Redis {
  readonly #copies: Redis[] = []

  override duplicate(override?: Partial<RedisOptions>): Redis {
    const copy = super.duplicate(override)
    this.#copies.push(copy)
    return copy
  }

  /** Ends what was made of it: a worker that is closed waits for that. */
  endCopies(): void {
    for (const copy of this.#copies) end(copy)
  }
}

/** The same for a BullMQ worker. */
export async function connectWorker(url: string, name: string): Promise<WorkerConnection> {
  return open(new WorkerConnection(url, { ...WORKER_PATIENCE, connectionName: name, lazyConnect: true }))
}

/** Ends a connection, whatever it is doing, so that its `end` event comes. */
export function end(redis: Redis): void {
  // ioredis forgets the event while it waits for its next try; a try that is broken off has it.
  if (redis.status === 'reconnecting') redis.connect().catch(() => {})
  redis.disconnect()
}

async function open<Connection extends Redis>(redis: Connection): Promise<Connection> {
  let lastError: Error | null = null
  redis.on('error', (error: Error) => {
    lastError = error
  })
  try {
    await redis.connect()
    await mustBeSelected(redis)
    return redis
  } catch (error) {
    redis.disconnect()
    // ioredis rejects with "Connection is closed" whatever the reason was; its last `error` event has the reason.
    throw lastError ?? error
  }
}

/** A SELECT that is refused leaves an ioredis client on database 0, with nothing but an `error` event to show for it. */
async function mustBeSelected(redis: Redis): Promise<void> {
  const wanted = redis.options.db ?? 0
  const info = String(await redis.call('CLIENT', 'INFO'))
  const actual = Number(/\bdb=(\d+)/.exec(info)?.[1])
  if (actual !== wanted) throw new Error(`the connection works on database ${actual} instead of ${wanted}`)
}

/** The outage behind an error, or null when the error is no outage. */
export function causeOf(error: unknown): RedisCause | null {
  if (!(error instanceof Error)) return null
  const word = /^[A-Z]+/.exec(error.message)?.[0] ?? ''
  if (word === 'EXECABORT') return firstCause((error as Error & { previousErrors?: unknown[] }).previousErrors ?? [])
  if (error.message === 'Command timed out') return 'redis-timeout'
  if (error.name === 'MaxRetriesPerRequestError' || error.message === 'Connection is closed.')
    return 'redis-unreachable'
  if ('syscall' in error) return 'redis-unreachable'
  return CAUSES[word] ?? null
}

function firstCause(errors: readonly unknown[]): RedisCause | null {
  for (const error of errors) {
    const cause = causeOf(error)
    if (cause) return cause
  }
  return null
}

/**
 * The replies of a pipeline or transaction. `exec()` resolves even when every command failed: each reply has to be
 * looked at. Throws the first error.
 */
export function replies(results: [error: Error | null, reply: unknown][] | null): unknown[] {
  if (results === null) throw new Error('the transaction was discarded')
  return results.map(([error, reply]) => {
    if (error) throw error
    return reply
  })
}
