import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Tests give the code under test other kubeconfigs; kubectl keeps the one of the cluster. */
const env = { ...process.env }

/** kubectl with the KUBECONFIG of the environment; its output. */
export async function kubectl(...args: string[]): Promise<string> {
  return (await run('kubectl', args, { env, timeout: 120_000, maxBuffer: 16 * 1024 * 1024 })).stdout
}

/** Creates objects, whatever they are. */
export async function apply(objects: readonly object[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
  const running = run('kubectl', ['apply', '-f', '-'], { env, timeout: 60_000 })
  running.child.stdin?.end(list)
  await running
}

/** A namespace of its own for a test file; `remove` does not wait until it is gone. */
export async function newNamespace(): Promise<{ name: string; remove(): Promise<void> }> {
  const name = `tiershard-${Date.now().toString(36)}-${process.pid}`
  await kubectl('create', 'namespace', name)
  return { name, remove: async () => void (await kubectl('delete', 'namespace', name, '--wait=false')) }
}

/** A pod with a Redis in it, and the labels `app=redis` and its own name. */
export function redisPod(namespace: string, name: string, args: readonly string[] = []): object {
  const metadata = { name, namespace, labels: { app: 'redis', pod: name } }
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: podSpec(args) }
}

/** One Redis in a StatefulSet, with a label of its own: its pod is `<name>-0`. */
export function redisStatefulSet(namespace: string, name: string): object {
  const labels = { set: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      serviceName: name,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec([]) },
    },
  }
}

function podSpec(args: readonly string[]): object {
  return {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'redis',
        image: 'localhost/tiershard/redis:test',
        args: ['redis-server', '--save', '', ...args],
        ports: [{ containerPort: 6379 }],
        readinessProbe: { tcpSocket: { port: 6379 }, periodSeconds: 1 },
      },
    ],
  }
}

export function service(namespace: string, name: string, type: string, selector: Record<string, string>): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { type, selector, ports: [{ port: 6379, targetPort: 6379 }] },
  }
}

export async function ready(namespace: string, ...pods: string[]): Promise<void> {
  await kubectl('wait', '-n', namespace, '--for=condition=Ready', '--timeout=90s', ...pods.map((pod) => `pod/${pod}`))
}
