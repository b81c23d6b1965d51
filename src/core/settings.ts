import type { ServiceSettings } from './services.ts'

/** Settings as the run uses them: every default filled in, every duration in milliseconds. */

export interface TierSettings {
  readonly name: string
  /** Wall time for the whole tier, ms. */
  readonly deadlineMs: number
  /** Wall time for one attempt at one file, ms. */
  readonly fileTimeoutMs: number
  /** Timeout of one test, ms. */
  readonly testTimeoutMs: number
  /** Whether the user wrote `testTimeout`; if not, a timeout in the engine's own config wins over ours. */
  readonly testTimeoutGiven: boolean
  /** How many files run at once. */
  readonly shards: number
  /** How often a failed file is tried again, in a fresh process and a flushed database. */
  readonly retries: number
  /** A test that takes longer is reported as slow, ms. */
  readonly slowMs: number
  // What follows is absent in journals of 0.1.0, and then off.
  /** No retry starts that would take the time of the tier's retries beyond this, ms. */
  readonly retryLimitMs?: number
  /** Whether a test that failed first and passed in the end fails the run. Absent: 'report'. */
  readonly flaky?: 'fail' | 'report'
  /** So many failed tests end the run; 0: none do. */
  readonly failFast?: number
  /** A stress run: every file is run again and again. */
  readonly stress?: Stress
  /** Whether a file that leaves keys without a TTL or clients behind fails. Absent in journals of 0.1.0: `report`. */
  readonly leaks?: 'report' | 'fail'
}

export interface Stress {
  /** How often each file is run; null: until a failure, or until another repetition would not fit into the deadline. */
  readonly times: number | null
  /** A file that has failed is not repeated any more. */
  readonly untilFailure: boolean
}

/**
 * What a suite's files get:
 * - `db`: a shard holds a leased Redis database, flushed before and after every file.
 * - `server`: a shard has a server of its own, a fresh one for every file; for suites that use FLUSHALL, CONFIG, pub/sub.
 * - `none`: no database, and no REDIS_* in the environment; for suites without Redis.
 */
export type Isolation = 'db' | 'server' | 'none'

/**
 * Where the server of a shard listens, in suites with `isolation: 'server'`:
 * - `free`: 127.0.0.1, and a free port.
 * - `standard`: port 6379, and a loopback address that no other shard of this machine has.
 */
export type ServerPort = 'free' | 'standard'

interface AnySuite {
  readonly name: string
  readonly tier: string
  /** Globs, relative to the project's root, with forward slashes; none where a command finds the files. */
  readonly files: readonly string[]
  readonly exclude: readonly string[]
  readonly isolation: Isolation
  /** Absent: `free`. */
  readonly port?: ServerPort
  /** Environment for the suite's files; `{redis.url}` and friends are filled in by the run. */
  readonly env: Readonly<Record<string, string>>
  /** How often a failed file of this suite is tried again; absent: as its tier says. */
  readonly retries?: number
  /** The services that its files use, by name; absent: none. */
  readonly services?: readonly string[]
}

export interface VitestSuite extends AnySuite {
  readonly engine: 'vitest'
}

/** A suite whose files are run by a command that writes a JUnit report. */
export interface CommandSuite extends AnySuite {
  readonly engine: 'command'
  /** Runs one file; holds the placeholders of `core/command.ts`. */
  readonly run: CommandLine
  /** Prints the files, one a line; null: `files` says which they are. */
  readonly discover: CommandLine | null
}

/** A line for bash, or a program and its arguments. */
export type CommandLine = string | readonly string[]

export type SuiteSettings = VitestSuite | CommandSuite

/** Failures that are known and do not fail a run until a day; at least one of `file` and `test` is given. */
export interface QuarantineSettings {
  /** A glob, relative to the root; null: every file. */
  readonly file: string | null
  /** Full name of a test or of a group of tests; null: everything in the file. */
  readonly test: string | null
  /** The last day, UTC: `2026-12-31`. */
  readonly until: string
  readonly reason: string
}

/** Ways to a Redis in a Kubernetes cluster, in the order in which `auto` prefers them. */
export type ClusterSource = 'route' | 'loadbalancer' | 'nodeport' | 'port-forward'

/** Which Redis in which cluster. */
export interface KubernetesSettings {
  /** null: the current context of the kubeconfig. */
  readonly context: string | null
  /** null: the one of the context, else `default`. */
  readonly namespace: string | null
  /** What selects the pods: a Service or a StatefulSet by name, or labels. */
  readonly target: { readonly kind: 'service' | 'statefulset' | 'selector'; readonly name: string }
  /** The port of Redis in its pods. */
  readonly port: number
  /** The name of the Route; null: one that leads to the Service. */
  readonly route: string | null
  /** How long a load balancer may take to get its address, ms. */
  readonly waitMs: number
}

/** Where Redis comes from, as asked for. */
export type SourceRequest =
  | { readonly kind: 'auto' }
  | { readonly kind: 'url'; readonly url: string; readonly from: 'REDIS_URL' | 'config' | '--redis' }
  | { readonly kind: ClusterSource }
  | { readonly kind: 'local' }
  | { readonly kind: 'embedded' }

/** TLS of a `rediss://` server, or of the servers that Sentinels name, as absolute paths of PEM files. */
export interface TlsSettings {
  /** The authority that signed the server's certificate; without it, those that Node trusts. */
  readonly ca?: string
  /** The client's own certificate and key; both or none. */
  readonly cert?: string
  readonly key?: string
  /** The name that the certificate must be for, and that TLS asks for (SNI); without it, the host of the URL. */
  readonly servername?: string
}

export interface RedisSettings {
  readonly source: SourceRequest
  /** The database that holds the leases; it is never leased itself. null: the one the URL names, else 0. */
  readonly control: number | null
  /** Databases that may be leased; null: all but the control database. */
  readonly databases: readonly number[] | null
  /** How long to wait for a free database when others hold them all, ms. */
  readonly waitMs: number
  /** `auto` (also when absent): each lease has an ACL user of its own where the server can do that. */
  readonly acl?: 'auto' | 'off'
  /** How long a run waits for a server that is not fit in the middle of it (read-only, full, away), ms. */
  readonly patienceMs: number
  readonly tls?: TlsSettings
  readonly kubernetes?: KubernetesSettings
}

export interface Settings {
  /** Absolute path of the project: where the config file is, or the working directory. */
  readonly root: string
  /** Absolute path of the config file; null when there is none. */
  readonly configFile: string | null
  /** In the order of the config: the order in which several tiers run. */
  readonly tiers: readonly TierSettings[]
  readonly suites: readonly SuiteSettings[]
  readonly redis: RedisSettings
  /** Absent when the config names none. */
  readonly services?: readonly ServiceSettings[]
  /** Known failures; absent when the config names none. */
  readonly quarantine?: readonly QuarantineSettings[]
  /** Absolute path of the folder that holds the runs. */
  readonly reportsDir: string
  /** Absolute path of the vitest config to use; null: vitest finds its own. */
  readonly vitestConfig: string | null
}
