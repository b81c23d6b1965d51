import type { Info } from './checks.ts'

/** What a server says of its place in the replication. */
export type Role =
  | { readonly kind: 'master'; readonly replicas: number }
  /** `master` is host and port of the server that it follows; null: it does not say. */
  | { readonly kind: 'replica'; readonly master: string | null }
  | { readonly kind: 'sentinel' }

/** Reads the reply of ROLE; null when it is none. */
export function roleOf(reply: unknown): Role | null {
  if (!Array.isArray(reply)) return null
  const [role, first, second] = reply as unknown[]
  switch (role) {
    case 'master':
      return { kind: 'master', replicas: Array.isArray(second) ? second.length : 0 }
    case 'slave':
    case 'replica':
      return { kind: 'replica', master: `${String(first)}:${String(second)}` }
    case 'sentinel':
      return { kind: 'sentinel' }
    default:
      return null
  }
}

/** What INFO says of it; null when it says nothing. */
export function roleInInfo(info: Info | null): Role | null {
  if (info?.get('redis_mode') === 'sentinel') return { kind: 'sentinel' }
  const role = info?.get('role')
  if (role === 'master') return { kind: 'master', replicas: Number(info?.get('connected_slaves')) || 0 }
  if (role !== 'slave') return null
  const [host, port] = [info?.get('master_host'), info?.get('master_port')]
  return { kind: 'replica', master: host === undefined ? null : `${host}:${port}` }
}
