import { fillIn } from '../core/placeholders.ts'
import type { Connection } from '../core/ports.ts'
import type { ServiceAccess } from '../core/service-ports.ts'
import type { SuiteSettings } from '../core/settings.ts'

/** What a seat's environment is made of. */
export interface SeatFacts {
  readonly run: string
  readonly tier: string
  /** 0-based. */
  readonly shard: number
  readonly shards: number
  readonly suite: SuiteSettings
  /** The shard's database; null for a suite without Redis. */
  readonly redis: { readonly connection: Connection; readonly database: number } | null
  /** What its services say; absent: the suite has none. */
  readonly services?: ServiceAccess
}

/**
 * The variables that a file's process gets on top of the run's own environment. null removes a variable: a suite without
 * Redis must not find somebody else's REDIS_URL, and a database without a password must not get an inherited one.
 */
export function seatEnvironment(facts: SeatFacts): Record<string, string | null> {
  const values = { ...placeholders(facts), ...facts.services?.values }
  const env: Record<string, string | null> = {
    REDIS_URL: values['redis.url'] || null,
    REDIS_HOST: values['redis.host'] || null,
    REDIS_PORT: values['redis.port'] || null,
    REDIS_DB: values['redis.db'] || null,
    REDIS_USERNAME: values['redis.username'] || null,
    REDIS_PASSWORD: values['redis.password'] || null,
    REDIS_KEY_PREFIX: values['redis.prefix'] || null,
    REDIS_SOCKET: values['redis.socket'] || null,
    REDIS_SENTINELS: values['redis.sentinels'] || null,
    REDIS_SENTINEL_MASTER: values['redis.sentinel.master'] || null,
    REDIS_TLS_CA: values['redis.tls.ca'] || null,
    REDIS_TLS_CERT: values['redis.tls.cert'] || null,
    REDIS_TLS_KEY: values['redis.tls.key'] || null,
    REDIS_TLS_SERVERNAME: values['redis.tls.servername'] || null,
    TIERSHARD_RUN: facts.run,
    TIERSHARD_TIER: facts.tier,
    TIERSHARD_SHARD: String(facts.shard),
    TIERSHARD_SHARDS: String(facts.shards),
    ...facts.services?.env,
  }
  for (const [name, template] of Object.entries(facts.suite.env)) env[name] = fillIn(template, values)
  return env
}

/** Placeholders of a suite's `env`: `{redis.url}` and friends. Without Redis, the redis ones are empty. */
export function placeholders(facts: SeatFacts): Record<string, string> {
  const { connection, database } = facts.redis ?? {}
  return {
    shard: String(facts.shard),
    tier: facts.tier,
    run: facts.run,
    'redis.url': connection?.url ?? '',
    'redis.host': connection?.host ?? '',
    'redis.port': connection?.port ? String(connection.port) : '',
    'redis.db': database === undefined ? '' : String(database),
    'redis.username': connection?.username ?? '',
    'redis.password': connection?.password ?? '',
    'redis.prefix': connection ? `s${facts.shard}:` : '',
    'redis.socket': connection?.socket ?? '',
    'redis.sentinels': connection?.sentinel?.nodes ?? '',
    'redis.sentinel.master': connection?.sentinel?.master ?? '',
    'redis.tls.ca': connection?.tls?.ca ?? '',
    'redis.tls.cert': connection?.tls?.cert ?? '',
    'redis.tls.key': connection?.tls?.key ?? '',
    'redis.tls.servername': connection?.tls?.servername ?? '',
  }
}
