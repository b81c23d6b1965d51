import { AppsV1Api, CoreV1Api, CustomObjectsApi, KubeConfig } from '@kubernetes/client-node'
import type { V1Node, V1Pod, V1Service } from '@kubernetes/client-node'
import type { Cause } from '../core/ending.ts'
import type { KubernetesSettings } from '../core/settings.ts'
import { apiCause, configProblem, failureOf, notFound } from './causes.ts'
import { limited } from './limit.ts'

/** No call of ours takes this long on a cluster that works. */
const CALL_LIMIT_MS = 10_000

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly cause: Cause }

/** An OpenShift Route, as far as we read it. */
export interface Route {
  readonly metadata?: { readonly name?: string }
  readonly spec?: {
    readonly host?: string
    readonly to?: { readonly kind?: string; readonly name?: string }
    readonly tls?: { readonly termination?: string }
  }
  readonly status?: { readonly ingress?: readonly { readonly host?: string }[] }
}

/** The API of one cluster and namespace: every call has a limit, and failures are causes. */
export class Api {
  readonly config: KubeConfig
  readonly namespace: string
  readonly server: string
  /** Ends every call. */
  readonly signal: AbortSignal
  readonly #core: CoreV1Api

  private constructor(config: KubeConfig, namespace: string, server: string, signal: AbortSignal) {
    this.config = config
    this.namespace = namespace
    this.server = server
    this.#core = config.makeApiClient(CoreV1Api)
    this.signal = signal
  }

  /** Reads the kubeconfig as kubectl does: KUBECONFIG, the home folder, or the service account of a pod. */
  static open(settings: KubernetesSettings, signal: AbortSignal): Answer<Api> {
    const config = new KubeConfig()
    try {
      config.loadFromDefault()
    } catch (error) {
      return { ok: false, cause: badConfig(`The kubeconfig cannot be read: ${configProblem(error as Error)}.`) }
    }
    if (settings.context !== null) {
      const names = config.getContexts().map(({ name }) => name)
      if (!names.includes(settings.context)) {
        const known = names.join(', ') || 'none'
        return { ok: false, cause: badConfig(`The kubeconfig has no context "${settings.context}"; it has ${known}.`) }
      }
      config.setCurrentContext(settings.context)
    }
    const server = config.getCurrentCluster()?.server
    if (server === undefined) return { ok: false, cause: badConfig('The kubeconfig names no cluster.') }
    const namespace = settings.namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default'
    return { ok: true, value: new Api(config, namespace, server, signal) }
  }

  /** The same cluster; calls end with this signal. */
  within(signal: AbortSignal): Api {
    return new Api(this.config, this.namespace, this.server, signal)
  }

  /** The pods of a label selector; none in a namespace that does not exist is told apart. */
  async pods(labelSelector: string): Promise<Answer<V1Pod[]>> {
    const { namespace } = this
    const doing = `list pods in the namespace ${namespace}`
    const listed = await this.#call(doing, rule('pods', 'list'), () =>
      this.#core.listNamespacedPod({ namespace, labelSelector }),
    )
    if (!listed.ok) return listed
    if (listed.value.items.length > 0) return { ok: true, value: listed.value.items }
    const exists = await this.#call(`get the namespace ${namespace}`, rule('namespaces', 'get'), () =>
      this.#core.readNamespace({ name: namespace }),
    )
    // Whoever may not look at namespaces gets the shorter answer.
    if (!exists.ok && exists.cause.code === 'kubernetes-not-found') {
      return { ok: false, cause: notFound(`There is no namespace ${namespace} at ${this.server}.`) }
    }
    return { ok: true, value: [] }
  }

  async service(name: string): Promise<Answer<V1Service>> {
    const { namespace } = this
    return this.#call(`get the Service ${namespace}/${name}`, rule('services', 'get'), () =>
      this.#core.readNamespacedService({ name, namespace }),
    )
  }

  /** The label selector of a StatefulSet. */
  async statefulSet(name: string): Promise<Answer<Readonly<Record<string, string>>>> {
    const { namespace } = this
    const read = await this.#call(`get the StatefulSet ${namespace}/${name}`, rule('statefulsets', 'get'), () =>
      this.config.makeApiClient(AppsV1Api).readNamespacedStatefulSet({ name, namespace }),
    )
    return read.ok ? { ok: true, value: read.value.spec?.selector.matchLabels ?? {} } : read
  }

  async nodes(): Promise<Answer<V1Node[]>> {
    const listed = await this.#call('list nodes', rule('nodes', 'list'), () => this.#core.listNode())
    return listed.ok ? { ok: true, value: listed.value.items } : listed
  }

  async routes(): Promise<Answer<readonly Route[]>> {
    const { namespace } = this
    const doing = `list Routes in the namespace ${namespace}`
    const at = { group: 'route.openshift.io', version: 'v1', namespace, plural: 'routes' }
    const listed = await this.#call(doing, rule('routes', 'list'), () =>
      this.config.makeApiClient(CustomObjectsApi).listNamespacedCustomObject(at),
    )
    return listed.ok ? { ok: true, value: (listed.value as { items: readonly Route[] }).items } : listed
  }

  async #call<T>(doing: string, role: string, call: () => Promise<T>): Promise<Answer<T>> {
    try {
      return { ok: true, value: await limited(call, CALL_LIMIT_MS, this.signal) }
    } catch (error) {
      return { ok: false, cause: apiCause(failureOf(error), this.server, doing, role) }
    }
  }
}

function rule(resource: string, verb: string): string {
  return `resources ["${resource}"], verbs ["${verb}"]`
}

function badConfig(message: string): Cause {
  return {
    code: 'kubernetes-config',
    message,
    remedy: 'Set KUBECONFIG, or correct redis.kubernetes.context; `kubectl config get-contexts` lists what there is.',
  }
}
