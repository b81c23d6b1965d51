import { afterEach, expect, vi } from 'vitest'
import type { Cause } from '../../../src/core/ending.ts'
import type { Lease, RedisServer } from '../../../src/core/ports.ts'
import type { KubernetesSettings, SourceRequest, TlsSettings } from '../../../src/core/settings.ts'
import { openCluster } from '../../../src/kubernetes/index.ts'
import { resolveRedis } from '../../../src/redis/index.ts'
import { leaseOf } from '../redis/servers.ts'

const { signal } = new AbortController()

/** What the tests of a file do with a cluster; whatever is in `cleanups` is undone after each test, the last one first. */
export function clusterRig() {
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    vi.unstubAllEnvs()
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  })

  async function resolve(
    kind: SourceRequest['kind'],
    kubernetes: KubernetesSettings,
    more: { readonly tls?: TlsSettings; readonly env?: NodeJS.ProcessEnv; readonly signal?: AbortSignal } = {},
  ): Promise<RedisServer | Cause> {
    const settings = {
      ...(more.tls === undefined ? {} : { tls: more.tls }),
      source: { kind } as SourceRequest,
      control: null,
      databases: null,
      waitMs: 0,
      patienceMs: 0,
      kubernetes,
    }
    const env = { PATH: '/nonexistent', ...more.env }
    const resolved = await resolveRedis(settings, env, more.signal ?? signal, async (it) => openCluster(it))
    if (!resolved.ok) return resolved.cause
    cleanups.push(() => resolved.server.close())
    return resolved.server
  }

  return { cleanups, resolve, held }
}

/** A lease of the server, opened. */
async function held(server: RedisServer | Cause): Promise<Lease> {
  const lease = await leaseOf(server)
  expect(await lease.open()).toEqual({ kind: 'ok' })
  return lease
}
