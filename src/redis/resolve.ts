import type { Cause } from '../core/ending.ts'
import { unreachable } from '../core/ending.ts'
import type { OpenCluster, Resolved } from '../core/ports.ts'
import type { ClusterSource, KubernetesSettings, RedisSettings, SourceRequest } from '../core/settings.ts'
import { addressOf, parseAddress, type Address } from './address.ts'
import { findInCluster, routeAddress } from './cluster.ts'
import { startEmbedded, type Started } from './embedded/start.ts'
import type { Origin } from './facts.ts'
import { findNative, noNativeServer, startLocal } from './local.ts'
import { findMaster, isSentinelUrl, parseSentinel, type SentinelTarget } from './sentinel.ts'
import { serve, type Owned } from './server.ts'
import { readTls } from './tls.ts'

/** The one source that a run uses, and why. */
export type Choice =
  | { readonly kind: 'url'; readonly address: Address; readonly reason: string }
  | { readonly kind: 'sentinel'; readonly target: SentinelTarget; readonly reason: string }
  /** The Route that REDIS_ROUTE_HOST names. */
  | { readonly kind: 'route-host'; readonly address: Address; readonly reason: string }
  /** null: what there is in the cluster decides. */
  | { readonly kind: 'cluster'; readonly source: ClusterSource | null; readonly reason: string }
  | { readonly kind: 'local'; readonly program: string; readonly reason: string }
  | { readonly kind: 'embedded'; readonly reason: string }
  | { readonly kind: 'none'; readonly cause: Cause }

/** A server that is there to be talked to, and what has to be ended after it: a process that was started, or a tunnel. */
export type Reached =
  | { readonly ok: true; readonly address: Address; readonly origin: Origin; readonly own: Owned | null }
  | { readonly ok: false; readonly cause: Cause }

/** What finding a server needs besides the choice. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  /** Gives up while a server starts or a way to one is looked for. */
  readonly signal: AbortSignal
  /** Talks to Kubernetes; null: there is nothing that could. */
  readonly openCluster: OpenCluster | null
}

/**
 * Finds the tests' Redis: the source that was asked for, or, with `auto`, the first one that is there (see
 * docs/connecting.md). Exactly one source is tried: if it does not work, that is the answer.
 *
 * @param openCluster talks to Kubernetes; null: there is nothing that could
 * @param signal gives up while a server starts or a connection is made
 * @returns the server, or the cause why there is none; nothing is left running then
 */
export async function resolveRedis(
  settings: RedisSettings,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  openCluster: OpenCluster | null = null,
): Promise<Resolved> {
  const choice = await choose(settings.source, env, settings.kubernetes)
  const reached = await reach(choice, settings, { env, signal, openCluster })
  return reached.ok ? serve(reached.address, reached.origin, settings, signal, reached.own) : reached
}

/** Goes the chosen way up to the server, which is started if it is one of ours: whoever calls this stops `own`. */
export async function reach(choice: Choice, settings: RedisSettings, around: Surroundings): Promise<Reached> {
  switch (choice.kind) {
    case 'none':
      return { ok: false, cause: choice.cause }
    case 'url':
      return at(choice.address, 'url', choice.reason)
    case 'route-host':
      return at(choice.address, 'route', choice.reason)
    case 'sentinel': {
      // `redis.tls` speaks of the servers; the Sentinels' own scheme takes the servers along.
      const read = settings.tls === undefined && !choice.target.tls ? null : await readTls(settings.tls ?? {})
      if (read?.ok === false) return read
      const master = await findMaster(choice.target, read?.tls ?? null, around.signal)
      return master.ok ? at(master.address, 'sentinel', choice.reason) : master
    }
    case 'cluster':
      return throughCluster(choice, settings, around)
    case 'local':
      return started(await startLocal(choice.program, around.signal), 'local', choice.reason)
    case 'embedded':
      return started(await startEmbedded(around.signal), 'embedded', choice.reason)
    default:
      return unreachable(choice)
  }

  async function at(address: Address, source: Origin['source'], reason: string): Promise<Reached> {
    const secured = await withTls(address, settings)
    return secured.ok ? { ...secured, origin: { source, reason, control: settings.control }, own: null } : secured
  }
  function started(server: Started, source: Origin['source'], reason: string): Reached {
    if (!server.ok) return server
    const origin = { source, reason, control: settings.control }
    return { ok: true, address: addressOf(server.server), origin, own: server.server }
  }
}

/** Decides on the way into the cluster, and takes it. */
async function throughCluster(
  asked: Extract<Choice, { kind: 'cluster' }>,
  settings: RedisSettings,
  { env, signal, openCluster }: Surroundings,
): Promise<Reached> {
  if (settings.kubernetes === undefined || openCluster === null) {
    return { ok: false, cause: noCluster(asked.source ?? 'auto') }
  }
  const cluster = await openCluster(settings.kubernetes)
  const chosen =
    asked.source === null
      ? await cluster.discover(signal)
      : { ok: true as const, source: asked.source, why: asked.reason }
  if (!chosen.ok) return chosen
  const { source } = chosen
  const why = asked.source === null ? `${asked.reason}, ${chosen.why}` : asked.reason
  const found = await findInCluster(cluster, source, settings, env, signal)
  if (!found.ok) return found
  const origin = { source, reason: `${why}: ${found.how}`, control: settings.control }
  return { ok: true, address: found.address, origin, own: found.way }
}

