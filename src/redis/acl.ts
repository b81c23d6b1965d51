import { randomBytes, randomUUID } from 'node:crypto'
import { unreachable, type Cause, type CauseCode } from '../core/ending.ts'
import type { Enforcement, ServerFacts } from '../core/events.ts'
import { AWAY_LIMIT_MS, type AdminConnection, type Answer } from './connection.ts'
import { recordedDenials, type Denial } from './denials.ts'

/**
 * Users of the server that can do everything test code needs in one database, and nothing to another one or to the server.
 * One a lease, named as the lease: `tiershard-<database>-<fence>`. They live in the server's memory only: a server that
 * restarts or fails over has forgotten them, so each file's opening writes its user again, and so does a new connection.
 */
const USER_PREFIX = 'tiershard-'

/** How a server confines a user to a database; the best one it understands is used. */
type Dialect = 'valkey-9.1' | 'redis-7' | 'redis-6.2'

/**
 * What test code may do: BullMQ ran under these rules with an empty ACL log. MOVE and COPY go, because a connection in
 * another database could push keys with them past the `db=` rule of Valkey 9.1.
 */
const COMMON =
  '~* &* +@all -@admin -@dangerous +info +sort +keys +flushdb +restore +role -move -copy -swapdb -flushall'.split(' ')
/** With rules that take a subcommand away (Redis 7, Valkey). */
const BY_SUBCOMMAND =
  '+sort_ro +client|list +config|get -script|flush -script|kill -function +function|list -memory|purge -client|no-evict -client|unblock -client|pause -client|unpause'.split(
    ' ',
  )
/** Redis 6.2 can only add subcommands to a command that was taken away. */
const WITHOUT_SUBCOMMANDS =
  '-client +client|id +client|info +client|getname +client|setname +client|list +client|reply +client|tracking +client|caching +client|getredir -config +config|get -script +script|load +script|exists -memory +memory|usage +memory|stats +acl|whoami'.split(
    ' ',
  )

/** The rules of a user for one database, without its name and password. */
export function rules(dialect: Dialect, database: number): string[] {
  switch (dialect) {
    case 'valkey-9.1':
      return [...COMMON, ...BY_SUBCOMMAND, 'resetdbs', `db=${database}`]
    case 'redis-7':
      return [...COMMON, ...BY_SUBCOMMAND, '-select', `+select|${database}`]
    case 'redis-6.2':
      return [...COMMON, ...WITHOUT_SUBCOMMANDS, '-select', `+select|${database}`]
    default:
      return unreachable(dialect)
  }
}

/** A rule or command that the server does not know, and one that it denies. */
const REFUSALS: ReadonlySet<CauseCode> = new Set(['redis-error', 'redis-denied'])

const DIALECTS: readonly Dialect[] = ['valkey-9.1', 'redis-7', 'redis-6.2']

export interface Guard {
  /** null: nothing can be enforced here. */
  readonly dialect: Dialect | null
  readonly enforcement: Enforcement
}

/**
 * Finds out what this server can enforce, by making a user that cannot log in, and deleting it. Only what the server
 * itself says makes isolation a convention; a server that is not there to be asked is a cause.
 */
export async function findGuard(
  connection: AdminConnection,
  product: ServerFacts['product'],
  wanted: 'auto' | 'off',
): Promise<Guard | { readonly cause: Cause }> {
  if (wanted === 'off') return convention("redis.acl is 'off'")
  if (product !== 'redis' && product !== 'valkey') return convention('the server is neither Redis nor Valkey')
  const probe = `${USER_PREFIX}probe-${randomUUID()}`
  for (const dialect of DIALECTS) {
    const made = await command(connection, 'SETUSER', probe, 'reset', 'off', ...rules(dialect, 0))
    if (made.ok) {
      await command(connection, 'DELUSER', probe)
      const user = await command(connection, 'GETUSER', 'default')
      if (!user.ok && !REFUSALS.has(user.cause.code)) return user
      return { dialect, enforcement: { by: 'acl', reason: describe(dialect, user.ok ? user.value : null) } }
    }
    if (!REFUSALS.has(made.cause.code)) return made
    if (made.cause.code === 'redis-denied') return convention('its user may not make users (ACL SETUSER)')
  }
  return convention('the server has no access control lists of a kind that is known')
}

function convention(reason: string): Guard {
  return { dialect: null, enforcement: { by: 'convention', reason } }
}

