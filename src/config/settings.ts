import path from 'node:path'
import type {
  KubernetesSettings,
  Settings,
  SourceRequest,
  Stress,
  SuiteSettings,
  TierSettings,
  TlsSettings,
} from '../core/settings.ts'
import { toMs } from './leaves.ts'
import { toShare, type ParsedConfig } from './schema.ts'
import { toServices } from './services.ts'
import { parseSource } from './source.ts'
import {
  BUILT_IN_TIERS,
  DEFAULT_PATIENCE_MS,
  DEFAULT_RETRIES,
  DEFAULT_RETRY_SHARE,
  DEFAULT_WAIT_MS,
  defaultShards,
  tierDefaults,
} from './tiers.ts'

type ParsedTier = NonNullable<ParsedConfig['tiers']>[string]
type ParsedKubernetes = NonNullable<NonNullable<ParsedConfig['redis']>['kubernetes']>
type ParsedTls = NonNullable<NonNullable<ParsedConfig['redis']>['tls']>
type ParsedSuite = NonNullable<ParsedConfig['suites']>[string]

/** What may select the pods of a Redis in a cluster; a config names one of them. */
export const TARGETS = ['service', 'statefulset', 'selector'] as const

/** Fills in every default. `found` are the suites to use when the config names none. */
export function toSettings(
  config: ParsedConfig,
  place: { readonly root: string; readonly configFile: string | null },
  found: (tiers: readonly string[]) => readonly SuiteSettings[],
): Settings {
  const tiers = tierOrder(Object.keys(config.tiers ?? {})).map((name) => toTier(name, config.tiers?.[name] ?? {}))
  const suites = config.suites
    ? Object.entries(config.suites).map(([name, suite]) => toSuite(name, suite))
    : found(tiers.map((tier) => tier.name))
  return {
    ...place,
    tiers,
    suites,
    redis: {
      source: parseSource(config.redis?.source ?? 'auto', 'config') ?? { kind: 'auto' },
      control: config.redis?.control ?? null,
      databases: config.redis?.databases ?? null,
      waitMs: config.redis?.wait ?? DEFAULT_WAIT_MS,
      acl: config.redis?.acl ?? 'auto',
      patienceMs: config.redis?.patience ?? DEFAULT_PATIENCE_MS,
      ...(config.redis?.tls === undefined ? {} : { tls: toTls(config.redis.tls, place.root) }),
      ...(config.redis?.kubernetes === undefined ? {} : { kubernetes: toKubernetes(config.redis.kubernetes) }),
    },
    ...(config.services === undefined ? {} : { services: toServices(config.services, place.root) }),
    quarantine: (config.quarantine ?? []).map(({ file, test, until, reason }) => ({
      file: file ?? null,
      test: test ?? null,
      until,
      reason,
    })),
    reportsDir: path.resolve(place.root, config.reports ?? 'reports'),
    vitestConfig: config.vitest?.config === undefined ? null : path.resolve(place.root, config.vitest.config),
  }
}

/** The built-in tiers first, from short to long, then the user's own as the config names them. */
function tierOrder(named: readonly string[]): string[] {
  return [...new Set([...BUILT_IN_TIERS, ...named])]
}

function toTier(name: string, tier: ParsedTier): TierSettings {
  const defaults = tierDefaults(name)
  const deadlineMs = tier.deadline ?? defaults.deadlineMs
  const fileTimeoutMs = tier.fileTimeout ?? Math.min(defaults.fileTimeoutMs, deadlineMs)
  return {
    name,
    deadlineMs,
    fileTimeoutMs,
    testTimeoutMs: tier.testTimeout ?? Math.min(defaults.testTimeoutMs, fileTimeoutMs),
    testTimeoutGiven: tier.testTimeout !== undefined,
    shards: tier.shards ?? defaultShards(),
    retries: tier.retries ?? DEFAULT_RETRIES,
    slowMs: tier.slow ?? defaults.slowMs,
    retryLimitMs: retryLimit(tier.retryLimit, deadlineMs),
    flaky: tier.flaky ?? 'report',
    failFast: tier.failFast ?? 0,
    leaks: tier.leaks ?? 'report',
  }
}

