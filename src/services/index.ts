import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Cause } from '../core/ending.ts'
import type {
  Death,
  EndProcesses,
  Left,
  ServiceAccess,
  ServiceHooks,
  Services,
  ServiceVisit,
  Visited,
} from '../core/service-ports.ts'
import { needsOf, REDIS, withNeeds, type ServiceSettings } from '../core/services.ts'
import { startCommand } from './command.ts'
import { startInOrder, type Outcome } from './order.ts'
import { postgresEnvironment, removeFolder, type Instance, type Place, type StartedInstance } from './place.ts'
import type { PostgresServer } from './postgres/server.ts'
import { Watchdog } from './watchdog.ts'

export interface ServicesOptions {
  readonly services: readonly ServiceSettings[]
  readonly run: string
  /** Absolute path of the project. */
  readonly root: string
  /** The folder for their logs. */
  readonly logs: string
  readonly env: NodeJS.ProcessEnv
  readonly end: EndProcesses
}

/** The services of a run. Nothing is started yet. */
export async function openServices(options: ServicesOptions, hooks: ServiceHooks): Promise<Services> {
  const { run, root, logs, env, end } = options
  const folder = await mkdtemp(path.join(tmpdir(), 'tiershard-services-'))
  let count = 0
  const concealed = new Set<string>()
  const conceal = (secret: string): void => {
    concealed.add(secret)
    hooks.conceal(secret)
  }
  const watchdog = new Watchdog(folder)
  const next = (): number => ++count
  const place = { run, root, logs, folder, env, end, hooks: { ...hooks, conceal }, concealed, watchdog, next }
  return new RunServices(options.services, place)
}

/** What lives on a shard: by service, with what it was started with. */
interface Kept {
  readonly service: ServiceSettings
  readonly instance: Instance
  readonly signature: string
}

class RunServices implements Services {
  readonly #services: readonly ServiceSettings[]
  readonly #place: Place
  readonly #needs: ReturnType<typeof needsOf>
  /** Commands that live as long as the run. */
  readonly #running = new Map<string, Instance>()
  readonly #servers = new Map<string, PostgresServer>()
  readonly #shards = new Map<number, Map<string, Kept>>()
  readonly #listeners = new Set<(death: Death) => void>()
  /** Services of the run that have ended by themselves. */
  readonly #dead: Death[] = []
  /** By shard, the services that its last file names. */
  readonly #visits = new Map<number, readonly string[]>()
  #stopping = false

  constructor(services: readonly ServiceSettings[], place: Place) {
    this.#services = services
    this.#place = place
    this.#needs = needsOf(services)
  }

