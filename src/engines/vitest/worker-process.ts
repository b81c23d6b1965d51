import { fork, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { killGroup, sweepGroup } from './process-group.ts'

/** After a process has exited: how long its pipes may stay open (a descendant outside its group holds them), ms. */
const DRAIN_LIMIT_MS = 250
/** How long to wait for the killed descendants of a process that is gone, ms. */
const SWEEP_LIMIT_MS = 1_000
/** How much of the end of stderr is kept to recognise V8's last words, UTF-16 units. */
const LAST_WORDS = 16 * 1024
const OUT_OF_MEMORY = /FATAL ERROR: .*(?:out of memory|allocation failed|heap limit)/i

export interface Exit {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly outOfMemory: boolean
  /** Set when there never was a process. */
  readonly spawnError: Error | null
}

export interface Launch {
  /** Absolute path of the script that the process runs. */
  readonly entrypoint: string
  readonly execArgv: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Absolute path of the file to which the process writes its trace. */
  readonly trace: string
}

export interface WorkerListener {
  message(message: unknown): void
  output(stream: 'stdout' | 'stderr', text: string): void
}

/**
 * One worker process, in a process group of its own: what a test starts dies with it, so that a forgotten child cannot
 * write to a database that has become somebody else's.
 */
export class WorkerProcess {
  /** Resolves when the process is reaped, its group is gone and everything it sent has been delivered. */
  readonly ended: Promise<Exit>
  /** undefined when the process could not be started. */
  readonly pid: number | undefined
  readonly #child: ChildProcess
  readonly #trace: string
  #lastWords = ''
  #exited = false

  constructor(launch: Launch, listener: WorkerListener) {
    this.#trace = launch.trace
    const trace = openSync(launch.trace, 'w')
    try {
      this.#child = fork(launch.entrypoint, [], {
        env: launch.env,
        execArgv: [...launch.execArgv],
        stdio: ['pipe', 'pipe', 'pipe', 'ipc', trace],
        serialization: 'advanced',
        detached: true,
      })
    } finally {
      closeSync(trace)
    }
    this.pid = this.#child.pid
    this.#child.on('message', (message) => listener.message(message))
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        if (stream === 'stderr') this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS)
        listener.output(stream, text)
      })
    }
    this.ended = this.#watch()
  }

  get alive(): boolean {
    return !this.#exited
  }

  /** Sends a message; to a process that is going away it is lost. Throws on what cannot be cloned. */
  send(message: unknown): void {
    if (this.#child.connected) this.#child.send(message as object, () => {})
  }

  /** SIGTERM goes to the process, which may end in order; SIGKILL to its whole group. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#exited || this.pid === undefined) return
    if (signal === 'SIGKILL') killGroup(this.pid)
    this.#child.kill(signal)
  }

  /** What the process has traced so far, from a byte offset on. */
  trace(from: number): string {
    try {
      return readFileSync(this.#trace).subarray(from).toString('utf8')
    } catch {
      return ''
    }
  }

  /** How many bytes it has traced so far. */
  traceSize(): number {
    return statSync(this.#trace, { throwIfNoEntry: false })?.size ?? 0
  }

  async #watch(): Promise<Exit> {
    const child = this.#child
    const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()))
    const disconnected = new Promise<void>((resolve) => {
      if (child.connected) child.once('disconnect', resolve)
      else resolve()
    })
    const exit = await new Promise<Omit<Exit, 'outOfMemory'>>((resolve) => {
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal, spawnError: null }))
      child.on('error', (error) => {
        if (child.pid === undefined) resolve({ exitCode: null, signal: null, spawnError: error })
      })
    })
    this.#exited = true
    if (exit.spawnError === null) {
      await sweepGroup(this.pid!, SWEEP_LIMIT_MS)
      const limit = new AbortController()
      const late = sleep(DRAIN_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => {})
      await Promise.race([Promise.all([closed, disconnected]), late])
      limit.abort()
      child.stdout?.destroy()
      child.stderr?.destroy()
    }
    const aborted = exit.signal === 'SIGABRT' || exit.exitCode === 134
    return { ...exit, outOfMemory: OUT_OF_MEMORY.test(this.#lastWords) && (aborted || exit.exitCode !== 0) }
  }

  /** Removes the trace; the process must be gone, and its trace read. */
  discard(): void {
    rmSync(this.#trace, { force: true })
  }
}