function retryLimit(given: ParsedTier['retryLimit'], deadlineMs: number): number {
  const share = given === undefined ? DEFAULT_RETRY_SHARE : toShare(given)
  return share === null ? (toMs(given) ?? 0) : Math.round(share * deadlineMs)
}

function toSuite(name: string, suite: ParsedSuite): SuiteSettings {
  const { tier, files = [], exclude = [], isolation = 'db', port, env = {}, retries, services } = suite
  const common = {
    name,
    tier,
    files,
    exclude,
    isolation,
    ...(port === undefined ? {} : { port }),
    env,
    ...(retries === undefined ? {} : { retries }),
    ...(services === undefined ? {} : { services }),
  }
  // `contradictions` has seen to it that a command is there.
  if (suite.engine === 'command') {
    return { ...common, engine: 'command', run: suite.run ?? '', discover: suite.discover ?? null }
  }
  return { ...common, engine: 'vitest' }
}

function toKubernetes(given: ParsedKubernetes): KubernetesSettings {
  const kind = TARGETS.find((target) => given[target] !== undefined) ?? 'service'
  return {
    context: given.context ?? null,
    namespace: given.namespace ?? null,
    target: { kind, name: given[kind] ?? '' },
    port: given.port ?? 6_379,
    route: given.route ?? null,
    waitMs: given.wait ?? DEFAULT_WAIT_MS,
  }
}

function toTls({ servername, ...files }: ParsedTls, root: string): TlsSettings {
  const given = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const absolute = Object.fromEntries(given.map(([name, file]) => [name, path.resolve(root, file)]))
  return { ...absolute, ...(servername === undefined ? {} : { servername }) }
}

/** What a command line may change, for every tier of the run. */
export interface Overrides {
  readonly shards?: number | undefined
  readonly retries?: number | undefined
  /** So many failed tests end the run. */
  readonly failFast?: number | undefined
  readonly stress?: Stress | undefined
  /** Wall time for each tier, ms; the timeouts of files and tests shrink with it. */
  readonly deadlineMs?: number | undefined
  readonly redis?: SourceRequest | undefined
  /** For every suite that has Redis. */
  readonly isolation?: 'db' | 'server' | undefined
  /** Absolute. */
  readonly reportsDir?: string | undefined
}

/** Settings with the options of a command line, which win over the config. */
export function withOverrides(settings: Settings, overrides: Overrides): Settings {
  const { shards, retries, failFast, stress, deadlineMs, redis, isolation, reportsDir } = overrides
  return {
    ...settings,
    tiers: settings.tiers.map((tier) => ({
      ...tier,
      shards: shards ?? tier.shards,
      // A repetition that failed is counted, and not made good by another one.
      retries: stress ? 0 : (retries ?? tier.retries),
      failFast: failFast ?? tier.failFast ?? 0,
      ...(stress ? { stress } : {}),
      deadlineMs: deadlineMs ?? tier.deadlineMs,
      retryLimitMs: Math.min(tier.retryLimitMs ?? Infinity, deadlineMs ?? tier.deadlineMs),
      fileTimeoutMs: Math.min(tier.fileTimeoutMs, deadlineMs ?? Infinity),
      testTimeoutMs: Math.min(tier.testTimeoutMs, deadlineMs ?? Infinity),
    })),
    suites: settings.suites.map(({ retries: own, ...suite }) => ({
      ...suite,
      ...(own === undefined || stress || retries !== undefined ? {} : { retries: own }),
      ...(isolation === undefined || suite.isolation === 'none' ? {} : { isolation }),
    })),
    redis: { ...settings.redis, source: redis ?? settings.redis.source },
    reportsDir: reportsDir ?? settings.reportsDir,
  }
}
