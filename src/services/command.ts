import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { unreachable, type Cause } from '../core/ending.ts'
import { MARK, markBelow } from '../core/marks.ts'
import { fillIn } from '../core/placeholders.ts'
import { REDIS, type CommandService } from '../core/services.ts'
import { cancelled, noSecret, portTaken, startFailed, typed, withLog } from './causes.ts'
import { ServiceLog } from './log.ts'
import { cleanEnvironment, removeFolder } from './place.ts'
import type { Instance, Place, StartedInstance } from './place.ts'
import { freePort, isTaken } from './ports.ts'
import { ServiceProcess, type Ended } from './process.ts'
import { whenReady } from './ready.ts'

const HOST = '127.0.0.1'
/** Between the choice of a free port and the start, somebody else may take it. */
const PORT_TRIES = 5
const ADDRESS_IN_USE = /EADDRINUSE|address already in use|port \S* ?is already in use/i

/** Where an instance belongs, and what is given to it. */
export interface Surroundings {
  /** null: it lives as long as the run. */
  readonly shard: number | null
  /** Variables of the shard, where the service needs Redis. */
  readonly redis: Readonly<Record<string, string>>
  /** Variables that its needs hand on. */
  readonly env: Readonly<Record<string, string>>
  /** What placeholders stand for, but for its own. */
  readonly values: Readonly<Record<string, string>>
  /** What must not be read in its log. */
  readonly secrets: readonly string[]
}

/** Starts a program, and waits until it is ready. Nothing of it is left when that fails. */
export async function startCommand(
  service: CommandService,
  around: Surroundings,
  place: Place,
  signal: AbortSignal,
): Promise<StartedInstance> {
  const secrets = readSecrets(service, place)
  if (!secrets.ok) return secrets
  const { name, port: wanted } = service
  const file = around.shard === null ? `${name}.log` : `${name}.shard-${around.shard}.log`
  for (let attempt = 1; ; attempt++) {
    const port = wanted === 'free' ? await freePort() : wanted
    // One for each try: what an earlier one has said must not be taken for the words of this one.
    const log = new ServiceLog(path.join(place.logs, file), [...around.secrets, ...place.concealed])
    if (wanted !== 'free' && port !== null && (await isTaken(port))) {
      log.close()
      return { ok: false, cause: portTaken(name, port, log, place.root) }
    }
    const start = new CommandStart(service, around, place, secrets.values, port, log)
    const started = await start.run(signal).catch(async (error: unknown) => {
      await start.stop()
      throw error
    })
    if (started.ok) return started
    const again =
      wanted === 'free' && started.cause.code === 'service-exited' && log.says(ADDRESS_IN_USE) && attempt < PORT_TRIES
    if (again) log.note(`port ${port} was taken meanwhile`)
    await start.stop()
    if (!again) return started
  }
}

type Secrets =
  | { readonly ok: true; readonly values: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly cause: Cause }

function readSecrets({ name, secrets }: CommandService, { env, hooks }: Place): Secrets {
  const values: Record<string, string> = {}
  for (const [secret, variable] of Object.entries(secrets)) {
    const value = env[variable]
    if (value === undefined || value === '') return { ok: false, cause: noSecret(name, secret, variable) }
    hooks.conceal(value)
    values[secret] = value
  }
  return { ok: true, values }
}

/** One try to start a service, and the instance if it succeeds. The log is closed with it. */
class CommandStart implements Instance {
  readonly values: Readonly<Record<string, string>>
  readonly #service: CommandService
  readonly #around: Surroundings
  readonly #place: Place
  readonly #port: number | null
  readonly #log: ServiceLog
  readonly #folder: string
  readonly #filled: Readonly<Record<string, string>>
  #process: ServiceProcess | null = null
  #stopped: Promise<void> | null = null