  async start(names: readonly string[], signal: AbortSignal): Promise<Outcome> {
    const wanted = this.#wanted(names).filter(({ kind, per }) => kind === 'postgres' || per === 'run')
    const start = (service: ServiceSettings, either: AbortSignal): Promise<Outcome> =>
      this.#startForRun(service, either)
    return startInOrder(wanted, start, signal, this.#wanted(names))
  }

  async open(visit: ServiceVisit, signal: AbortSignal): Promise<Visited> {
    const shard = this.#shards.get(visit.shard) ?? new Map<string, Kept>()
    this.#shards.set(visit.shard, shard)
    this.#visits.set(visit.shard, visit.services)
    const short = this.#wanted(visit.services).filter(({ per }) => per !== 'run')
    const begin = (service: ServiceSettings, either: AbortSignal): Promise<StartedInstance> =>
      this.#startForShard(service, shard, visit, either)
    const started = await startInOrder(short, begin, signal)
    if (!started.ok) return started
    return { ok: true, access: this.#access(visit.services, shard) }
  }

  async close(number: number): Promise<Left> {
    const shard = this.#shards.get(number) ?? new Map<string, Kept>()
    const used = withNeeds(this.#visits.get(number) ?? [], this.#needs)
    const died = used.map((name) => shard.get(name)?.instance.died).find((cause) => cause) ?? null
    await this.#end(shard, ({ service, instance }) => service.per === 'file' || instance.died !== null)
    const usesRedis = [...shard.values()].some(({ service }) => this.#usesRedis(service))
    return { usesRedis, died }
  }

  async leaveShards(): Promise<void> {
    await Promise.all([...this.#shards.values()].map((shard) => this.#end(shard, () => true)))
  }

  onDied(callback: (death: Death) => void): () => void {
    for (const death of this.#dead) callback(death)
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.leaveShards()
    await inReverse([...this.#running].map(([name, instance]) => ({ service: this.#service(name), instance })))
    await Promise.all([...this.#servers.values()].map((server) => server.stop()))
    const { watchdog, folder, hooks } = this.#place
    watchdog.stop()
    const left = await removeFolder(folder)
    if (left) hooks.notice(`the folder of the services could not be removed, and may hold secrets: ${left.message}`)
  }

  // ---- starting ----------------------------------------------------------------------------------------------------

  async #startForRun(service: ServiceSettings, signal: AbortSignal): Promise<Outcome> {
    const died = (cause: Cause): void => {
      const death = this.#deathOf(service.name, null, cause)
      this.#dead.push(death)
      this.#tell(death)
    }
    if (service.kind === 'postgres') {
      const { PostgresServer: Server } = await import('./postgres/server.ts')
      const started = await Server.start(service, this.#place, signal)
      if (!started.ok) return started
      this.#servers.set(service.name, started.value)
      started.value.onDied(died)
      return started
    }
    const needs = this.#access(service.needs, null)
    const around = { shard: null, redis: {}, ...needs, secrets: secretsOf(needs.values) }
    const started = await startCommand(service, around, this.#place, signal)
    if (!started.ok) return started
    this.#running.set(service.name, started.value)
    started.value.onDied(died)
    return started
  }

  /** A service of a shard that is there already stays, unless it was started with something else. */
  async #startForShard(
    service: ServiceSettings,
    shard: Map<string, Kept>,
    visit: ServiceVisit,
    signal: AbortSignal,
  ): Promise<StartedInstance> {
    const needs = this.#access(service.needs, shard)
    const redis = Object.fromEntries(
      Object.entries(visit.env).filter(
        (entry): entry is [string, string] => entry[0].startsWith('REDIS_') && entry[1] !== null,
      ),
    )
    const values = { ...visit.values, ...needs.values }
    const signature = JSON.stringify(this.#usesRedis(service) ? [redis, values] : needs)
    const kept = shard.get(service.name)
    const stays = service.per === 'shard' && kept?.signature === signature && kept.instance.died === null
    if (stays) return { ok: true, value: kept.instance }
    await kept?.instance.stop()
    shard.delete(service.name)
    const started =
      service.kind === 'postgres'
        ? await this.#servers.get(service.name)!.database(visit.shard, signal)
        : await startCommand(
            service,
            { shard: visit.shard, redis, env: needs.env, values, secrets: secretsOf(values) },
            this.#place,
            signal,
          )
    if (!started.ok) return started
    shard.set(service.name, { service, instance: started.value, signature })
    // A server that dies is told of once, for all shards.
    if (service.kind === 'command')
      started.value.onDied((cause) => this.#tell(this.#deathOf(service.name, visit.shard, cause)))
    return started
  }

  // ---- what there is -------------------------------------------------------------------------------------------------

  #service(name: string): ServiceSettings {
    return this.#services.find((service) => service.name === name)!
  }

  #wanted(names: readonly string[]): ServiceSettings[] {
    return withNeeds(names, this.#needs).map((name) => this.#service(name))
  }

  #usesRedis(service: ServiceSettings): boolean {
    return withNeeds([service.name], this.#needs).some((name) => this.#needs.get(name)?.includes(REDIS))
  }

  /** What these services and their needs say, and the variables that those named hand on. */
  #access(names: readonly string[], shard: ReadonlyMap<string, Kept> | null): ServiceAccess {
    const valuesIn = (name: string): Readonly<Record<string, string>> =>
      (shard?.get(name)?.instance ?? this.#running.get(name))?.values ?? {}
    const values = withNeeds(names, this.#needs).flatMap((name) =>
      Object.entries(valuesIn(name)).map(([value, text]) => [`services.${name}.${value}`, text] as const),
    )
    const databases = names.filter((name) => name !== REDIS && this.#service(name).kind === 'postgres')
    // Of several, none is the one.
    const env = databases.length === 1 ? postgresEnvironment(valuesIn(databases[0]!)) : {}
    return { values: Object.fromEntries(values), env }
  }

  #deathOf(service: string, shard: number | null, cause: Cause): Death {
    return { shard, cause, concerns: (services) => withNeeds(services, this.#needs).includes(service) }
  }

  #tell(death: Death): void {
    if (this.#stopping) return
    for (const listener of this.#listeners) listener(death)
  }

  /** Ends those that are chosen: first what uses others, then what is used. */
  async #end(shard: Map<string, Kept>, chosen: (kept: Kept) => boolean): Promise<void> {
    const ending = [...shard.values()].filter(chosen)
    await inReverse(ending)
    for (const { service } of ending) shard.delete(service.name)
  }
}

/** Programs first, side by side, and databases when nobody uses them any more. */
async function inReverse(ending: readonly Pick<Kept, 'service' | 'instance'>[]): Promise<void> {
  for (const kind of ['command', 'postgres'] as const) {
    await Promise.all(ending.filter(({ service }) => service.kind === kind).map(({ instance }) => instance.stop()))
  }
}

/** The values that are passwords. */
function secretsOf(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => (name.endsWith('.password') && value !== '' ? [value] : []))
}
