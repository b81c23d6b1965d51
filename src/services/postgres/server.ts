import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cause } from '../../core/ending.ts'
import { readPostgresUrl } from '../../core/postgres-url.ts'
import type { PostgresService } from '../../core/services.ts'
import { cancelled, noSecret } from '../causes.ts'
import { ServiceLog } from '../log.ts'
import type { Instance, Place, StartedInstance } from '../place.ts'
import { Admin } from './admin.ts'
import { addressOf, urlTo, valuesOf } from './client.ts'
import { startLocal, type LocalServer } from './local.ts'
import { within } from '../within.ts'
import { fillTemplate } from './template.ts'
import { dropOldDatabases, nameOf } from './names.ts'

/** `DROP DATABASE ... WITH (FORCE)` came with it. */
const OLDEST = 13
/** How long another session may still be on its way out of the template, ms. */
const BUSY_LIMIT_MS = 10_000
/** How long a file waits for its database, ms: as long as one question to the server may take, and another session. */
const CREATE_LIMIT_MS = 140_000
/** How long to wait for databases to be dropped, ms; each takes some 10. */
const DROP_LIMIT_MS = 10_000
const BUSY_PAUSE_MS = 50
const OBJECT_IN_USE = '55006'

export type StartedServer =
  | { readonly ok: true; readonly value: PostgresServer }
  | { readonly ok: false; readonly cause: Cause }

type Created = { readonly ok: true; readonly database: string } | { readonly ok: false; readonly cause: Cause }

/** A Postgres on which the run makes databases, and touches none that it has not made. */
export class PostgresServer {
  readonly #service: PostgresService
  readonly #place: Place
  readonly #url: string
  readonly #local: LocalServer | null
  readonly #log: ServiceLog
  readonly #made = new Set<string>()
  readonly #listeners = new Set<(cause: Cause) => void>()
  readonly #admin: Admin
  #template = ''
  #version = ''
  #died: Cause | null = null
  #stopped: Promise<void> | null = null

  /** Starts or finds the server, and fills the template that every database is copied from. */
  static async start(service: PostgresService, place: Place, signal: AbortSignal): Promise<StartedServer> {
    const startedAt = performance.now()
    const found = await findServer(service, place, signal)
    if (!found.ok) return found
    const { url, local } = found
    const log = local?.log ?? new ServiceLog(path.join(place.logs, `${service.name}.log`), [...place.concealed])
    const connected = await Admin.connect(url, `tiershard ${place.run}`)
    if (!connected.ok) {
      await local?.stop()
      log.close()
      return connected
    }
    const server = new PostgresServer(service, place, { url, local, log }, connected.admin)
    const problem = await server.#prepare(signal)
    if (problem !== null) {
      await server.stop()
      return { ok: false, cause: problem }
    }
    const how = local ? `local: ${local.bin}` : found.how
    place.hooks.ready({
      service: service.name,
      part: 'server',
      per: 'run',
      shard: null,
      what: `Postgres ${server.#version}, ${how}`,
      where: addressOf(url),
      readyMs: performance.now() - startedAt,
    })
    return { ok: true, value: server }
  }

  private constructor(
    service: PostgresService,
    place: Place,
    { url, local, log }: { url: string; local: LocalServer | null; log: ServiceLog },
    admin: Admin,
  ) {
    this.#service = service
    this.#place = place
    this.#url = url
    this.#local = local
    this.#log = log
    this.#admin = admin
    this.#watch()
  }

