/**
 * A Redis in a Kubernetes cluster: where it is, which pod is the master, and a way there. The only room that knows
 * @kubernetes/client-node; importing it costs about half a second, so `cli` does so only when a cluster is asked for.
 */
import { unreachable } from '../core/ending.ts'
import type { Cluster, Reached, RoleOf } from '../core/ports.ts'
import type { ClusterSource, KubernetesSettings } from '../core/settings.ts'
import { Api, type Answer } from './api.ts'
import { discoverSource, loadBalancer, nodePort, routeHost, type Place } from './exposed.ts'
import { Forward } from './forward.ts'

/** The cluster of the settings; nothing is dialled before it is asked for something. */
export function openCluster(settings: KubernetesSettings): Cluster {
  return {
    async discover(signal) {
      const api = Api.open(settings, signal)
      if (!api.ok) return api
      const found = await discoverSource(api.value, settings)
      return found.ok ? { ok: true, ...found.value } : found
    },
    async reach(source, roleOf, signal) {
      // What a tunnel needs later must not end with the signal; see Forward.open.
      const api = Api.open(settings, source === 'port-forward' ? new AbortController().signal : signal)
      return api.ok ? reach(api.value, settings, source, roleOf, signal) : api
    },
  }
}

async function reach(
  api: Api,
  settings: KubernetesSettings,
  source: ClusterSource,
  roleOf: RoleOf,
  signal: AbortSignal,
): Promise<Reached> {
  switch (source) {
    case 'route':
      return placed(await routeHost(api, settings))
    case 'loadbalancer':
      return placed(await loadBalancer(api, settings, signal))
    case 'nodeport':
      return placed(await nodePort(api, settings))
    case 'port-forward': {
      const opened = await Forward.open(api, settings, roleOf, signal)
      if (!opened.ok) return opened
      const forward = opened.value
      return {
        ok: true,
        host: '127.0.0.1',
        port: forward.port,
        how: `master pod ${api.namespace}/${forward.pod}`,
        problem: () => forward.problem,
        onGone: (callback) => forward.onGone(callback),
        close: () => forward.close(),
      }
    }
    default:
      return unreachable(source)
  }
}

function placed(found: Answer<Place>): Reached {
  if (!found.ok) return found
  return { ok: true, ...found.value, problem: () => null, onGone: () => {}, close: () => Promise.resolve() }
}
