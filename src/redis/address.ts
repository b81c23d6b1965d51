import path from 'node:path'
import type { Cause } from '../core/ending.ts'
import type { Connection } from '../core/ports.ts'
import type { Tls } from './tls.ts'

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
  /** Absolute path of a unix socket, which takes the place of host and port. */
  readonly socket?: string
  /** What TLS needs besides the host. */
  readonly secure?: Tls
  /** The Sentinels that named this server. */
  readonly sentinel?: { readonly nodes: string; readonly master: string }
  /** Where the server is now, for one that can move; null: nobody knows at the moment. */
  readonly follow?: () => Promise<Address | null>
  /** What is wrong with the way to the server, for one that is reached through something else; null: nothing. */
  readonly problem?: () => Cause | null
  /** What a connection that could not be made means here, for one that takes a way with rules of its own. */
  readonly explain?: (cause: Cause) => Cause
}

export type ParsedAddress =
  | { readonly ok: true; readonly address: Address }
  | { readonly ok: false; readonly problem: string }

/**
 * Reads `redis://`, `rediss://` (TLS) and `unix://` URLs and paths of sockets. A user or password that the URL lacks is taken from `REDIS_USERNAME` and
 * `REDIS_PASSWORD`. A problem is told without repeating the text, which may hold a password.
 */
export function parseAddress(text: string, env: NodeJS.ProcessEnv): ParsedAddress {
  if (text.trim() === '') return { ok: false, problem: 'is set, but empty' }
  if (path.isAbsolute(text.trim())) return parseSocket(URL.parse(`unix://${text.trim()}`), env)
  const url = URL.parse(text.trim())
  if (url === null) return { ok: false, problem: 'is not a URL' }
  if (url.protocol === 'unix:' || url.protocol === 'redis+unix:') return parseSocket(url, env)
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    return { ok: false, problem: `has the scheme ${url.protocol}//, which is not redis://, rediss:// or unix://` }
  }
  const index = url.pathname.replace(/^\//, '')
  if (!/^\d{0,5}$/.test(index)) return { ok: false, problem: 'has a path that is not a database number' }
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
      database: index === '' ? null : Number(index),
      search: url.search,
    },
  }
}

/** `unix:///run/redis.sock?db=2&username=me&password=secret`: the form that ioredis reads too, without its scheme. */
function parseSocket(url: URL | null, env: NodeJS.ProcessEnv): ParsedAddress {
  if (url === null) return { ok: false, problem: 'is not a URL' }
  const socket = decoded(url.pathname)
  if (url.host !== '' || socket === null || socket.length < 2) {
    return { ok: false, problem: 'does not name a socket as unix:///path/of/socket' }
  }
  const { db = '', username, password, ...rest } = Object.fromEntries(url.searchParams)
  if (!/^\d{0,5}$/.test(db)) return { ok: false, problem: 'has a db that is not a database number' }
  const others = new URLSearchParams(rest).toString()
  return {
    ok: true,
    address: {
      ...addressOf({ host: '', port: 0 }),
      label: `unix://${url.pathname}`,
      socket,
      username: username || env['REDIS_USERNAME'] || null,
      password: password || env['REDIS_PASSWORD'] || null,
      database: db === '' ? null : Number(db),
      search: others === '' ? '' : `?${others}`,
    },
  }
}

/** The address of a server without credentials: one of our own. */
export function addressOf(at: { readonly host: string; readonly port: number; readonly tls?: boolean }): Address {
  const tls = at.tls ?? false
  const label = `${tls ? 'rediss' : 'redis'}://${hostAndPort(at)}`
  return { tls, host: at.host, port: at.port, username: null, password: null, database: null, label, search: '' }
}

/** What test code gets: the same server and user, and one database of it. */
export function connectionTo(address: Address, database: number): Connection {
  const { host, port, username, password, socket } = address
  if (socket !== undefined) {
    const query = new URLSearchParams(address.search)
    query.set('db', String(database))
    if (username !== null) query.set('username', username)
    if (password !== null) query.set('password', password)
    return { url: `${socket}?${query.toString()}`, host, port, username, password, socket }
  }
  const user = encodeURIComponent(username ?? '')
  const secret = password === null ? '' : `:${encodeURIComponent(password)}`
  const credentials = user + secret === '' ? '' : `${user}${secret}@`
  const scheme = address.tls ? 'rediss' : 'redis'
  const url = `${scheme}://${credentials}${hostAndPort(address)}/${database}${address.search}`
  const tls = address.secure?.settings
  const sentinel = address.sentinel
  return {
    url,
    host,
    port,
    username,
    password,
    ...(tls === undefined ? {} : { tls }),
    ...(sentinel === undefined ? {} : { sentinel }),
  }
}

/** As URLs have it: an IPv6 address stands in brackets. */
export function hostAndPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function decode(url: URL): { username: string; password: string } | null {
  const username = decoded(url.username)
  const password = decoded(url.password)
  return username === null || password === null ? null : { username, password }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