  /** Makes a database. It is dropped by its `stop`, whoever is connected to it then. */
  async database(shard: number, signal: AbortSignal): Promise<StartedInstance> {
    const { name, per } = this.#service
    const startedAt = performance.now()
    // One that is made after all is dropped with the server.
    const created = await within(this.#create(this.#template), CREATE_LIMIT_MS, signal)
    if (created === undefined) return { ok: false, cause: cancelled(name) }
    if (!created.ok) return { ok: false, cause: this.#died ?? created.cause }
    const readyMs = performance.now() - startedAt
    this.#place.hooks.ready({ service: name, part: 'database', per, shard, what: 'a database', where: null, readyMs })
    return { ok: true, value: this.#instance(created.database) }
  }

  get died(): Cause | null {
    return this.#died
  }

  onDied(callback: (cause: Cause) => void): void {
    if (this.#died) callback(this.#died)
    else this.#listeners.add(callback)
  }

  /** Drops what the run has made; a server of the run's own goes with it. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop())
  }

  async #stop(): Promise<void> {
    if (this.#local === null && this.#died === null) await within(this.#dropAll(), DROP_LIMIT_MS)
    await this.#admin.close()
    await this.#local?.stop()
    this.#log.close()
  }

  #instance(database: string): Instance {
    let dropped: Promise<unknown> | null = null
    const died = (): Cause | null => this.#died
    return {
      values: valuesOf(urlTo(this.#url, database)),
      get died() {
        return died()
      },
      onDied: (callback: (cause: Cause) => void) => this.onDied(callback),
      stop: async () => void (await (dropped ??= within(this.#drop(database), DROP_LIMIT_MS))),
    }
  }

  async #prepare(signal: AbortSignal): Promise<Cause | null> {
    const { name, setup } = this.#service
    const said = await this.#admin.askAgain<{ server_version: string }>('SHOW server_version')
    if (!said.ok) return said.cause
    this.#version = said.rows[0]?.server_version.split(' ')[0] ?? '0'
    if (Number.parseInt(this.#version, 10) < OLDEST) {
      const message = `The Postgres at ${addressOf(this.#url)} is version ${this.#version}, and ${OLDEST} is the oldest that is supported.`
      return { code: 'postgres-error', message, remedy: 'Use a newer server.' }
    }
    if (this.#local === null) await dropOldDatabases(this.#admin, this.#place)
    const created = await this.#create(null)
    if (!created.ok) return created.cause
    this.#template = created.database
    const url = urlTo(this.#url, this.#template)
    const problem = await fillTemplate({ name, setup, url, log: this.#log, place: this.#place, signal })
    if (problem !== null) return problem
    // From now on nobody is connected to it, which copying needs.
    const closed = await this.#admin.askAgain(`ALTER DATABASE ${this.#template} WITH ALLOW_CONNECTIONS false`)
    return closed.ok ? null : closed.cause
  }

  /** A new connection of anybody's to the original makes a copy wait: such a connection ends soon, or never came to be. */
  async #create(template: string | null): Promise<Created> {
    const until = performance.now() + BUSY_LIMIT_MS
    let database = this.#newName()
    for (let lost = 0; ;) {
      const answer = await this.#admin.ask(
        `CREATE DATABASE ${database}${template === null ? '' : ` TEMPLATE ${template}`}`,
      )
      if (answer.ok) return { ok: true, database }
      if (answer.lost && lost++ === 0) {
        // That one may be there already, or come to be: another name is in nobody's way.
        database = this.#newName()
        continue
      }
      if (answer.code !== OBJECT_IN_USE || performance.now() > until) return answer
      await sleep(BUSY_PAUSE_MS)
    }
  }

  /** Of a database that is dropped in the end, whether it came to be or not. */
  #newName(): string {
    const name = nameOf(this.#place.run, this.#place.next())
    this.#made.add(name)
    return name
  }

  async #dropAll(): Promise<void> {
    for (const database of this.#made) await this.#drop(database)
  }

  /** What cannot be dropped now is dropped by a run of tomorrow. */
  async #drop(database: string): Promise<void> {
    if (this.#died !== null || this.#admin.gone !== null) return
    const dropped = await this.#admin.askAgain(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
    if (dropped.ok) this.#made.delete(database)
  }

  /** Notices that the server is gone, by its process or by the connection that is always there. */
  #watch(): void {
    this.#local?.process.onDied((ended) => {
      const how = ended.kind === 'ended' ? ended.how : ended.error.message
      this.#die(this.#wentAway(`its process ended: ${how}`))
    })
    this.#admin.whenGone((cause) => this.#die(this.#wentAway(cause.message)))
  }

  #wentAway(why: string): Cause {
    return {
      code: 'service-went-away',
      message: `The Postgres ${this.#service.name} at ${addressOf(this.#url)} went away while files used it: ${why}`,
      remedy: this.#local ? 'Find out why in its log.' : 'Find out who stopped or restarted it.',
    }
  }

  #die(cause: Cause): void {
    if (this.#died !== null || this.#stopped !== null) return
    this.#died = cause
    for (const listener of this.#listeners) listener(cause)
  }
}

type Found =
  | { readonly ok: true; readonly url: string; readonly local: LocalServer | null; readonly how: string }
  | { readonly ok: false; readonly cause: Cause }

/** The server that was asked for, and no other. */
async function findServer(service: PostgresService, place: Place, signal: AbortSignal): Promise<Found> {
  const { source, name } = service
  if (source.kind === 'local') {
    const started = await startLocal(name, place, signal)
    return started.ok ? { ok: true, url: started.server.url, local: started.server, how: '' } : started
  }
  const variable = ['POSTGRES_URL', 'DATABASE_URL'].find((one) => place.env[one])
  const given = source.url ?? (variable === undefined ? null : place.env[variable]!)
  if (given === null) return { ok: false, cause: noSecret(name, 'URL', 'POSTGRES_URL (or DATABASE_URL)') }
  const read = readPostgresUrl(given)
  if (read === null) {
    const message = `${variable} is no URL of a Postgres, and the Postgres ${name} takes its address from there.`
    const remedy = 'postgres://user:password@host:5432/postgres, where a % of the password is written %25'
    return { ok: false, cause: { code: 'postgres-unreachable', message, remedy } }
  }
  for (const secret of read.secrets) place.hooks.conceal(secret)
  const { url } = read
  return { ok: true, url, local: null, how: source.url === null ? `url: ${variable} is set` : 'url: from the config' }
}
