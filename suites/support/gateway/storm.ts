import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'

export interface StormRule {
  /** Alerts within `windowMs` that make a storm. */
  readonly threshold: number
  readonly windowMs: number
  /** A storm is over after this long without an alert. */
  readonly quietMs: number
}

export type StormState =
  | { readonly kind: 'calm'; readonly alerts: number }
  | { readonly kind: 'started'; readonly alerts: number; readonly storm: string }
  | { readonly kind: 'ongoing'; readonly grouped: number; readonly storm: string }

/** Sees one alert. `now` is for tests; without it the server's clock counts, which all gateways share. */
export type StormDetector = (service: string, alert: string, now?: number) => Promise<StormState>

const lua = readFileSync(new URL('storm.lua', import.meta.url), 'utf8')

interface StormCommand {
  observeStorm(...keysAndArguments: (string | number)[]): Promise<['calm' | 'started' | 'ongoing', number, string]>
}

export function createStormDetector(redis: Redis, prefix: string, rule: StormRule): StormDetector {
  // A defined command travels as EVALSHA and is sent in full only to a server that does not know it.
  redis.defineCommand('observeStorm', { lua, numberOfKeys: 2 })
  const scripted = redis as Redis & StormCommand
  return async (service, alert, now) => {
    const [state, alerts, storm] = await scripted.observeStorm(
      `${prefix}:window:${service}`,
      `${prefix}:storm:${service}`,
      now ?? '',
      rule.windowMs,
      rule.threshold,
      rule.quietMs,
      alert,
    )
    switch (state) {
      case 'calm':
        return { kind: state, alerts }
      case 'started':
        return { kind: state, alerts, storm }
      case 'ongoing':
        return { kind: state, grouped: alerts, storm }
      default:
        return state satisfies never
    }
  }
}
