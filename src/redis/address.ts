import type { Connection } from '../core/ports.ts'

/** A Redis server as a URL names it. Holds secrets: only `label` may be printed. */
export interface Address {
  readonly tls: boolean
  readonly host: string
  readonly port: number
  readonly username: string | null
  readonly password: string | null
  /** The database in the URL; null: none was named. */
  readonly database: number | null
  /** Scheme, host and port, without user and password: safe in messages and reports. */
  readonly label: string
  /** Options after `?`, handed on to test code as they are. */
  readonly search: string
}

export type ParsedAddress =
  | { readonly ok: true; readonly address: Address }
  | { readonly ok: false; readonly problem: string }

/**
 * Reads `redis://` and `rediss://` (TLS) URLs. A user or password that the URL lacks is taken from `REDIS_USERNAME` and
 * `REDIS_PASSWORD`. A problem is told without repeating the text, which may hold a password.
 */
export function parseAddress(text: string, env: NodeJS.ProcessEnv): ParsedAddress {
  if (text.trim() === '') return { ok: false, problem: 'is set, but empty' }
  const url = URL.parse(text.trim())
  if (url === null) return { ok: false, problem: 'is not a URL' }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    return { ok: false, problem: `has the scheme ${url.protocol}//, which is not redis:// or rediss://` }
  }
  const path = url.pathname.replace(/^\//, '')
  if (!/^\d{0,5}$/.test(path)) return { ok: false, problem: 'has a path that is not a database number' }
  if (url.port === '0') return { ok: false, problem: 'names port 0' }
  const credentials = decode(url)
  if (credentials === null) return { ok: false, problem: 'has a user or password that is not percent-encoded' }
  const tls = url.protocol === 'rediss:'
  return {
    ok: true,
    address: {
      ...addressOf({
        host: url.hostname.replace(/^\[(.*)\]$/, '$1') || '127.0.0.1',
        port: Number(url.port || 6379),
        tls,
      }),
      username: credentials.username || env['REDIS_USERNAME'] || null,
      password: credentials.password || env['REDIS_PASSWORD'] || null,
      database: path === '' ? null : Number(path),
      search: url.search,
    },
  }
}

/** The address of a server without credentials: one of our own. */
export function addressOf(at: { readonly host: string; readonly port: number; readonly tls?: boolean }): Address {
  const tls = at.tls ?? false
  const label = `${tls ? 'rediss' : 'redis'}://${bracketed(at.host)}:${at.port}`
  return { tls, host: at.host, port: at.port, username: null, password: null, database: null, label, search: '' }
}

/** What test code gets: the same server and user, and one database of it. */
export function connectionTo(address: Address, database: number): Connection {
  const { host, port, username, password } = address
  const user = encodeURIComponent(username ?? '')
  const secret = password === null ? '' : `:${encodeURIComponent(password)}`
  const credentials = user + secret === '' ? '' : `${user}${secret}@`
  const scheme = address.tls ? 'rediss' : 'redis'
  const url = `${scheme}://${credentials}${bracketed(host)}:${port}/${database}${address.search}`
  return { url, host, port, username, password }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function decode(url: URL): { username: string; password: string } | null {
  try {
    return { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
  } catch {
    return null
  }
}
