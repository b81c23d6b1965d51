/**
 * The services of a project (databases, servers of its own that are under test) as settings, and the order in which they
 * start. Pure, as all of core.
 */

/**
 * How long an instance lives: as long as the run, as long as a shard holds its databases, or for one file. A narrower
 * life is a cleaner start.
 */
export type ServiceLife = 'run' | 'shard' | 'file'

/** How it is known that a service can be used. */
export type ReadyCheck = { readonly limitMs: number } & (
  | { readonly kind: 'http'; /** A path on its port, or a whole URL; with placeholders. */ readonly target: string }
  /** Something listens on its port. */
  | { readonly kind: 'tcp' }
  /** It has printed a line that matches. */
  | { readonly kind: 'log'; readonly pattern: RegExp }
  /** The command ends with exit code 0. */
  | { readonly kind: 'command'; readonly command: readonly string[] }
)

/** A program of the project. */
export interface CommandService {
  readonly kind: 'command'
  readonly name: string
  /** Program and arguments, with placeholders; no shell. */
  readonly command: readonly string[]
  /** Absolute. */
  readonly cwd: string
  /** With placeholders. */
  readonly env: Readonly<Record<string, string>>
  /** Contents by path in the service's private folder, with placeholders. */
  readonly files: Readonly<Record<string, string>>
  /** Names of environment variables by the names under which the service knows them. */
  readonly secrets: Readonly<Record<string, string>>
  /** Other services, and `redis` for the database of the shard. */
  readonly needs: readonly string[]
  /** null: it listens on none that the run has to know. */
  readonly port: number | 'free' | null
  readonly ready: ReadyCheck
  readonly per: ServiceLife
}

/** A Postgres, in which every file or shard gets a database of its own, copied from a template. */
export interface PostgresService {
  readonly kind: 'postgres'
  readonly name: string
  /** A URL of null: POSTGRES_URL, else DATABASE_URL of the environment. */
  readonly source: { readonly kind: 'local' } | { readonly kind: 'url'; readonly url: string | null }
  /** What fills the template. */
  readonly setup: {
    /** Absolute paths of SQL files, in order. */
    readonly sql: readonly string[]
    /** Runs after them, in the root; null: nothing does. */
    readonly command: readonly string[] | null
    readonly cwd: string
    readonly limitMs: number
  }
  readonly needs: readonly []
  /** How long a database lives. The server lives as long as the run. */
  readonly per: 'shard' | 'file'
}

export type ServiceSettings = CommandService | PostgresService

/** What may stand in `needs` beside other services: the Redis database of the shard. */
export const REDIS = 'redis'

type Needs = ReadonlyMap<string, readonly string[]>

/** The named services and all that they need, directly or not, without Redis; each after those that it needs. */
export function withNeeds(names: readonly string[], needs: Needs): string[] {
  const seen = new Set<string>([REDIS])
  const found = new Set<string>()
  const visit = (name: string): void => {
    if (seen.has(name)) return
    seen.add(name)
    for (const need of needs.get(name) ?? []) visit(need)
    found.add(name)
  }
  names.forEach(visit)
  return [...found]
}

/** Whether Redis is needed by any of these, directly or not. */
export function needRedis(names: readonly string[], needs: Needs): boolean {
  return withNeeds(names, needs).some((name) => needs.get(name)?.includes(REDIS) ?? false)
}

/** A circle of needs that begins and ends with this service; null when it is in none. */
export function circleOf(name: string, needs: Needs): string[] | null {
  const tried = new Set<string>()
  const search = (at: string, way: readonly string[]): string[] | null => {
    for (const need of needs.get(at) ?? []) {
      if (need === name) return [...way, name]
      if (tried.has(need)) continue
      tried.add(need)
      const found = search(need, [...way, need])
      if (found) return found
    }
    return null
  }
  return search(name, [name])
}

export function needsOf(services: readonly Pick<ServiceSettings, 'name' | 'needs'>[]): Needs {
  return new Map(services.map(({ name, needs }) => [name, needs]))
}
