import type { V1Pod, V1Service } from '@kubernetes/client-node'
import type { Cause } from '../core/ending.ts'
import { unreachable } from '../core/ending.ts'
import type { RoleOf } from '../core/ports.ts'
import type { KubernetesSettings } from '../core/settings.ts'
import type { Answer, Api } from './api.ts'
import { apiCause, notFound, notReady, type Failure } from './causes.ts'
import { dialPod } from './stream.ts'

/** What a pod says of its Redis, or why it says nothing. */
type Asked =
  | { readonly kind: 'role'; readonly pod: string; readonly role: string }
  | { readonly kind: 'silent'; readonly pod: string; readonly why: string }
  /** Another pod would not help: we may not, or cannot, open tunnels at all. */
  | { readonly kind: 'fatal'; readonly cause: Cause }

/** The pods that hold the Redis of the settings, by their labels. */
export async function redisPods(api: Api, { target }: KubernetesSettings): Promise<Answer<V1Pod[]>> {
  return labelled(api, await selectorOf(api, target))
}

/** The pods that a Service selects. */
export async function podsOf(api: Api, service: V1Service): Promise<Answer<V1Pod[]>> {
  return labelled(api, serviceSelector(api, service))
}

async function labelled(api: Api, selector: Answer<string>): Promise<Answer<V1Pod[]>> {
  if (!selector.ok) return selector
  const pods = await api.pods(selector.value)
  if (!pods.ok || pods.value.length > 0) return pods
  return { ok: false, cause: notFound(`No pod in the namespace ${api.namespace} has the labels ${selector.value}.`) }
}

/** The one pod whose Redis says that it is the master. */
export async function masterPod(api: Api, settings: KubernetesSettings, roleOf: RoleOf): Promise<Answer<string>> {
  const pods = await redisPods(api, settings)
  if (!pods.ok) return pods
  const running = pods.value.filter((pod) => pod.status?.phase === 'Running' && !pod.metadata?.deletionTimestamp)
  if (running.length === 0) return { ok: false, cause: noneRuns(api, pods.value) }
  const asked = await Promise.all(running.map((pod) => ask(api, pod.metadata?.name ?? '', settings.port, roleOf)))
  const fatal = asked.find((it) => it.kind === 'fatal')
  if (fatal) return { ok: false, cause: fatal.cause }
  const masters = asked.flatMap((it) => (it.kind === 'role' && it.role === 'master' ? [it.pod] : []))
  const [master] = masters
  if (master !== undefined && masters.length === 1) return { ok: true, value: master }
  return { ok: false, cause: masters.length > 1 ? twoMasters(api, masters) : noMaster(api, asked) }
}

/** Asks the Redis of a pod for its role, through a tunnel of its own. */
export async function ask(api: Api, pod: string, port: number, roleOf: RoleOf): Promise<Asked> {
  const dialled = await dialPod(api.config, { namespace: api.namespace, pod, port }, api.signal)
  if (!dialled.ok) {
    const { status, message } = dialled.failure
    if (status === 401 || status === 403) {
      return { kind: 'fatal', cause: forwardCause(api, pod, dialled.failure) }
    }
    return { kind: 'silent', pod, why: message || `status ${status}` }
  }
  const { stream } = dialled
  try {
    const answer = await roleOf(stream)
    return answer.ok ? { kind: 'role', pod, role: answer.role } : { kind: 'silent', pod, why: answer.why }
  } finally {
    stream.destroy()
  }
}

/** Why a tunnel to a pod could not be opened. */
export function forwardCause(api: Api, pod: string, failure: Failure): Cause {
  const role = 'resources ["pods/portforward"], verbs ["get", "create"]'
  return apiCause(failure, api.server, `forward a port of the pod ${api.namespace}/${pod}`, role)
}

async function selectorOf(api: Api, target: KubernetesSettings['target']): Promise<Answer<string>> {
  switch (target.kind) {
    case 'selector':
      return { ok: true, value: target.name }
    case 'statefulset': {
      const labels = await api.statefulSet(target.name)
      return labels.ok ? { ok: true, value: joined(labels.value) } : labels
    }
    case 'service': {
      const service = await api.service(target.name)
      return service.ok ? serviceSelector(api, service.value) : service
    }
    default:
      return unreachable(target.kind)
  }
}

function serviceSelector(api: Api, service: V1Service): Answer<string> {
  const labels = service.spec?.selector ?? {}
  if (Object.keys(labels).length > 0) return { ok: true, value: joined(labels) }
  return { ok: false, cause: notFound(`The Service ${api.namespace}/${service.metadata?.name} selects no pods.`) }
}

function joined(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
}

function noneRuns(api: Api, pods: readonly V1Pod[]): Cause {
  const states = pods.map((pod) => {
    const waiting = pod.status?.containerStatuses?.find((container) => container.state?.waiting)?.state?.waiting?.reason
    const state = pod.metadata?.deletionTimestamp ? 'is being deleted' : (waiting ?? pod.status?.phase ?? 'unknown')
    return `${pod.metadata?.name} (${state})`
  })
  return notReady(
    `No Redis pod in the namespace ${api.namespace} is running: ${states.join(', ')}.`,
    'Wait until they are, or see `kubectl describe pod`.',
  )
}

function twoMasters(api: Api, masters: readonly string[]): Cause {
  return {
    code: 'redis-two-masters',
    message: `${masters.length} pods in the namespace ${api.namespace} say they are the master: ${masters.join(', ')}.`,
    remedy:
      'Select the pods of one Redis only. If they are, find out which one holds the data, and make the others follow it.',
  }
}

function noMaster(api: Api, asked: readonly Asked[]): Cause {
  const states = asked.flatMap((it) =>
    it.kind === 'role' ? [`${it.pod} is a ${it.role}`] : it.kind === 'silent' ? [`${it.pod}: ${it.why}`] : [],
  )
  return {
    code: 'redis-no-master',
    message: `No Redis pod in the namespace ${api.namespace} is a master: ${states.join('; ')}.`,
    remedy: 'Wait for the failover to end; check redis.kubernetes.port, and REDIS_PASSWORD if the server wants one.',
  }
}
