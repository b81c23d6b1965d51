import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Cause } from '../core/ending.ts'
import { addressOf, hostAndPort, type Address } from './address.ts'
import { roleOf, type Role } from './role.ts'
import { nobodyKnows, noMaster, noQuorumCause, resolveDoubt, twoMasters, type Doubt } from './sentinel-causes.ts'
import { tlsOptions, type Tls } from './tls.ts'

/** From the dial of a Sentinel or a server to its answer. */
const ASK_LIMIT_MS = 2_000
/** How long a run that starts waits for Sentinels to agree: a failover takes a few seconds. */
const AGREE_LIMIT_MS = 10_000
const PAUSE_MS = 200

interface Node {
  readonly host: string
  readonly port: number
}

/** A group of Sentinels and the master that they watch. Holds secrets: only `label` may be printed. */
export interface SentinelTarget {
  readonly nodes: readonly Node[]
  readonly master: string
  readonly database: number | null
  /** Of the server, not of the Sentinels. */
  readonly username: string | null
  readonly password: string | null
  readonly sentinelPassword: string | null
  /** Whether the Sentinels speak TLS. */
  readonly tls: boolean
  readonly label: string
}

export type ParsedSentinel =
  | { readonly ok: true; readonly target: SentinelTarget }
  | { readonly ok: false; readonly problem: string }

export type Master = { readonly ok: true; readonly address: Address } | { readonly ok: false; readonly cause: Cause }

/** Whether the text begins as the URL of Sentinels. */
export function isSentinelUrl(text: string): boolean {
  return /^rediss?\+sentinel:/.test(text.trim())
}

/** Reads `redis+sentinel://user:password@host:26379,host2:26379/master-name/database`, with `rediss` for TLS. */
export function parseSentinel(text: string, env: NodeJS.ProcessEnv): ParsedSentinel {
  const [, scheme, credentials = '', hosts, path] =
    /^(rediss?\+sentinel):\/\/(?:(.*)@)?([^/@]+)\/(.+)$/.exec(text.trim()) ?? []
  if (hosts === undefined || path === undefined) return { ok: false, problem: 'does not name hosts and a master' }
  const [master = '', index = '', ...more] = path.split('/')
  if (!/^[\w.-]+$/.test(master)) return { ok: false, problem: "has no master's name after the hosts" }
  if (!/^\d{0,5}$/.test(index) || more.length > 0) {
    return { ok: false, problem: 'has something that is not a database number after the name of the master' }
  }
  const nodes = hosts.split(',').map((host) => URL.parse(`redis://${credentials && 'u@'}${host.trim()}`))
  const server = URL.parse(`redis://${credentials && `${credentials}@`}host`)
  if (server === null || nodes.some((url) => !url?.hostname)) return { ok: false, problem: 'has a host that is none' }
  let secrets: { username: string; password: string }
  try {
    secrets = { username: decodeURIComponent(server.username), password: decodeURIComponent(server.password) }
  } catch {
    return { ok: false, problem: 'has a user or password that is not percent-encoded' }
  }
  const places = nodes.map((url) => ({
    host: url!.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url!.port || 26_379),
  }))
  return {
    ok: true,
    target: {
      nodes: places,
      master,
      database: index === '' ? null : Number(index),
      username: secrets.username || env['REDIS_USERNAME'] || null,
      password: secrets.password || env['REDIS_PASSWORD'] || null,
      sentinelPassword: env['REDIS_SENTINEL_PASSWORD'] || null,
      tls: scheme === 'rediss+sentinel',
      label: `${scheme}://${places.map(hostAndPort).join(',')}/${master}`,
    },
  }
}

/**
 * The master that the Sentinels name, proved by its ROLE. What a failover in progress shows (no master, two masters)
 * is waited out for 10 s.
 *
 * @param secure the TLS of the servers, and of the Sentinels if their URL says so; null: nobody speaks TLS
 */
export async function findMaster(target: SentinelTarget, secure: Tls | null, signal: AbortSignal): Promise<Master> {
  const giveUp = performance.now() + AGREE_LIMIT_MS
  for (let doubted = false; ;) {
    const found = await lookup(target, secure, true)
    if (found.ok) return found
    // Once is enough: it takes seconds, and what speaks TLS goes on doing so.
    const certain = found.doubt === null || doubted ? null : await resolveDoubt(found.doubt)
    doubted = true
    if (certain) return { ok: false, cause: certain }
    const passing = found.cause.code === 'redis-two-masters' || found.cause.code === 'redis-no-master'
    if (!passing || performance.now() > giveUp || signal.aborted) return found
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
  }
}

type Looked =
  | Extract<Master, { ok: true }>
  | { readonly ok: false; readonly cause: Cause; readonly doubt: Doubt | null }

/** What one Sentinel says. */
export type Said =
  | { readonly kind: 'silent'; readonly at: Address; readonly error: Error }
  | { readonly kind: 'stranger' }
  | { readonly kind: 'unknown'; readonly names: readonly string[] }
  | { readonly kind: 'master'; readonly host: string; readonly port: number; readonly quorum: string | null }

