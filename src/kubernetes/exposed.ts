import { setTimeout as sleep } from 'node:timers/promises'
import type { V1Pod, V1Service } from '@kubernetes/client-node'
import type { Cause } from '../core/ending.ts'
import type { ClusterSource, KubernetesSettings } from '../core/settings.ts'
import type { Answer, Api, Route } from './api.ts'
import { notFound, notReady } from './causes.ts'
import { podsOf } from './pods.ts'

const POLL_MS = 500

/** Where a Service can be reached from outside of the cluster, and in words how. */
export interface Place {
  readonly host: string
  readonly port: number
  readonly how: string
}

/** What leads to the Service, in the order in which `auto` prefers it; without any, a port-forward does. */
export async function discoverSource(
  api: Api,
  settings: KubernetesSettings,
): Promise<Answer<{ readonly source: ClusterSource; readonly why: string }>> {
  const forward = (why: string) => ({ ok: true as const, value: { source: 'port-forward' as const, why } })
  if (settings.target.kind !== 'service') return forward(`redis.kubernetes names a ${settings.target.kind}`)
  const name = `${api.namespace}/${settings.target.name}`
  const service = await api.service(settings.target.name)
  if (!service.ok) return service
  const pods = await podsOf(api, service.value)
  if (!pods.ok) return pods
  if (ready(pods.value).length > 1) return forward(`the Service ${name} spreads over ${ready(pods.value).length} pods`)
  const routes = await api.routes()
  const route = routes.ok ? routes.value.find((it) => leadsTo(it, settings) && passes(it)) : undefined
  if (route) return { ok: true, value: { source: 'route', why: `there is the Route ${route.metadata?.name}` } }
  const { type } = service.value.spec ?? {}
  if (type === 'LoadBalancer') return { ok: true, value: { source: 'loadbalancer', why: `the Service ${name} is one` } }
  if (type === 'NodePort') return { ok: true, value: { source: 'nodeport', why: `the Service ${name} has one` } }
  return forward(`the Service ${name} cannot be reached from outside`)
}

/** The address of a Ready node and the port of the Service there. */
export async function nodePort(api: Api, settings: KubernetesSettings): Promise<Answer<Place>> {
  const found = await singleService(api, settings)
  if (!found.ok) return found
  const port = servicePort(found.value, settings)?.nodePort
  const name = `${api.namespace}/${found.value.metadata?.name}`
  if (!port) {
    const message = `The Service ${name} is of type ${found.value.spec?.type}, and has no node port for port ${settings.port}.`
    return { ok: false, cause: notReady(message, 'Make it type NodePort, or use another source.') }
  }
  const nodes = await api.nodes()
  if (!nodes.ok) return nodes
  const isReady = nodes.value.filter((node) =>
    node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
  )
  for (const type of ['ExternalIP', 'InternalIP']) {
    for (const node of isReady) {
      const host = node.status?.addresses?.find((address) => address.type === type)?.address
      if (host) return { ok: true, value: { host, port, how: `node ${node.metadata?.name}` } }
    }
  }
  const message = `None of the ${nodes.value.length} nodes is Ready and has an address.`
  return { ok: false, cause: notReady(message, 'See `kubectl get nodes`.') }
}

/** The external address of the Service, once the cloud has provided it. */
export async function loadBalancer(
  api: Api,
  settings: KubernetesSettings,
  signal: AbortSignal,
): Promise<Answer<Place>> {
  const giveUp = performance.now() + settings.waitMs
  for (;;) {
    const found = await singleService(api, settings)
    if (!found.ok) return found
    const name = `${api.namespace}/${found.value.metadata?.name}`
    if (found.value.spec?.type !== 'LoadBalancer') {
      const message = `The Service ${name} is of type ${found.value.spec?.type}, not LoadBalancer.`
      return { ok: false, cause: notReady(message, 'Change its type, or use another source.') }
    }
    const port = servicePort(found.value, settings)?.port
    const [ingress] = found.value.status?.loadBalancer?.ingress ?? []
    const host = ingress?.ip ?? ingress?.hostname
    if (host && port) return { ok: true, value: { host, port, how: `Service ${name}` } }
    if (performance.now() >= giveUp || signal.aborted) {
      const message = `The Service ${name} got no external address within ${settings.waitMs / 1000} s.`
      const remedy =
        'Check that the cluster has a load balancer (`kubectl describe service`), or raise redis.kubernetes.wait.'
      return { ok: false, cause: notReady(message, remedy) }
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => {})
  }
}

/** The host of a passthrough Route to the Service; TLS with its name on 443. */
export async function routeHost(api: Api, settings: KubernetesSettings): Promise<Answer<Place>> {
  const routes = await api.routes()
  if (!routes.ok) return routes
  const leading = routes.value.filter((route) => leadsTo(route, settings))
  const route = leading.find(passes) ?? leading[0]
  if (!route) {
    const wanted = settings.route ?? settings.target.name
    return { ok: false, cause: notFound(`There is no Route in the namespace ${api.namespace} for ${wanted}.`) }
  }
  const name = `${api.namespace}/${route.metadata?.name}`
  if (!passes(route)) return { ok: false, cause: notPassthrough(name, route.spec?.tls?.termination) }
  const host = route.status?.ingress?.[0]?.host ?? route.spec?.host
  if (host) return { ok: true, value: { host, port: 443, how: `Route ${name}` } }
  return { ok: false, cause: notReady(`The Route ${name} has no host.`, 'See `oc describe route`: no router took it.') }
}

function leadsTo(route: Route, settings: KubernetesSettings): boolean {
  if (settings.route !== null) return route.metadata?.name === settings.route
  return settings.target.kind === 'service' && route.spec?.to?.name === settings.target.name
}

function passes(route: Route): boolean {
  return route.spec?.tls?.termination === 'passthrough'
}

function notPassthrough(name: string, termination: string | undefined): Cause {
  return {
    code: 'route-without-tls',
    message: `The Route ${name} ${termination ? `terminates TLS at the router (${termination})` : 'has no TLS'}: a router passes Redis on only as TLS that it does not open.`,
    remedy:
      'Give Redis a tls-port and the Route `tls: { termination: passthrough }`. A plain Redis cannot pass a router: use port-forward.',
  }
}

function servicePort(service: V1Service, { port }: KubernetesSettings) {
  const ports = service.spec?.ports ?? []
  return ports.find((it) => it.port === port || it.targetPort === port) ?? (ports.length === 1 ? ports[0] : undefined)
}

/** The Service, if its connections all end at one pod: it knows no masters, and would pick a replica as well. */
async function singleService(api: Api, settings: KubernetesSettings): Promise<Answer<V1Service>> {
  if (settings.target.kind !== 'service') {
    return {
      ok: false,
      cause: notFound('This source needs redis.kubernetes.service: a StatefulSet or selector has no address.'),
    }
  }
  const service = await api.service(settings.target.name)
  if (!service.ok) return service
  const pods = await podsOf(api, service.value)
  if (!pods.ok) return pods
  const count = ready(pods.value).length
  if (count <= 1) return service
  return {
    ok: false,
    cause: {
      code: 'redis-read-only',
      message: `The Service ${api.namespace}/${settings.target.name} spreads over ${count} pods, so a connection may end at a read-only replica.`,
      remedy: 'Use a Service that selects the master only, or port-forward, which finds the master.',
    },
  }
}

function ready(pods: readonly V1Pod[]): readonly V1Pod[] {
  return pods.filter((pod) => pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))
}
