import type { ServerFacts } from '../core/events.ts'
import type { Finding } from '../core/findings.ts'
import type { OpenCluster } from '../core/ports.ts'
import type { RedisSettings } from '../core/settings.ts'
import { error } from './checks.ts'
import { AdminConnection } from './connection.ts'
import { examine } from './facts.ts'
import { choose, reach } from './resolve.ts'
import { leasable } from './server.ts'

export interface Diagnosis {
  /** Scheme, host and port, without credentials; null when there is no server to look at. */
  readonly address: string | null
  /** Why this server; null when none was found. */
  readonly reason: string | null
  /** null when the server cannot be used at all. */
  readonly facts: ServerFacts | null
  readonly findings: readonly Finding[]
}

/**
 * Examines the server that a run would use, from whatever source; one of ours is started for this and stopped again. Writes one key with a
 * random name into the control database, and deletes it.
 */
export async function consult(
  settings: RedisSettings,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  openCluster: OpenCluster | null = null,
): Promise<Diagnosis> {
  const choice = await choose(settings.source, env, settings.kubernetes)
  const reached = await reach(choice, settings, { env, signal, openCluster })
  if (!reached.ok) return { address: null, reason: null, facts: null, findings: [error('connection', reached.cause)] }
  const { address, origin, own } = reached
  const about = { address: address.label, reason: origin.reason }
  try {
    const opened = await AdminConnection.open(address, signal)
    if (!opened.ok) return { ...about, facts: null, findings: [error('connection', opened.cause)] }
    const { facts, findings } = await examine(opened.connection, origin, signal)
    opened.connection.close()
    const candidates = facts === null ? [] : leasable(facts, settings)
    if (Array.isArray(candidates)) return { ...about, facts, findings }
    // Its databases are there, and none that this config lets a shard have.
    const judged = findings.map((finding) => (finding.check === 'databases' ? error('databases', candidates) : finding))
    return { ...about, facts, findings: judged }
  } finally {
    await own?.stop()
  }
}
