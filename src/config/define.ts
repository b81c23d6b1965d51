/**
 * What a user writes into tiershard.config.ts. This file is what `import { defineConfig } from 'tiershard'` loads, so it
 * imports nothing. `docs/configuration.md` describes the same options; a test compares the two.
 */

/** A length of time: `'500ms'`, `'90s'`, `'15m'`, `'1h'`, or a number of milliseconds. */
export type Duration = string | number

/** A tier: when its suites run, how long they may take, and what is slow there. What is not given keeps its default. */
export interface UserTier {
  /** Wall time for the whole tier. Default: fast 5m, standard 15m, extended 30m, a tier of your own 15m. */
  readonly deadline?: Duration | undefined
  /**
   * Timeout of one test. Default: fast 10s, standard 30s, extended 2m, a tier of your own 30s. When it is not given, a
   * `testTimeout` in the vitest config wins over the default.
   */
  readonly testTimeout?: Duration | undefined
  /**
   * Wall time for one attempt at one file, at most the deadline. Default: fast 1m, standard 5m, extended 10m, a tier of
   * your own 5m, but never more than the deadline.
   */
  readonly fileTimeout?: Duration | undefined
  /** How many files run at once, 1 to 64. Default: the number of CPUs, at least 2 and at most 8. */
  readonly shards?: number | undefined
  /** How often a failed file is tried again, in a fresh process and with a flushed database, 0 to 10. Default: 0. */
  readonly retries?: number | undefined
  /**
   * How much wall time retries may take: a duration, or a share of the deadline such as `'25%'`. A retry that would take
   * longer, by the time of the attempt before, does not start, and the run says so. Default: `'50%'`.
   */
  readonly retryLimit?: Duration | undefined
  /**
   * What a test does to the run that failed first and passed in the end: `'report'`: it is listed; `'fail'`: it fails the
   * run as well. Default: `'report'`.
   */
  readonly flaky?: 'fail' | 'report' | undefined
  /** End the run as soon as so many tests have failed for good, 0 to 100000; 0: never. Default: 0. */
  readonly failFast?: number | undefined
  /** A test that takes longer is reported as slow. Default: fast 1s, standard 5s, extended 30s, a tier of your own 5s. */
  readonly slow?: Duration | undefined
  /**
   * Whether a file that leaves keys without a TTL, or clients, behind in its database fails, or is merely reported.
   * Default: `'report'`.
   */
  readonly leaks?: 'report' | 'fail' | undefined
}

/** A named set of test files. */
export interface UserSuite {
  /** The tier the suite belongs to: `fast`, `standard`, `extended`, or one that `tiers` defines. */
  readonly tier: string
  /**
   * Globs of the test files, relative to the folder of the config file, with forward slashes. Needed, but for a suite with
   * `discover`.
   */
  readonly files?: string | readonly string[] | undefined
  /** Globs of files to leave out. Default: none. */
  readonly exclude?: string | readonly string[] | undefined
  /**
   * What runs the files: `'vitest'`, or `'command'`: the command of `run`, which may be anything that writes JUnit.
   * Default: `'vitest'`.
   */
  readonly engine?: 'vitest' | 'command' | undefined
  /**
   * For the engine `'command'`, which needs it: runs one file and writes its JUnit report. A line for bash, or a list of a
   * program and its arguments. `{file}`, `{junit}` (needed), `{testName}` and `{shard}` are filled in and quoted; without
   * `--test-name`, the word that holds `{testName}` is left out: `'pytest {file} --junitxml={junit} -k{testName}'`.
   */
  readonly run?: string | readonly string[] | undefined
  /**
   * For the engine `'command'`, instead of `files`: prints what there is to run, one a line: packages, classes, whatever
   * `run` takes as `{file}`.
   */
  readonly discover?: string | readonly string[] | undefined
  /**
   * `'db'`: every shard has a Redis database of its own, empty at the start of every file. `'server'`: a server of
   * the run's own, a fresh one for every file, for suites that use FLUSHALL, CONFIG or pub/sub. `'none'`: no database and no
   * `REDIS_*` variables, for suites without Redis. Default: `'db'`.
   */
  readonly isolation?: 'db' | 'server' | 'none' | undefined
  /**
   * Where the servers of `isolation: 'server'` listen. `'free'`: on 127.0.0.1, at any free port. `'standard'`: at port 6379, on
   * a loopback address of the shard's own (127.0.0.2 and on), for code that takes a host and no port. Linux only, unless
   * the machine was given those addresses. Default: `'free'`.
   */
  readonly port?: 'free' | 'standard' | undefined
  /**
   * More environment variables for the files. `{redis.url}`, `{redis.host}`, `{redis.port}`, `{redis.db}`,
   * `{redis.username}`, `{redis.password}`, `{redis.prefix}`, `{shard}`, `{tier}` and `{run}` are filled in.
   */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** The services that its files need, by name. Default: none. */
  readonly services?: readonly string[] | undefined
  /** How often a failed file of this suite is tried again, 0 to 10. Default: what its tier says. */
  readonly retries?: number | undefined
}

