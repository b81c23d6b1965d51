import type net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { AbstractConnector, Redis } from 'ioredis'
import type { Cause, CauseCode } from '../core/ending.ts'
import type { Cluster, RoleOf } from '../core/ports.ts'
import type { ClusterSource, RedisSettings } from '../core/settings.ts'
import { addressOf, type Address } from './address.ts'
import { roleOf } from './role.ts'
import type { Owned } from './server.ts'
import { readTls, tlsOptions, type Tls } from './tls.ts'

const ROLE_LIMIT_MS = 5_000

/** What the cluster leads to. */
export type Found =
  | {
      readonly ok: true
      readonly address: Address
      /** "master pod default/redis-0" */
      readonly how: string
      /** Stopped when it is no longer needed. */
      readonly way: Owned
    }
  | { readonly ok: false; readonly cause: Cause }

/** Reaches a Redis in a cluster. Routes speak TLS; the other ways do if `redis.tls` is configured. */
export async function findInCluster(
  cluster: Cluster,
  source: ClusterSource,
  settings: RedisSettings,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Found> {
  const secure = source === 'route' || settings.tls !== undefined
  const read = await readTls(settings.tls ?? {})
  if (!read.ok) return read
  const secrets = { username: env['REDIS_USERNAME'] || null, password: env['REDIS_PASSWORD'] || null }
  const reached = await cluster.reach(source, roleOver(secure ? read.tls : null, secrets), signal)
  if (!reached.ok) return reached
  const address: Address = {
    ...addressOf({ host: reached.host, port: reached.port, tls: secure }),
    ...secrets,
    ...(secure ? { secure: read.tls } : {}),
    problem: reached.problem,
    ...(source === 'route' ? { explain: throughRouter } : {}),
  }
  return { ok: true, address, how: reached.how, way: { stop: reached.close, onGone: reached.onGone } }
}

/** The address of a Route that the environment names. */
export function routeAddress(host: string, env: NodeJS.ProcessEnv): Address {
  return {
    ...addressOf({ host, port: 443, tls: true }),
    username: env['REDIS_USERNAME'] || null,
    password: env['REDIS_PASSWORD'] || null,
    explain: throughRouter,
  }
}

const NOT_THROUGH: ReadonlySet<CauseCode> = new Set(['redis-not-redis', 'redis-timeout', 'redis-tls'])

/** What does not answer behind a Route is most often a plain Redis, or a router that opens the TLS. */
export function throughRouter(cause: Cause): Cause {
  if (cause.code === 'redis-certificate') {
    const advice =
      'If it is the certificate of the router, the Route opens the TLS: it needs `termination: passthrough`.'
    return { ...cause, remedy: `${cause.remedy} ${advice}` }
  }
  if (!NOT_THROUGH.has(cause.code)) return cause
  const advice =
    'A router passes Redis on only as TLS that it does not open: Redis needs a tls-port, and the Route `termination: passthrough`. A plain Redis cannot pass; use port-forward.'
  return { code: 'route-without-tls', message: cause.message, remedy: `${cause.remedy} ${advice}` }
}

/** Asks for the ROLE over a stream that somebody else has dialled. */
function roleOver(
  secure: Tls | null,
  { username, password }: { readonly username: string | null; readonly password: string | null },
): RoleOf {
  return async (stream) => {
    const redis = new Redis({
      ...(username === null ? {} : { username }),
      ...(password === null ? {} : { password }),
      Connector: over(secure === null ? stream : tls.connect({ ...tlsOptions('', secure), socket: stream })),
      lazyConnect: true,
      enableReadyCheck: false,
      disableClientInfo: true,
      maxRetriesPerRequest: 0,
      commandTimeout: ROLE_LIMIT_MS,
      retryStrategy: () => null,
    })
    let first: Error | null = null
    redis.on('error', (error: Error) => (first ??= error))
    const limit = setTimeout(
      () => stream.destroy(new Error(`no answer within ${ROLE_LIMIT_MS / 1000} s`)),
      ROLE_LIMIT_MS,
    )
    try {
      await redis.connect()
      const role = roleOf(await redis.role())
      return role === null ? { ok: false, why: 'it does not tell its role' } : { ok: true, role: role.kind }
    } catch (error) {
      return { ok: false, why: (stream.errored ?? first ?? (error as Error)).message }
    } finally {
      clearTimeout(limit)
      redis.disconnect()
    }
  }
}

/** A connector of ioredis for a stream that is there already; it takes the calls that only a socket knows. */
function over(stream: Duplex) {
  const socketLike = Object.assign(stream, { setNoDelay() {}, setKeepAlive() {}, setTimeout() {} })
  return class extends AbstractConnector {
    constructor() {
      super(0)
    }

    override connect(): Promise<net.Socket> {
      this.connecting = true
      this.stream = socketLike as unknown as net.Socket
      return Promise.resolve(this.stream)
    }
  }
}
