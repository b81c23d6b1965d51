/** What a server says of its place in the replication. */
export type Role =
  | { readonly kind: 'master'; readonly replicas: number }
  /** `master` is host and port of the server that it follows. */
  | { readonly kind: 'replica'; readonly master: string }
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