/** @param user what the server says of its default user; null: nothing */
function describe(dialect: Dialect, user: unknown): string {
  const flags = JSON.stringify(user)
  const open = flags.includes('"nopass"') && flags.includes('"on"')
  const holes = [
    ...(dialect === 'valkey-9.1' ? [] : ['a connection that selects no database sits in database 0']),
    ...(open
      ? ['only mistakes are kept out, since RESET or no user at all leads to the default user, which has no password']
      : []),
  ]
  return ['a user of its own for each shard', ...holes].join('; ')
}

function command(connection: AdminConnection, ...args: readonly string[]): Promise<Answer> {
  return connection.run({ command: 'ACL', args, patienceMs: AWAY_LIMIT_MS, repeatable: true })
}

/** Deletes the users that earlier holders of these databases left, which cuts their connections as well. */
export async function dropStaleUsers(
  connection: AdminConnection,
  leases: readonly { readonly database: number; readonly fence: number }[],
): Promise<void> {
  const users = await command(connection, 'USERS')
  if (!users.ok) return
  const stale = (users.value as unknown[]).map(String).filter((name) => {
    const [, database, fence] = /^tiershard-(\d+)-(\d+)$/.exec(name) ?? []
    return leases.some((lease) => lease.database === Number(database) && Number(fence) < lease.fence)
  })
  if (stale.length > 0) await command(connection, 'DELUSER', ...stale)
}

/** The user of one lease. */
export class LeaseUser {
  readonly name: string
  readonly password = randomBytes(24).toString('base64url')
  readonly #connection: AdminConnection
  readonly #rules: readonly string[]
  /** What was denied before the present file. */
  #before: ReadonlyMap<string, number> = new Map()
  #openedAt = 0
  /** Between {@link admit} and {@link expel}. */
  #wanted = false
  /** The connection over which it was made; null: it is not there, or nobody knows. */
  #madeOver: number | null = null

  constructor(connection: AdminConnection, dialect: Dialect, database: number, fence: number) {
    this.name = `${USER_PREFIX}${database}-${fence}`
    this.#connection = connection
    this.#rules = rules(dialect, database)
  }

  /** Makes the user, or makes it again: connections that it has stay as they are. */
  admit(): Promise<Answer> {
    this.#openedAt = performance.now()
    this.#wanted = true
    return this.#make()
  }

  /**
   * Makes the user again if the connection has been up anew since, because another server may be at its other end, or if
   * the last try failed.
   */
  async keep(): Promise<void> {
    if (this.#wanted && this.#madeOver !== this.#connection.times) await this.#make()
  }

  async #make(): Promise<Answer> {
    const over = this.#connection.times
    const made = await command(
      this.#connection,
      'SETUSER',
      this.name,
      'reset',
      'on',
      `>${this.password}`,
      ...this.#rules,
    )
    // It may have waited for the server until nobody wanted the user any more.
    if (!this.#wanted) await this.expel()
    else if (made.ok) this.#madeOver = over
    return made
  }

  /** Deletes the user; the server closes its connections. Not worth a wait: the next holder does it as well. */
  async expel(): Promise<void> {
    this.#wanted = false
    this.#madeOver = null
    await this.#connection.run({ command: 'ACL', args: ['DELUSER', this.name], patienceMs: 0, repeatable: true })
  }

  /** What the server denied this user since {@link admit}. Nothing in the server's log is changed. */
  async denials(): Promise<readonly Denial[]> {
    const asked = performance.now()
    // The log holds 128 entries unless configured otherwise.
    const log = await this.#connection.run({ command: 'ACL', args: ['LOG', '1000'], patienceMs: 0, repeatable: true })
    if (!log.ok) return []
    const found = recordedDenials(log.value, this.name)
    const sinceMs = asked - this.#openedAt
    // An entry of the last minute is counted up, and never leaves before that: both its age and its count have to be new.
    const fresh = found.filter((denial) => {
      const more = denial.count - (this.#before.get(denial.key) ?? 0)
      return more !== 0 && denial.ageMs <= sinceMs + CLOCK_MS
    })
    const before = this.#before
    this.#before = new Map(found.map((denial) => [denial.key, denial.count]))
    return fresh.map((denial) => {
      const more = denial.count - (before.get(denial.key) ?? 0)
      return { ...denial, count: more > 0 ? more : denial.count }
    })
  }
}

/** The server reads its clock once for each round of its event loop. */
const CLOCK_MS = 50
