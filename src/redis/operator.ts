import type { Cause } from '../core/ending.ts'
import type { ServerFacts } from '../core/events.ts'
import type { OpenCluster } from '../core/ports.ts'
import type { RedisSettings } from '../core/settings.ts'
import type { AdminConnection, Answer, ScriptName } from './connection.ts'
import { FENCES, recordKey, RECORD_PREFIX } from './keys.ts'
import { choose, reach } from './resolve.ts'
import { connect, type Owned } from './server.ts'

/** For a command that only looks, from the choice of the source to its answer. */
const LOOK_LIMIT_MS = 60_000

/** What `tiershard redis status` says of one database. */
export interface DatabaseStatus {
  readonly database: number
  /**
   * control: holds the leases. leased: a living lease. expired: its holder died, the next run may take it. ours: left
   * behind by a run, the next one may flush it. foreign: holds data that is not ours and is never flushed. free: empty.
   */
  readonly state: 'control' | 'leased' | 'expired' | 'ours' | 'foreign' | 'free'
  readonly keys: number
  /** Estimated from a few random keys; null: the server does not tell. */
  readonly bytes: number | null
  readonly lease: LeaseStatus | null
}

interface LeaseStatus {
  /** For `tiershard redis release`: database and fence. */
  readonly id: string
  readonly run: string
  readonly host: string
  readonly pid: number
  readonly shard: number
  /** ms since 1970, by the server's clock. */
  readonly since: number
  /** ms since 1970, by the server's clock. */
  readonly expires: number
  /** Whether a file is running in it, or was when its holder died. */
  readonly open: boolean
}

/** `usage`: the request makes no sense as it is. `refused`: somebody else's right stands against it. */
export type AdminResult =
  | { readonly kind: 'done'; readonly message: string }
  | { readonly kind: 'usage'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'infrastructure'; readonly cause: Cause }

/** For people who look after a server; never starts one. */
export interface RedisAdmin {
  readonly facts: ServerFacts
  status(): Promise<
    { readonly ok: true; readonly databases: DatabaseStatus[] } | { readonly ok: false; readonly cause: Cause }
  >
  /** Declares what a database holds ours, so that the next run may flush it. */
  adopt(database: number): Promise<AdminResult>
  /** Takes a lease away from its holder, whose run then ends its file as `lease lost`. */
  release(id: string): Promise<AdminResult>
  close(): Promise<void>
}

/** Connects to the server that a run would use, if that is one that is there: REDIS_URL, or a URL of the settings. */
export async function openAdmin(
  settings: RedisSettings,
  env: NodeJS.ProcessEnv,
  openCluster: OpenCluster | null = null,
): Promise<{ ok: true; admin: RedisAdmin } | { ok: false; cause: Cause }> {
  const choice = await choose(settings.source, env, settings.kubernetes)
  if (choice.kind === 'local' || choice.kind === 'embedded') return { ok: false, cause: nothingToLookAt() }
  const signal = AbortSignal.timeout(LOOK_LIMIT_MS)
  const reached = await reach(choice, settings, { env, signal, openCluster })
  if (!reached.ok) return reached
  const { address, origin, own } = reached
  const opened = await connect(address, origin, signal)
  if (opened.ok) return { ok: true, admin: new Operator(opened.connection, opened.facts, own) }
  await own?.stop()
  return opened
}

class Operator implements RedisAdmin {
  readonly facts: ServerFacts
  readonly #connection: AdminConnection
  readonly #own: Owned | null

  constructor(connection: AdminConnection, facts: ServerFacts, own: Owned | null) {
    this.#connection = connection
    this.#own = own
    this.facts = facts
  }

  async status(): Promise<{ ok: true; databases: DatabaseStatus[] } | { ok: false; cause: Cause }> {
    const answer = await this.#run('status', [RECORD_PREFIX], [this.facts.databases])
    if (!answer.ok) return answer
    const [now, ...rows] = answer.value as [string, ...StatusRow[]]
    const databases = rows.map((row, database) => describe(row, database, this.facts.control, Number(now)))
    return { ok: true, databases }
  }

  async adopt(database: number): Promise<AdminResult> {
    if (!Number.isInteger(database) || database < 0 || database >= this.facts.databases) {
      return { kind: 'usage', message: `${this.facts.address} has databases 0 to ${this.facts.databases - 1}.` }
    }
    if (database === this.facts.control) {
      return { kind: 'usage', message: `Database ${database} holds the leases; it is never leased itself.` }
    }
    const answer = await this.#run('adopt', [recordKey(database), FENCES], [database])
    if (!answer.ok) return { kind: 'infrastructure', cause: answer.cause }
    const reply = answer.value as ['ok', number] | ['empty'] | ['held', string, string]
    if (reply[0] === 'ok') {
      return {
        kind: 'done',
        message: `Database ${database} is tiershard's now; its ${reply[1]} keys go when it is next leased.`,
      }
    }
    if (reply[0] === 'empty')
      return { kind: 'done', message: `Database ${database} is empty: there is nothing to adopt.` }
    return { kind: 'refused', message: `Database ${database} is leased by run ${reply[1]} on ${reply[2]}.` }
  }

  async release(id: string): Promise<AdminResult> {
    const [, database, fence] = /^(\d{1,5})-(\d{1,16})$/.exec(id) ?? []
    if (database === undefined || fence === undefined) {
      return {
        kind: 'usage',
        message: `"${id}" is not the id of a lease; they look like 3-1763618399123 (see status).`,
      }
    }
    const answer = await this.#run('revoke', [recordKey(Number(database))], [fence])
    if (!answer.ok) return { kind: 'infrastructure', cause: answer.cause }
    const reply = answer.value as ['ok', string, string] | ['none']
    if (reply[0] === 'none')
      return { kind: 'refused', message: `There is no lease ${id}; see \`tiershard redis status\`.` }
    return { kind: 'done', message: `Took database ${database} from run ${reply[1]} on ${reply[2]}.` }
  }

  async close(): Promise<void> {
    this.#connection.close()
    await this.#own?.stop()
  }

  #run(script: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<Answer> {
    return this.#connection.run({ script, keys, args: [this.facts.control, ...args], patienceMs: 0, repeatable: false })
  }
}

/** A row of status.lua: keys, marked, owner, fence, run, host, pid, shard, since, expires, open, bytes. */
type StatusRow = [number, number, string, string, string, string, string, string, string, string, string, number]

function describe(row: StatusRow, database: number, control: number, now: number): DatabaseStatus {
  const [keys, marked, owner, fence, run, host, pid, shard, since, expires, open, bytes] = row
  const lease: LeaseStatus | null =
    owner === ''
      ? null
      : {
          id: `${database}-${fence}`,
          run,
          host,
          pid: Number(pid),
          shard: Number(shard),
          since: Number(since),
          expires: Number(expires),
          open: open === '1',
        }
  return { database, state: stateOf(), keys, bytes: bytes < 0 ? null : bytes, lease }

  function stateOf(): DatabaseStatus['state'] {
    if (database === control) return 'control'
    if (lease) return lease.expires > now ? 'leased' : 'expired'
    if (keys === 0) return 'free'
    return marked === 1 ? 'ours' : 'foreign'
  }
}

function nothingToLookAt(): Cause {
  return {
    code: 'redis-unreachable',
    message: 'There is no server to look at: REDIS_URL is not set, and no URL was given.',
    remedy:
      'Set REDIS_URL, or name the server with --redis redis://host:port. Local and embedded servers live only as long as their run.',
  }
}
