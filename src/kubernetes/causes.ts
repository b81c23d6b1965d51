import type { Cause } from '../core/ending.ts'

/** An error of the API: a status with a body, or a connection that failed. */
export interface Failure {
  /** HTTP status; null: no answer. */
  readonly status: number | null
  /** What the server said, or why there is no answer. */
  readonly message: string
}

/** Reads what client-node throws. */
export function failureOf(error: unknown): Failure {
  const { code, body, message, cause } = error as {
    code?: unknown
    body?: unknown
    message?: string
    cause?: { message?: string }
  }
  if (typeof code === 'number') return { status: code, message: statusMessage(body) }
  // Node quotes what it could not parse: that may be the credentials that a plugin printed.
  if (error instanceof SyntaxError)
    return { status: null, message: 'what it, or the credential plugin, said is no JSON' }
  return { status: null, message: cause?.message || message || String(error) }
}

/**
 * Why a kubeconfig cannot be used, without a word of what is in it: js-yaml shows the lines around the error, and names
 * the alias or tag that it stumbled over, which may be part of a token.
 */
export function configProblem(error: Error): string {
  if (error.name !== 'YAMLException') return failureOf(error).message
  const { reason, mark } = error as { reason?: string; mark?: { line: number; column: number } }
  // What it quotes comes after a quotation mark, a bracket or a colon; those between apostrophes are its own.
  const words = reason?.split(/["<]|!<|: /)[0]?.trim() || 'it is no YAML'
  return mark === undefined ? words : `${words} (line ${mark.line + 1}, column ${mark.column + 1})`
}

/** The `message` of a Status object, whether it comes parsed or as text. */
export function statusMessage(body: unknown): string {
  try {
    const status = (typeof body === 'string' ? JSON.parse(body) : body) as { message?: unknown }
    return typeof status.message === 'string' ? status.message : ''
  } catch {
    return String(body).slice(0, 200)
  }
}

/**
 * What a failed call means.
 *
 * @param doing what was asked for, with the verb and resource that RBAC needs for it: "list pods in the namespace x"
 */
export function apiCause(failure: Failure, server: string, doing: string, role: string): Cause {
  const said = failure.message === '' ? '' : ` (${failure.message})`
  switch (failure.status) {
    case null:
      return {
        code: 'kubernetes-unreachable',
        message: `The Kubernetes API at ${server} does not answer: ${failure.message}.`,
        remedy:
          'Check the context (kubectl config current-context), the network and the VPN: kubectl get pods must work.',
      }
    case 401:
      return {
        code: 'kubernetes-denied',
        message: `The Kubernetes API at ${server} does not accept the credentials of the kubeconfig (401).`,
        remedy: 'Log in again, or choose another context with redis.kubernetes.context.',
      }
    case 403:
      return {
        code: 'kubernetes-denied',
        message: `The Kubernetes API at ${server} does not let us ${doing}${said}.`,
        remedy: `Grant the verb in a Role: ${missingRule(failure.message) ?? role}.`,
      }
    case 404:
      return notFound(`Could not ${doing}: there is none${said}.`)
    default:
      return {
        code: 'kubernetes-error',
        message: `The Kubernetes API at ${server} failed to ${doing}: status ${failure.status}${said}.`,
        remedy: 'See the message of the API server.',
      }
  }
}

/** The rule that a refusal asks for: `cannot list resource "pods" in API group ""` names verb and resource. */
function missingRule(message: string): string | null {
  const [, verb, resource, group] = /cannot (\S+) resource "([^"]+)" in API group "([^"]*)"/.exec(message) ?? []
  if (verb === undefined || resource === undefined) return null
  return `apiGroups ["${group ?? ''}"], resources ["${resource}"], verbs ["${verb}"]`
}

export function notFound(message: string): Cause {
  return {
    code: 'kubernetes-not-found',
    message,
    remedy: 'Correct the names in redis.kubernetes: context, namespace, and service, statefulset or selector.',
  }
}

export function notReady(message: string, remedy: string): Cause {
  return { code: 'kubernetes-not-ready', message, remedy }
}