function noCluster(source: string): Cause {
  return {
    code: 'kubernetes-config',
    message: `The source ${source} was asked for, but the config does not say which Redis in which cluster.`,
    remedy: "Add redis.kubernetes to the config: { namespace: 'cache', service: 'redis' }.",
  }
}

/** The address with what the settings say of TLS; one that Sentinels named has it already. */
async function withTls(
  address: Address,
  { tls }: RedisSettings,
): Promise<{ readonly ok: true; readonly address: Address } | { readonly ok: false; readonly cause: Cause }> {
  if (tls === undefined || address.secure !== undefined) return { ok: true, address }
  if (!address.tls) {
    return {
      ok: false,
      cause: {
        code: 'redis-tls',
        message: `redis.tls is configured, but ${address.label} is an address without TLS.`,
        remedy: 'Use a rediss:// address, or remove redis.tls from the config.',
      },
    }
  }
  const read = await readTls(tls)
  return read.ok ? { ok: true, address: { ...address, secure: read.tls } } : read
}

/** Decides on the source, without trying it. */
export async function choose(
  source: SourceRequest,
  env: NodeJS.ProcessEnv,
  kubernetes?: KubernetesSettings,
): Promise<Choice> {
  switch (source.kind) {
    case 'url':
      return fromUrl(source.url, source.from, env)
    case 'local': {
      const program = await findNative(env)
      if (program === null) return { kind: 'none', cause: noNativeServer() }
      return { kind: 'local', program, reason: `local was asked for: started ${program}` }
    }
    case 'route':
    case 'loadbalancer':
    case 'nodeport':
    case 'port-forward': {
      const host = source.kind === 'route' ? env['REDIS_ROUTE_HOST'] : undefined
      if (host !== undefined) return fromRouteHost(host, env)
      return { kind: 'cluster', source: source.kind, reason: `${source.kind} was asked for` }
    }
    case 'embedded':
      return { kind: 'embedded', reason: 'embedded was asked for' }
    case 'auto': {
      const url = env['REDIS_URL']
      if (url !== undefined) return fromUrl(url, 'REDIS_URL', env)
      const route = env['REDIS_ROUTE_HOST']
      if (route !== undefined) return fromRouteHost(route, env)
      if (kubernetes) return { kind: 'cluster', source: null, reason: 'redis.kubernetes is configured' }
      const program = await findNative(env)
      if (program !== null) return { kind: 'local', program, reason: `REDIS_URL is not set: started ${program}` }
      return { kind: 'embedded', reason: 'REDIS_URL is not set, and no valkey-server or redis-server is on PATH' }
    }
    default:
      return unreachable(source)
  }
}

type UrlOrigin = Extract<SourceRequest, { kind: 'url' }>['from']

function fromUrl(url: string, from: UrlOrigin, env: NodeJS.ProcessEnv): Choice {
  if (isSentinelUrl(url)) return fromSentinels(url, from, env)
  const parsed = parseAddress(url, env)
  if (parsed.ok) return { kind: 'url', address: parsed.address, reason: ASKED_BY[from] }
  const unset = from === 'REDIS_URL' ? ' To go on without it, unset it (env -u REDIS_URL).' : ''
  return {
    kind: 'none',
    cause: {
      code: 'redis-unreachable',
      message: `${NAME[from]} ${parsed.problem}.`,
      remedy: `Give it as redis://user:password@host:port/database, rediss:// for TLS, or unix:///path/of/socket.${unset}`,
    },
  }
}

function fromSentinels(url: string, from: UrlOrigin, env: NodeJS.ProcessEnv): Choice {
  const parsed = parseSentinel(url, env)
  if (parsed.ok) {
    return { kind: 'sentinel', target: parsed.target, reason: `${ASKED_BY[from]}: the master ${parsed.target.master}` }
  }
  const remedy = 'Give it as redis+sentinel://host:26379,host2:26379/master-name/database, rediss+sentinel:// for TLS.'
  return { kind: 'none', cause: { code: 'redis-unreachable', message: `${NAME[from]} ${parsed.problem}.`, remedy } }
}

function fromRouteHost(host: string, env: NodeJS.ProcessEnv): Choice {
  if (URL.parse(`rediss://${host}`)?.hostname === host && host !== '') {
    return { kind: 'route-host', address: routeAddress(host, env), reason: 'REDIS_ROUTE_HOST is set' }
  }
  const message = 'REDIS_ROUTE_HOST is not a host name.'
  const remedy = 'Give the host of the Route alone, without scheme and port, or unset it.'
  return { kind: 'none', cause: { code: 'redis-unreachable', message, remedy } }
}

const ASKED_BY = {
  REDIS_URL: 'REDIS_URL is set',
  config: 'the config names it',
  '--redis': '--redis names it',
} as const

const NAME = { REDIS_URL: 'REDIS_URL', config: 'The Redis URL of the config', '--redis': 'The URL of --redis' } as const