/** A known failure that is reported and does not fail the run. At least one of `file` and `test` is needed. */
export interface UserQuarantine {
  /** A glob of test files, relative to the folder of the config file. Default: every file. */
  readonly file?: string | undefined
  /**
   * The full name of a test as the reports print it, or of a group of tests: `'orders > retries'`. Default: everything in
   * the file, and the file itself.
   */
  readonly test?: string | undefined
  /** The last day on which the failure is excused, in UTC: `'2026-12-31'`. From the next day on it fails the run. */
  readonly until: string
  /** Why, and who looks after it; shown with the failure. */
  readonly reason: string
}

/** When a service counts as ready: one of `http`, `tcp`, `log` and `command`. */
export interface UserReady {
  /** A path on its port, or a URL, that answers with a status below 400. */
  readonly http?: string | undefined
  /** Something listens on its port. The default for a service with a port. */
  readonly tcp?: true | undefined
  /** A line of its output holds this text, or matches this pattern. */
  readonly log?: string | RegExp | undefined
  /** A command that ends with exit code 0, with the environment of the service. */
  readonly command?: string | readonly string[] | undefined
  /** How long it may take. Default: 30s. */
  readonly within?: Duration | undefined
}

/** A program that suites need: the service under test, or another one. */
export interface UserCommandService {
  readonly kind: 'command'
  /** Program and arguments. A text is split at spaces and quotes; there is no shell. With placeholders. */
  readonly command: string | readonly string[]
  /** The folder it runs in, relative to the folder of the config. Default: that folder. */
  readonly cwd?: string | undefined
  /** More environment variables, with placeholders. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Contents of files by path in a private folder, `{folder}`; with placeholders. Only its user can read them. */
  readonly files?: Readonly<Record<string, string>> | undefined
  /** Names of environment variables by secret: `{ token: 'API_TOKEN' }` makes `{secrets.token}`. */
  readonly secrets?: Readonly<Record<string, string>> | undefined
  /** Services that have to be ready before, and `'redis'` for the database of the shard. */
  readonly needs?: readonly string[] | undefined
  /** `'free'`: one that nobody uses, `{port}`. Or a fixed one, for a service that runs once. */
  readonly port?: number | 'free' | undefined
  readonly ready?: UserReady | undefined
  /**
   * How long an instance lives. Default: `'file'` when it needs Redis, a Postgres, or what lives no longer than that; else
   * `'run'`.
   */
  readonly per?: 'run' | 'shard' | 'file' | undefined
}

/** A Postgres, in which every file gets a database of its own. */
export interface UserPostgresService {
  readonly kind: 'postgres'
  /** `'local'`: started by the run. `'url'`: POSTGRES_URL or DATABASE_URL. Or a URL. Never another one than this. */
  readonly source: 'local' | 'url' | (string & {})
  /** What every database has in it at the start. */
  readonly setup?:
    | {
        /** SQL files, relative to the folder of the config, in order. */
        readonly sql?: string | readonly string[] | undefined
        /** Runs after them with `DATABASE_URL`, such as a migration. */
        readonly command?: string | readonly string[] | undefined
        /** How long all of it may take. Default: 60s. */
        readonly within?: Duration | undefined
      }
    | undefined
  /** How long a database lives. Default: `'file'`. */
  readonly per?: 'shard' | 'file' | undefined
}

/** Something that suites need beside Redis. */
export type UserService = UserCommandService | UserPostgresService

