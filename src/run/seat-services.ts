import type { Left, Services, Visited } from '../core/service-ports.ts'
import type { SuiteSettings } from '../core/settings.ts'
import { placeholders, seatEnvironment, type SeatFacts } from './environment.ts'

/** Starts the services of a file that gets a seat; there are none for a suite that names none. */
export async function openServices(
  services: Services | null | undefined,
  facts: SeatFacts,
  signal: AbortSignal,
): Promise<Visited> {
  const { suite, shard } = facts
  if (!services || !usesServices(suite)) return { ok: true, access: { values: {}, env: {} } }
  // What the suite gives other names to is the business of its files.
  const env = seatEnvironment({ ...facts, suite: { ...suite, env: {} } })
  return services.open({ shard, services: suite.services ?? [], env, values: placeholders(facts) }, signal)
}

/** Ends those of a file whose process is gone, so that its databases can be cleaned. */
export async function closeServices(
  services: Services | null | undefined,
  suite: SuiteSettings,
  shard: number,
): Promise<Left> {
  return services && usesServices(suite) ? services.close(shard) : { usesRedis: false, died: null }
}

function usesServices({ services = [] }: SuiteSettings): boolean {
  return services.length > 0
}
