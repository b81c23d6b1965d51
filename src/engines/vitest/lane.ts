import { EventEmitter } from 'node:events'
import path from 'node:path'
import { setImmediate as delivered, setTimeout as sleep } from 'node:timers/promises'
import type { WorkerRequest } from 'vitest/node'
import { Attempt } from './attempt.ts'
import { toErrorRecord } from '../errors.ts'
import type { Exit } from '../group-process.ts'
import type { Floor } from './floor.ts'
import { MARK } from '../../core/marks.ts'
import type { FromHost, HostSeat } from './protocol.ts'
import { STOP_LIMIT_MS, Worker, type Response, type RunRequest, type StartRequest, type StopRequest } from './worker.ts'
import type { Launch } from './worker-process.ts'

/** Longer than a worker that is asked to stop can take: the pool's own way to end it has failed, ms. */
const SETTLE_LIMIT_MS = 2 * STOP_LIMIT_MS

export interface LaneOptions {
  readonly floor: Floor
  readonly post: (message: FromHost) => void
  /** How the pool would start a worker; the seat's variables come on top. */
  readonly launch: Omit<Launch, 'trace'>
  /** The pool's name as tests should see it: `forks` or `vmForks`. */
  readonly pool: string
  /** Whether each file has a process of its own. */
  readonly isolated: boolean
  /** A process that uses more heap after a file is not used for another one, bytes. */
  readonly memoryLimit: number
  fileId(path: string): string
  /** Hands out, once, the errors that a file's process left to vitest because no test caught them. */
  readonly unhandled: (path: string) => readonly unknown[]
}

/**
 * Stands between one of vitest's pool runners and the processes that do its work. To the pool it is a worker that starts
 * at once, runs whatever it is given and always stops; so none of the pool's own limits (60 s to start or to stop, 90 s
 * for both) can strike while a file waits for a seat or a process dies. Behind that, each file gets a process with a
 * seat: a new one, or with `isolate: false` the one that ran the file before.
 */