/** Where Redis comes from. */
export interface UserRedis {
  /**
   * `'auto'`: `REDIS_URL` if it is set, else the cluster of `kubernetes` if there is one, else a server that is installed,
   * else the embedded one. `'route'`, `'loadbalancer'`, `'nodeport'`, `'port-forward'`: ways into that cluster. `'local'`: start
   * redis-server or valkey-server from PATH. `'embedded'`: start the embedded Valkey. Or a URL, `redis://` or
   * `rediss://`. A source that does not answer is an error, never another source. Default: `'auto'`.
   */
  readonly source?:
    | 'auto'
    | 'route'
    | 'loadbalancer'
    | 'nodeport'
    | 'port-forward'
    | 'local'
    | 'embedded'
    | (string & {})
    | undefined
  /** The database that holds the leases and is never leased itself. Default: the one that the URL names, else 0. */
  readonly control?: number | undefined
  /** The databases that may be leased. Default: all but the control database. */
  readonly databases?: readonly number[] | undefined
  /** How long to wait for a free database when other runs hold them all. Default: 2m. */
  readonly wait?: Duration | undefined
  /**
   * `'auto'`: every shard gets a user of the server that may do nothing outside of its database, where the server can do
   * that. `'off'`: test code gets the user of the URL. Default: `'auto'`.
   */
  readonly acl?: 'auto' | 'off' | undefined
  /**
   * How long to wait for a server that stops being fit in the middle of a run: read-only, full, loading, away. Meanwhile
   * no file starts; what it spoiled runs again afterwards. Default: 60s.
   */
  readonly patience?: Duration | undefined
  /** TLS of a `rediss://` server, or of the servers that Sentinels name. */
  readonly tls?: UserTls | undefined
  /** The Redis in a Kubernetes cluster, for the sources `'route'`, `'loadbalancer'`, `'nodeport'` and `'port-forward'`. */
  readonly kubernetes?: UserKubernetes | undefined
}

/** Which Redis in which cluster: one of `service`, `statefulset` and `selector` is needed. */
export interface UserKubernetes {
  /** A context of the kubeconfig. Default: the current one. */
  readonly context?: string | undefined
  /** Default: that of the context, else `'default'`. */
  readonly namespace?: string | undefined
  /** The Service of the Redis pods. */
  readonly service?: string | undefined
  /** The StatefulSet of the Redis pods. */
  readonly statefulset?: string | undefined
  /** Labels of the Redis pods: `'app=redis,tier=cache'`. */
  readonly selector?: string | undefined
  /** The port of Redis in its pods. Default: 6379. */
  readonly port?: number | undefined
  /** The name of the OpenShift Route. Default: a Route that leads to the Service. */
  readonly route?: string | undefined
  /** How long a load balancer may take to get its address. Default: 2m. */
  readonly wait?: Duration | undefined
}

/** TLS of a `rediss://` server, or of those that Sentinels name: paths of PEM files, relative to the folder of the config. */
export interface UserTls {
  /** The authority that signed the server's certificate. Default: the authorities that Node trusts. */
  readonly ca?: string | undefined
  /** The client's certificate, for a server that wants one; needs `key`. */
  readonly cert?: string | undefined
  /** The key of the client's certificate. */
  readonly key?: string | undefined
  /** The name that the server's certificate is for, also sent to a router (SNI). Default: the host of the URL. */
  readonly servername?: string | undefined
}

/** How vitest is used. */
export interface UserVitest {
  /** The vitest config to use, relative to the folder of this config. Default: vitest finds its own. */
  readonly config?: string | undefined
}

/** The whole of tiershard.config.ts. Everything is optional. */
export interface UserConfig {
  /** Tiers by name. `fast`, `standard` and `extended` are there already and can be changed in part. */
  readonly tiers?: Readonly<Record<string, UserTier>> | undefined
  /** Suites by name. Default: found in `suites/<tier>/`, one for each folder below it. */
  readonly suites?: Readonly<Record<string, UserSuite>> | undefined
  readonly redis?: UserRedis | undefined
  /** Databases and servers that suites need, by name. Default: none. */
  readonly services?: Readonly<Record<string, UserService>> | undefined
  /** Known failures that do not fail a run until a day. Default: none. */
  readonly quarantine?: readonly UserQuarantine[] | undefined
  /** The folder that holds the runs, relative to the folder of the config file. Default: `'reports'`. */
  readonly reports?: string | undefined
  readonly vitest?: UserVitest | undefined
}

/** Types the config in an editor; gives back what it is given. The checks come when the config is loaded. */
export function defineConfig(config: UserConfig): UserConfig {
  return config
}
