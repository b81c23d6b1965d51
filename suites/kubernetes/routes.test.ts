import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { KubernetesSettings } from '../../src/core/settings.ts'
import { apply, kubectl, newNamespace, ready, redisPod, service } from '../support/kubernetes/objects.ts'
import { clusterRig } from '../support/kubernetes/rig.ts'
import { startRouter } from '../support/redis/router.ts'
import { certificate, startTls } from '../support/redis/secure.ts'

const { cleanups, resolve, held } = clusterRig()
let namespace: Awaited<ReturnType<typeof newNamespace>>

beforeAll(async () => {
  namespace = await newNamespace()
  await apply([
    ROUTES,
    redisPod(namespace.name, 'redis-a'),
    service(namespace.name, 'single', 'ClusterIP', { pod: 'redis-a' }),
    service(namespace.name, 'noded', 'NodePort', { pod: 'redis-a' }),
  ])
  await kubectl('wait', '--for=condition=Established', '--timeout=60s', 'crd/routes.route.openshift.io')
  await ready(namespace.name, 'redis-a')
})
afterAll(() => namespace?.remove())

/** What OpenShift brings: lets Routes be stored. */
const ROUTES = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'routes.route.openshift.io' },
  spec: {
    group: 'route.openshift.io',
    names: { kind: 'Route', listKind: 'RouteList', plural: 'routes', singular: 'route' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
}

function at(more: Partial<KubernetesSettings> = {}): KubernetesSettings {
  const target = { kind: 'service', name: 'redis' } as const
  return { context: null, namespace: namespace.name, target, port: 6379, route: null, waitMs: 2_000, ...more }
}

const named = (name: string) => ({ target: { kind: 'service' as const, name } })

test('route: found by its Service, passthrough only, and never another source', async () => {
  expect(await resolve('route', at(named('single')))).toMatchObject({
    code: 'kubernetes-not-found',
    message: expect.stringContaining('no Route'),
  })
  const edge = { ...at(named('single')), route: 'edge' }
  await vi.waitFor(() => apply([route('edge', 'single', 'edge')]), 20_000)
  expect(await resolve('route', edge)).toMatchObject({
    code: 'route-without-tls',
    message: expect.stringContaining('terminates TLS at the router (edge)'),
  })
  await apply([route('passed', 'noded', 'passthrough')])
  const there = { code: 'redis-unreachable', message: expect.stringContaining('rediss://passed.invalid:443') }
  expect(await resolve('route', at(named('noded')))).toMatchObject(there)
  expect(await resolve('auto', at(named('noded')))).toMatchObject(there)
  await kubectl('delete', 'route.route.openshift.io', '-n', namespace.name, '--all')
})

// As root, as the cluster needs it: a port below 1024.
test('route: through a router on port 443, with TLS and its name', async () => {
  const redis = await startTls('server')
  cleanups.push(redis.stop)
  const router = await startRouter({ localhost: redis.port }, 443)
  cleanups.push(() => router.stop())
  await vi.waitFor(() => apply([route('secure', 'noded', 'passthrough', 'localhost')]), 20_000)
  const tls = { ca: certificate('ca.pem'), cert: certificate('client.pem'), key: certificate('client.key') }
  for (const kind of ['route', 'auto'] as const) {
    const server = await resolve(kind, at(named('noded')), { tls })
    expect(server).toMatchObject({
      facts: {
        source: 'route',
        address: 'rediss://localhost:443',
        reason: expect.stringContaining(`Route ${namespace.name}/secure`),
      },
    })
    const lease = await held(server)
    expect(lease.connection).toMatchObject({ host: 'localhost', port: 443, tls })
    expect(await lease.clean()).toMatchObject({ kind: 'ok' })
  }
  await kubectl('delete', 'route.route.openshift.io', '-n', namespace.name, '--all')
  // Without the cluster: the environment names the host.
  const env = { REDIS_ROUTE_HOST: 'localhost' }
  const server = await resolve('auto', at(named('noded')), { tls, env })
  expect(server).toMatchObject({
    facts: { source: 'route', address: 'rediss://localhost:443', reason: 'REDIS_ROUTE_HOST is set' },
  })
  await held(server)
})

function route(name: string, to: string, termination: string, host = `${name}.invalid`): object {
  const metadata = { name, namespace: namespace.name }
  const spec = { host, to: { kind: 'Service', name: to }, tls: { termination } }
  return { apiVersion: 'route.openshift.io/v1', kind: 'Route', metadata, spec }
}
