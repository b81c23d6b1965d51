/** Settings of the gateway. All durations in milliseconds. */
export interface GatewayConfig {
  /** With the database in its path, as tiershard hands it to a shard. */
  readonly redisUrl: string
  /** Every key of the gateway starts with it, so that several gateways can share a database. */
  readonly prefix: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** An equal alert within this time is a duplicate. */
  readonly dedupeMs: number
  readonly rateLimit: { readonly limit: number; readonly windowMs: number }
  readonly storm: { readonly threshold: number; readonly windowMs: number; readonly quietMs: number }
  /** Where notifications go. */
  readonly webhookUrl: string
  readonly delivery: { readonly attempts: number; readonly backoffMs: number; readonly timeoutMs: number }
  /** A critical alert that nobody acknowledged by then is escalated. */
  readonly escalateMs: number
  /** How long a shutdown waits for requests and jobs that are under way. */
  readonly graceMs: number
}

export type ReadConfig =
  | { readonly ok: true; readonly config: GatewayConfig }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Reads the settings from the environment; what is wrong is reported all at once, without any secret. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ReadConfig {
  const problems: string[] = []

  const number = (name: string, fallback: number, min: number, max = Number.MAX_SAFE_INTEGER): number => {
    const text = env[name]
    if (text === undefined || text === '') return fallback
    const value = Number(text)
    if (Number.isInteger(value) && value >= min && value <= max) return value
    problems.push(`${name} must be a whole number from ${min} to ${max}, not "${text}"`)
    return fallback
  }

  const url = (name: string, protocols: readonly string[]): string => {
    const text = env[name]
    if (text === undefined || text === '') {
      problems.push(`${name} is missing`)
      return ''
    }
    // The value is not repeated in the message: it may hold a password.
    if (!URL.canParse(text)) problems.push(`${name} is not a URL`)
    else if (!protocols.includes(new URL(text).protocol))
      problems.push(`${name} must start with ${protocols.join(' or ')}`)
    return text
  }

  const config: GatewayConfig = {
    redisUrl: url('REDIS_URL', ['redis:', 'rediss:']),
    prefix: env['GATEWAY_PREFIX'] ?? 'gateway',
    host: env['GATEWAY_HOST'] ?? '127.0.0.1',
    port: number('GATEWAY_PORT', 8080, 0, 65_535),
    dedupeMs: number('GATEWAY_DEDUPE_MS', 300_000, 1),
    rateLimit: {
      limit: number('GATEWAY_RATE_LIMIT', 100, 1),
      windowMs: number('GATEWAY_RATE_WINDOW_MS', 60_000, 1),
    },
    storm: {
      threshold: number('GATEWAY_STORM_THRESHOLD', 20, 2),
      windowMs: number('GATEWAY_STORM_WINDOW_MS', 10_000, 1),
      quietMs: number('GATEWAY_STORM_QUIET_MS', 60_000, 1),
    },
    webhookUrl: url('GATEWAY_WEBHOOK_URL', ['http:', 'https:']),
    delivery: {
      attempts: number('GATEWAY_DELIVERY_ATTEMPTS', 3, 1, 100),
      backoffMs: number('GATEWAY_DELIVERY_BACKOFF_MS', 1_000, 0),
      timeoutMs: number('GATEWAY_DELIVERY_TIMEOUT_MS', 5_000, 1),
    },
    escalateMs: number('GATEWAY_ESCALATE_MS', 900_000, 1),
    graceMs: number('GATEWAY_GRACE_MS', 10_000, 1),
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config }
}
