import path from 'node:path'
import type {
  KubernetesSettings,
  Settings,
  SourceRequest,
  SuiteSettings,
  TierSettings,
  TlsSettings,
} from '../core/settings.ts'
import type { ParsedConfig } from './schema.ts'
import { parseSource } from './source.ts'
import { BUILT_IN_TIERS, DEFAULT_RETRIES, DEFAULT_WAIT_MS, defaultShards, tierDefaults } from './tiers.ts'

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
      ...(config.redis?.tls === undefined ? {} : { tls: toTls(config.redis.tls, place.root) }),
      ...(config.redis?.kubernetes === undefined ? {} : { kubernetes: toKubernetes(config.redis.kubernetes) }),
    },
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
  }
}

function toSuite(name: string, suite: ParsedSuite): SuiteSettings {
  return {
    name,
    tier: suite.tier,
    files: suite.files,
    exclude: suite.exclude ?? [],
    engine: suite.engine ?? 'vitest',
    isolation: suite.isolation ?? 'db',
    env: suite.env ?? {},
  }
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
  /** Wall time for each tier, ms; the timeouts of files and tests shrink with it. */
  readonly deadlineMs?: number | undefined
  readonly redis?: SourceRequest | undefined
  /** Absolute. */
  readonly reportsDir?: string | undefined
}

/** Settings with the options of a command line, which win over the config. */
export function withOverrides(settings: Settings, overrides: Overrides): Settings {
  const { shards, retries, deadlineMs, redis, reportsDir } = overrides
  return {
    ...settings,
    tiers: settings.tiers.map((tier) => ({
      ...tier,
      shards: shards ?? tier.shards,
      retries: retries ?? tier.retries,
      deadlineMs: deadlineMs ?? tier.deadlineMs,
      fileTimeoutMs: Math.min(tier.fileTimeoutMs, deadlineMs ?? Infinity),
      testTimeoutMs: Math.min(tier.testTimeoutMs, deadlineMs ?? Infinity),
    })),
    redis: { ...settings.redis, source: redis ?? settings.redis.source },
    reportsDir: reportsDir ?? settings.reportsDir,
  }
}
