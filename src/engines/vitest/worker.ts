import { setImmediate as delivered, setTimeout as sleep } from 'node:timers/promises'
import type { WorkerRequest } from 'vitest/node'
import { withSeat } from '../environment.ts'
import { engineError } from '../errors.ts'
import { TERM_LIMIT_MS, type Exit } from '../group-process.ts'
import type { HostSeat } from './protocol.ts'
import { WorkerProcess, type Launch } from './worker-process.ts'

/** How long a worker may take to load vitest and the test environment before it runs a file, ms. */
const START_LIMIT_MS = 60_000
/** How long a worker may take to end its environment when it is asked to stop, ms. */
export const STOP_LIMIT_MS = 1_500

export type StartRequest = Extract<WorkerRequest, { type: 'start' }>
export type RunRequest = Extract<WorkerRequest, { type: 'run' }>
export type StopRequest = Extract<WorkerRequest, { type: 'stop' }>

/** What a worker says to vitest's pool, apart from its calls of vitest's functions. */
export interface Response {
  readonly __vitest_worker_response__: true
  readonly type: 'started' | 'testfileFinished' | 'stopped'
  readonly error?: unknown
  readonly usedMemory?: number
}

export interface WorkerEvents {
  /** A frame of vitest's RPC, for the pool. */
  call(frame: unknown): void
  output(stream: 'stdout' | 'stderr', text: string): void
  /** The process is gone and all that it said has been heard. Whoever waits for an answer of it hears so after this. */
  ended(exit: Exit): void
}

/** A worker process that has a seat, and the conversation with it, in which every wait ends. */
export class Worker {
  readonly #process: WorkerProcess
  readonly #events: WorkerEvents
  readonly #ended: Promise<void>
  readonly #waiting = new Map<Response['type'], (response: Response | null) => void>()

  constructor(launch: Launch, seat: HostSeat, events: WorkerEvents) {
    this.#events = events
    this.#process = new WorkerProcess(
      { ...launch, env: withSeat(launch.env, seat) },
      {
        message: (message) => this.#hear(message),
        output: (stream, text) => events.output(stream, text),
      },
    )
    this.#ended = this.#watch()
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Has the process load vitest. Returns what went wrong, if something did. */
  async boot(start: StartRequest, seat: HostSeat, pool: string): Promise<unknown> {
    const { config } = start.context
    // vitest copies its `env` over the process's: a REDIS_URL in the user's config must not win over the seat's.
    const own = { ...config, pool, env: withSeat(config.env, seat) }
    const started = this.#next('started')
    try {
      this.send({ ...start, context: { ...start.context, pool, config: own } })
    } catch (error) {
      return error
    }
    const answer = await within(START_LIMIT_MS, started)
    if (answer === 'late') return engineError(`The worker process did not start within ${START_LIMIT_MS / 1000} s.`)
    return answer?.error ?? null
  }

  /** Has the process run a file. null: it died. */
  async run(request: RunRequest): Promise<Response | null> {
    const finished = this.#next('testfileFinished')
    this.send(request)
    return finished
  }

  /** Has the process tear its environment down. null: it died; `late`: it did not listen, and was killed. */
  async askToStop(request: StopRequest): Promise<Response | 'late' | null> {
    const stopped = this.#next('stopped')
    this.send(request)
    const answer = await within(STOP_LIMIT_MS, stopped)
    if (answer === 'late') this.kill()
    return answer
  }

  /** Ends the process, the hard way if it must be, and resolves when it is gone. */
  async terminate(): Promise<void> {
    this.#process.terminate()
    const force = setTimeout(() => this.kill('now'), TERM_LIMIT_MS)
    await this.#ended
    clearTimeout(force)
  }

  /** SIGTERM to the process and what it has started, and soon after SIGKILL; `now`: SIGKILL at once. */
  kill(how?: 'now'): void {
    this.#process.end(how)
  }

  send(message: unknown): void {
    this.#process.send(message)
  }

  /** Resolves when the process is gone and {@link WorkerEvents.ended} was told. */
  async ended(): Promise<void> {
    await this.#ended
  }

  trace(from: number): string {
    return this.#process.trace(from)
  }

  traceSize(): number {
    return this.#process.traceSize()
  }

  async #watch(): Promise<void> {
    const exit = await this.#process.ended
    // vitest handles what the process said last in microtasks; they are done after one turn of the loop.
    await delivered()
    this.#events.ended(exit)
    this.#process.discard()
    for (const type of this.#waiting.keys()) this.#settle(type, null)
  }

  #hear(message: unknown): void {
    if (isResponse(message)) return this.#settle(message.type, message)
    const log = consoleLog(message)
    if (log) this.#events.output(log.type, log.content)
    this.#events.call(message)
  }

  /** The process's next answer of this type; null when it ends before. */
  #next(type: Response['type']): Promise<Response | null> {
    const { promise, resolve } = Promise.withResolvers<Response | null>()
    this.#waiting.set(type, resolve)
    // It may have ended already, before anybody waited.
    if (!this.#process.alive) void this.#ended.then(() => this.#settle(type, null))
    return promise
  }

  #settle(type: Response['type'], response: Response | null): void {
    const resolve = this.#waiting.get(type)
    this.#waiting.delete(type)
    resolve?.(response)
  }
}

async function within<T>(limitMs: number, answer: Promise<T>): Promise<T | 'late'> {
  const limit = new AbortController()
  const late = sleep(limitMs, 'late' as const, limit)
  try {
    return await Promise.race([answer, late])
  } finally {
    late.catch(() => {})
    limit.abort()
  }
}

function isResponse(message: unknown): message is Response {
  return typeof message === 'object' && message !== null && '__vitest_worker_response__' in message
}

/**
 * A console.log in a frame of vitest's RPC (birpc: method `m`, arguments `a`). vitest's reporter gets the same log, but
 * outside of a test it does not say which file wrote it; the process does.
 */
function consoleLog(frame: unknown): { type: 'stdout' | 'stderr'; content: string } | null {
  if (typeof frame !== 'object' || frame === null) return null
  const { m: method, a: args } = frame as { m?: unknown; a?: unknown[] }
  if (method !== 'onUserConsoleLog' || !Array.isArray(args)) return null
  const { type, content } = args[0] as { type?: unknown; content?: unknown }
  if ((type !== 'stdout' && type !== 'stderr') || typeof content !== 'string') return null
  return { type, content }
}