export class Lane {
  /** Carries `message` to the pool. */
  readonly events = new EventEmitter()
  readonly #options: LaneOptions
  #start: StartRequest | null = null
  #worker: Worker | null = null
  /** The seat of the worker. */
  #seat: HostSeat | null = null
  /** The seat is being passed on to the next file, so that the end of the worker does not give it back. */
  #passing = false
  /** The attempt to which everything belongs that the worker says. */
  #attempt: Attempt | null = null
  /** The attempt's file has run to its end. */
  #finished = false
  /** The attempt's file was ended before that: what it may say on its way out does not count. */
  #killed = false
  #traceFrom = 0

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** A message of the pool. */
  send(message: WorkerRequest): void {
    switch (message.type) {
      case 'start':
        this.#start = message
        queueMicrotask(() => this.#reply('started'))
        return
      case 'run':
        void this.#run(message)
        return
      case 'stop':
        void this.#askToStop(message).then(() => this.#reply('stopped'))
        return
      case 'collect':
      case 'cancel':
      default:
        // The answer to a call that the worker made, or news for it.
        this.#worker?.send(message)
    }
  }

  /** Ends the worker, if there is one, and resolves when it is gone: the pool calls this after `stop`. */
  async end(): Promise<void> {
    await this.#worker?.terminate()
  }

  /** Waits until the pool has ended the worker, which it starts to do without waiting for it; then insists. */
  async settled(): Promise<void> {
    const limit = new AbortController()
    await Promise.race([this.#worker?.ended(), sleep(SETTLE_LIMIT_MS, undefined, limit).catch(() => {})])
    limit.abort()
    await this.end()
  }

  /** A request names one file; with `isolate: false` and one worker, vitest puts all files of a project into it. */
  async #run(request: RunRequest): Promise<void> {
    try {
      for (const file of request.context.files) {
        const one = { ...request, context: { ...request.context, files: [file] } }
        await this.#runFile(this.#options.fileId(file.filepath), file.filepath, one)
      }
    } catch (error) {
      // Not the file's fault: no descriptor is left, or the scratch folder is gone.
      this.#options.post({ type: 'stray', error: toErrorRecord(error) })
      if (this.#worker === null) this.#leave()
    }
    this.#reply('testfileFinished')
  }

  async #runFile(id: string, filepath: string, request: RunRequest): Promise<void> {
    const { floor, post, unhandled, pool } = this.#options
    const seat = await this.#takeSeat(id)
    if (seat === null) return
    const fresh = this.#worker === null
    const worker = (this.#worker ??= this.#spawn(seat))
    const attempt = new Attempt(id, filepath, post, unhandled, floor.testName)
    this.#attempt = attempt
    this.#finished = false
    this.#traceFrom = worker.traceSize()
    this.#killed = false
    floor.opened(attempt, (how) => {
      if (!this.#finished) {
        this.#killed = true
        attempt.freeze()
      }
      worker.kill(how)
    })
    // Said before vitest is loaded, not after: from here on the file's deadline runs, and somebody may kill it.
    attempt.started(seat.id)
    const problem = fresh ? await worker.boot(this.#start!, seat, pool) : null
    if (problem !== null) {
      // The user's environment or options are to blame, not a crash: the file ends with this error.
      attempt.error(problem)
      this.#finished = true
      worker.kill('now')
      return worker.ended()
    }
    const finished = await worker.run(request)
    if (finished === null) return
    if (this.#killed) return worker.ended()
    if (finished.error !== undefined) attempt.error(finished.error)
    this.#finished = true
    // With a process of its own, what it says while it ends is the file's too.
    if (this.#options.isolated) return
    await delivered()
    this.#close(attempt)
    if ((finished.usedMemory ?? 0) > this.#options.memoryLimit) await this.#retire()
  }

  /** A seat for the file; null when it is dropped. The lane's worker, if one is left after this, holds it. */
  async #takeSeat(file: string): Promise<HostSeat | null> {
    const { floor } = this.#options
    if (this.#worker !== null && this.#seat !== null) {
      const held = this.#seat
      this.#passing = true
      const seat = await floor.seat(file, held)
      this.#passing = false
      this.#seat = seat ?? held
      const gone = this.#worker === null
      if (gone) this.#leave()
      if (!gone && seat !== null && !floor.stopping && sameEnvironment(seat.env, held.env)) return seat
      // A process whose shard is closed serves no other file, and another suite's variables cannot be given to it.
      await this.#retire()
      if (seat === null) return null
    }
    const seat = await floor.seat(file, null)
    if (seat !== null && floor.stopping) {
      floor.left(seat)
      return null
    }
    this.#seat = seat
    return seat
  }

  #spawn(seat: HostSeat): Worker {
    const { floor, launch } = this.#options
    const number = floor.nextProcess()
    const trace = path.join(floor.scratch, `vitest-${process.pid}-${number}.trace`)
    const env = { ...launch.env, [MARK]: `${launch.env[MARK] ?? ''}/${process.pid}-${number}` }
    const worker = new Worker({ ...launch, env, trace }, seat, {
      call: (frame) => this.events.emit('message', frame),
      output: (stream, text) => this.#attempt?.output(stream, text),
      ended: (exit) => this.#gone(worker, exit),
    })
    if (worker.pid !== undefined) floor.spawned(seat, worker.pid)
    return worker
  }

  #gone(worker: Worker, exit: Exit): void {
    const attempt = this.#attempt
    if (attempt) {
      if (this.#finished && exit.leaked.length > 0) attempt.leaked(exit.leaked)
      if (!this.#finished) attempt.died(exit, worker.trace(this.#traceFrom))
      this.#close(attempt)
    }
    this.#worker = null
    if (!this.#passing) this.#leave()
  }

  #close(attempt: Attempt): void {
    if (this.#finished) attempt.completed()
    this.#options.floor.closed(attempt)
    this.#attempt = null
  }

  #leave(): void {
    if (this.#seat) this.#options.floor.left(this.#seat)
    this.#seat = null
  }

  async #retire(): Promise<void> {
    await this.#askToStop({ type: 'stop', __vitest_worker_request__: true })
    await this.end()
  }

  async #askToStop(request: StopRequest): Promise<void> {
    const answer = await this.#worker?.askToStop(request)
    if (answer === 'late') {
      const note = `\n[tiershard: the worker process did not stop within ${STOP_LIMIT_MS} ms and was killed]\n`
      this.#attempt?.output('stderr', note)
    } else if (answer?.error !== undefined) {
      if (this.#attempt) this.#attempt.error(answer.error)
      else this.#options.post({ type: 'stray', error: toErrorRecord(answer.error) })
    }
  }

  #reply(type: Response['type']): void {
    this.events.emit('message', { __vitest_worker_response__: true, type } satisfies Response)
  }
}

function sameEnvironment(a: HostSeat['env'], b: HostSeat['env']): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
}