async function lookup(target: SentinelTarget, secure: Tls | null, wantsQuorum: boolean): Promise<Looked> {
  const said = await Promise.all(target.nodes.map((node) => ask(sentinelAt(node, target, secure), target)))
  const named = said.filter((it) => it.kind === 'master')
  const silent = said.filter((it) => it.kind === 'silent')
  if (named.length === 0) {
    const [first] = silent
    const doubt = first && silent.length === said.length ? { ...first, of: 'sentinel' as const } : null
    return { ok: false, cause: nobodyKnows(target, said), doubt }
  }
  const refused = named.map((it) => it.quorum).find((problem) => problem !== null)
  // A Sentinel takes a while to see that another one is gone; what is missing now counts as missing.
  const few = silent.length * 2 >= said.length ? `${named.length} of ${said.length} Sentinels answer` : null
  const problem = refused ?? few
  if (wantsQuorum && problem !== null) return { ok: false, cause: noQuorumCause(target, problem), doubt: null }
  const places = new Map(named.map((it) => [hostAndPort(it), serverAt(it, target, secure)]))
  const roles = await Promise.all([...places.values()].map(askRole))
  const masters = roles.filter(({ role }) => role?.kind === 'master')
  if (masters.length > 1) {
    const labels = masters.map(({ at }) => hostAndPort(at))
    return { ok: false, cause: twoMasters(target, labels), doubt: null }
  }
  const [master] = masters
  if (master) return { ok: true, address: master.at }
  const [failed] = roles.flatMap(({ at, error }) => (error === null ? [] : [{ at, error, of: 'server' as const }]))
  return { ok: false, cause: noMaster(target, [...places.keys()]), doubt: failed ?? null }
}

function sentinelAt(at: Node, target: SentinelTarget, secure: Tls | null): Address {
  const tls = target.tls && secure !== null ? { tls: true, secure } : {}
  const label = `${target.tls ? 'rediss' : 'redis'}+sentinel://${hostAndPort(at)}`
  return { ...addressOf(at), ...tls, password: target.sentinelPassword, label }
}

function serverAt({ host, port }: Node, target: SentinelTarget, secure: Tls | null): Address {
  return {
    ...addressOf({ host, port, tls: secure !== null }),
    ...(secure === null ? {} : { secure }),
    username: target.username,
    password: target.password,
    database: target.database,
    sentinel: { nodes: target.nodes.map(hostAndPort).join(','), master: target.master },
    // While a run goes on, a master without a quorum is still a master.
    follow: async () => {
      const found = await lookup(target, secure, false)
      return found.ok ? found.address : null
    },
  }
}

async function ask(at: Address, target: SentinelTarget): Promise<Said> {
  return withClient<Said>(at, async (client) => {
    const call = (...args: string[]) => client.call('SENTINEL', ...args)
    const reply = await call('get-master-addr-by-name', target.master)
    if (!Array.isArray(reply)) {
      const masters = (await call('masters')) as string[][]
      return { kind: 'unknown', names: masters.map((fields) => fields[fields.indexOf('name') + 1] ?? '') }
    }
    const quorum = await call('ckquorum', target.master).then(
      () => null,
      (error: Error) => error.message.split('\n')[0]!,
    )
    const [host, port] = reply as [string, string]
    return { kind: 'master', host, port: Number(port), quorum }
  }).catch((error: Error) =>
    /unknown command/i.test(error.message) ? { kind: 'stranger' } : { kind: 'silent', at, error },
  )
}

interface Asked {
  readonly at: Address
  readonly role: Role | null
  /** Why there is no answer. */
  readonly error: Error | null
}

async function askRole(at: Address): Promise<Asked> {
  return withClient<Asked>(at, async (client) => ({ at, role: roleOf(await client.role()), error: null })).catch(
    (error: Error) => ({ at, role: null, error }),
  )
}

async function withClient<T>(
  { host, port, username, password, tls, secure }: Address,
  use: (client: Redis) => Promise<T>,
): Promise<T> {
  const client = new Redis({
    host,
    port,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(tls ? { tls: tlsOptions(host, secure) } : {}),
    lazyConnect: true,
    enableReadyCheck: false,
    disableClientInfo: true,
    maxRetriesPerRequest: 0,
    connectTimeout: ASK_LIMIT_MS,
    commandTimeout: ASK_LIMIT_MS,
    retryStrategy: () => null,
  })
  let first: Error | null = null
  client.on('error', (error: Error) => (first ??= error))
  // A stopped process accepts connections, and says nothing: ioredis has no limit for that part.
  const limit = setTimeout(() => client.disconnect(), ASK_LIMIT_MS)
  try {
    await client.connect()
    return await use(client)
  } catch (error) {
    throw first ?? error
  } finally {
    clearTimeout(limit)
    client.disconnect()
  }
}