  constructor(
    service: CommandService,
    around: Surroundings,
    place: Place,
    secrets: Readonly<Record<string, string>>,
    port: number | null,
    log: ServiceLog,
  ) {
    this.#service = service
    this.#around = around
    this.#place = place
    this.#port = port
    this.#log = log
    this.#folder = path.join(place.folder, `${service.name}-${place.next()}`)
    this.values = port === null ? {} : { url: `http://${HOST}:${port}`, host: HOST, port: String(port) }
    this.#filled = {
      ...around.values,
      ...Object.fromEntries(Object.entries(secrets).map(([secret, value]) => [`secrets.${secret}`, value])),
      run: place.run,
      folder: this.#folder,
      ...(port === null ? {} : { port: String(port) }),
    }
  }

  async run(signal: AbortSignal): Promise<StartedInstance> {
    const { name, command, cwd, ready, per } = this.#service
    const { root, watchdog, end, hooks } = this.#place
    const startedAt = performance.now()
    await this.#writeFiles()
    if (signal.aborted) return { ok: false, cause: cancelled(name) }
    const mark = `${this.#place.run}-services/${path.basename(this.#folder)}`
    const words = command.map(this.#fill)
    const env = this.#environment(mark)
    this.#log.note(`starts: ${typed(command)}`)
    const log = this.#log
    this.#process = new ServiceProcess({ command: words, cwd, env, mark, log, watchdog, end, signal: 'TERM' })
    const probe = { check: ready, host: HOST, port: this.#port, cwd, env, fill: this.#fill }
    const readiness = await whenReady(probe, this.#process, log, signal)
    switch (readiness.kind) {
      case 'ready': {
        const readyMs = performance.now() - startedAt
        const { shard } = this.#around
        const where = this.values['url'] ?? null
        hooks.ready({ service: name, part: 'process', per, shard, what: typed(command), where, readyMs })
        return { ok: true, value: this }
      }
      case 'ended':
        return { ok: false, cause: this.#endedEarly(readiness.ended) }
      case 'late': {
        const what = `The service ${name} was not ready after ${ready.limitMs / 1000} s: ${readiness.last}.`
        const remedy = `If it only needs more time: services.${name}.ready.within.`
        return { ok: false, cause: withLog('service-not-ready', what, remedy, log, root) }
      }
      case 'cancelled':
        return { ok: false, cause: cancelled(name) }
      default:
        return unreachable(readiness)
    }
  }

  get died(): Cause | null {
    const ended = this.#process?.died ?? null
    return ended && this.#wentAway(ended)
  }

  onDied(callback: (cause: Cause) => void): void {
    this.#process?.onDied((ended) => callback(this.#wentAway(ended)))
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop())
  }

  async #stop(): Promise<void> {
    await this.#process?.stop()
    this.#log.close()
    await removeFolder(this.#folder)
  }

  readonly #fill = (text: string): string => fillIn(text, this.#filled)

  #environment(mark: string): NodeJS.ProcessEnv {
    const { env, port, needs } = this.#service
    const own = Object.entries(env).map(([name, text]) => [name, this.#fill(text)])
    return {
      ...cleanEnvironment(this.#place.env),
      ...(needs.includes(REDIS) ? this.#around.redis : {}),
      ...this.#around.env,
      ...(port === null ? {} : { PORT: String(this.#port) }),
      ...Object.fromEntries(own),
      [MARK]: markBelow(this.#place.env[MARK], mark),
    }
  }

  /** Nobody else can read them: they may hold secrets. */
  async #writeFiles(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    for (const [name, content] of Object.entries(this.#service.files)) {
      const file = path.join(this.#folder, name)
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
      await writeFile(file, this.#fill(content), { mode: 0o600 })
      await chmod(file, 0o600)
    }
  }

  #endedEarly(ended: Ended): Cause {
    const { name, command, cwd, port } = this.#service
    const { root } = this.#place
    if (typeof port === 'number' && ended.kind === 'ended' && this.#log.says(ADDRESS_IN_USE)) {
      return portTaken(name, port, this.#log, root)
    }
    return startFailed(name, command, cwd, ended, this.#log, root)
  }

  #wentAway(ended: Ended): Cause {
    const { name } = this.#service
    const how = ended.kind === 'ended' ? ended.how : ended.error.message
    const what = `The service ${name} was ready, and ended by itself while files used it: ${how}.`
    const remedy = 'Find out why in its log. What tests sent to it may have made it end.'
    return withLog('service-went-away', what, remedy, this.#log, this.#place.root)
  }
}
