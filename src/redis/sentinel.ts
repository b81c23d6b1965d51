import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Cause } from '../core/ending.ts'
import { addressOf, type Address } from './address.ts'
import { roleOf, type Role } from './role.ts'

/** From the dial of a Sentinel or a server to its answer. */
const ASK_LIMIT_MS = 2_000
/** How long a run that starts waits for Sentinels to agree: a failover takes a few seconds. */
const AGREE_LIMIT_MS = 10_000
const PAUSE_MS = 200

/** A group of Sentinels and the master that they watch. Holds secrets: only `label` may be printed. */
export interface SentinelTarget {
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  readonly master: string
  readonly database: number | null
  /** Of the server, not of the Sentinels. */
  readonly username: string | null
  readonly password: string | null
  readonly sentinelPassword: string | null
  readonly label: string
}

export type ParsedSentinel =
  | { readonly ok: true; readonly target: SentinelTarget }
  | { readonly ok: false; readonly problem: string }

export type Master = { readonly ok: true; readonly address: Address } | { readonly ok: false; readonly cause: Cause }

/** Reads `redis+sentinel://user:password@host:26379,host2:26379/master-name/database`. */
export function parseSentinel(text: string, env: NodeJS.ProcessEnv): ParsedSentinel {
  const [, credentials = '', hosts, path] = /^redis\+sentinel:\/\/(?:(.*)@)?([^/@]+)\/(.+)$/.exec(text.trim()) ?? []
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
      label: `redis+sentinel://${places.map(nodeLabel).join(',')}/${master}`,
    },
  }
}

/**
 * The master that the Sentinels name, proved by its ROLE. What a failover in progress shows (no master, two masters)
 * is waited out for 10 s.
 */
export async function findMaster(target: SentinelTarget, signal: AbortSignal): Promise<Master> {
  const giveUp = performance.now() + AGREE_LIMIT_MS
  for (;;) {
    const found = await lookup(target, true)
    const passing = !found.ok && (found.cause.code === 'redis-two-masters' || found.cause.code === 'redis-no-master')
    if (!passing || performance.now() > giveUp || signal.aborted) return found
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
  }
}

/** What one Sentinel says. */
type Said =
  | { readonly kind: 'silent'; readonly why: string }
  | { readonly kind: 'stranger' }
  | { readonly kind: 'unknown'; readonly names: readonly string[] }
  | { readonly kind: 'master'; readonly host: string; readonly port: number; readonly quorum: string | null }

async function lookup(target: SentinelTarget, wantsQuorum: boolean): Promise<Master> {
  const said = await Promise.all(target.nodes.map((node) => ask(node, target)))
  const named = said.filter((it) => it.kind === 'master')
  if (named.length === 0) return { ok: false, cause: nobodyKnows(target, said) }
  const silent = said.filter((it) => it.kind === 'silent').length
  const refused = named.map((it) => it.quorum).find((problem) => problem !== null)
  // A Sentinel takes a while to see that another one is gone; what is missing now counts as missing.
  const few = silent * 2 >= said.length ? `${named.length} of ${said.length} Sentinels answer` : null
  const problem = refused ?? few
  if (wantsQuorum && problem !== null) return { ok: false, cause: noQuorumCause(target, problem) }
  const places = new Map(named.map(({ host, port }) => [nodeLabel({ host, port }), { host, port }]))
  const roles = await Promise.all([...places.values()].map(async (at) => ({ at, role: await askRole(at, target) })))
  const masters = roles.filter(({ role }) => role?.kind === 'master')
  if (masters.length > 1)
    return {
      ok: false,
      cause: twoMasters(
        target,
        masters.map(({ at }) => nodeLabel(at)),
      ),
    }
  const [master] = masters
  return master
    ? { ok: true, address: addressAt(master.at, target) }
    : { ok: false, cause: noMaster(target, [...places.keys()]) }
}

function addressAt(at: { readonly host: string; readonly port: number }, target: SentinelTarget): Address {
  return {
    ...addressOf(at),
    username: target.username,
    password: target.password,
    database: target.database,
    sentinel: { nodes: target.nodes.map(nodeLabel).join(','), master: target.master },
    // While a run goes on, a master without a quorum is still a master.
    follow: async () => {
      const found = await lookup(target, false)
      return found.ok ? found.address : null
    },
  }
}

async function ask(node: { host: string; port: number }, target: SentinelTarget): Promise<Said> {
  return withClient<Said>({ ...node, username: null, password: target.sentinelPassword }, async (client) => {
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
    /unknown command/i.test(error.message) ? { kind: 'stranger' } : { kind: 'silent', why: error.message },
  )
}

async function askRole(
  at: { host: string; port: number },
  { username, password }: SentinelTarget,
): Promise<Role | null> {
  return withClient({ ...at, username, password }, async (client) => roleOf(await client.role())).catch(() => null)
}

async function withClient<T>(
  { username, password, ...at }: { host: string; port: number; username: string | null; password: string | null },
  use: (client: Redis) => Promise<T>,
): Promise<T> {
  const client = new Redis({
    ...at,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
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

function nodeLabel({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function nobodyKnows(target: SentinelTarget, said: readonly Said[]): Cause {
  const unknown = said.filter((it) => it.kind === 'unknown')
  if (unknown.length > 0) {
    const names = [...new Set(unknown.flatMap((it) => it.names))]
    return {
      code: 'sentinel-unknown-master',
      message: `The Sentinels of ${target.label} watch no master "${target.master}"; they watch ${names.join(', ') || 'none'}.`,
      remedy: 'Correct the name after the hosts: it is the one of `sentinel monitor` in the config of the Sentinels.',
    }
  }
  const strangers = said.some((it) => it.kind === 'stranger')
  const why = said.find((it) => it.kind === 'silent')?.why ?? ''
  return {
    code: 'sentinel-unreachable',
    message: strangers
      ? `A Redis server answers at ${target.label}, not a Sentinel.`
      : `No Sentinel of ${target.label} answers: ${why}.`,
    remedy: strangers
      ? 'Use the port of the Sentinels (usually 26379), or redis:// for the server itself.'
      : 'Start the Sentinels, or correct the addresses. A password of the Sentinels goes into REDIS_SENTINEL_PASSWORD.',
  }
}

function noQuorumCause(target: SentinelTarget, why: string): Cause {
  return {
    code: 'sentinel-no-quorum',
    message: `The Sentinels of ${target.label} have no quorum: ${why}.`,
    remedy: 'Bring the missing Sentinels back: without a quorum nothing replaces a master that fails.',
  }
}

function twoMasters(target: SentinelTarget, masters: readonly string[]): Cause {
  return {
    code: 'redis-two-masters',
    message: `The Sentinels of ${target.label} name ${masters.length} servers that all say they are the master: ${masters.join(', ')}.`,
    remedy:
      'Find out which one holds the data, and make the other follow it (REPLICAOF). The Sentinels may be cut off from each other.',
  }
}

function noMaster(target: SentinelTarget, named: readonly string[]): Cause {
  return {
    code: 'redis-no-master',
    message: `The Sentinels of ${target.label} name ${named.join(' and ')}, which is no master, or does not answer.`,
    remedy: 'Wait for the failover to end. If it does not, see SENTINEL MASTER and the logs of the Sentinels.',
  }
}
