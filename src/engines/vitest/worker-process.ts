import { fork, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LeakedProcess } from '../../core/events.ts'
import { endOurs, MARK, ownMark } from './marks.ts'
import { killGroup, signalGroup, sweepGroup } from './process-group.ts'

/** After a process has exited: how long its pipes may stay open (a descendant outside its group holds them), ms. */
const DRAIN_LIMIT_MS = 250
/** How long to wait for the killed descendants of a process that is gone, ms. */
const SWEEP_LIMIT_MS = 1_000
/** What a process has started may end with it, by itself, for so long before it counts as left running, ms. */
const GRACE_MS = 250
/** Between SIGTERM and SIGKILL for what it has left running, ms. */
const TERM_LIMIT_MS = 300
/** How much of the end of stderr is kept to recognise V8's last words, UTF-16 units. */
const LAST_WORDS = 16 * 1024
const OUT_OF_MEMORY = /FATAL ERROR: .*(?:out of memory|allocation failed|heap limit)/i

export interface Exit {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly outOfMemory: boolean
  /** Set when there never was a process. */
  readonly spawnError: Error | null
  /** What it had left running when it ended by itself. Linux only. */
  readonly leaked: readonly LeakedProcess[]
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
  readonly #mark: string
  #lastWords = ''
  /** Bytes of the trace that count; null: all. */
  #frozenAt: number | null = null
  #exited = false

  constructor(launch: Launch, listener: WorkerListener) {
    this.#trace = launch.trace
    this.#mark = ownMark(launch.env[MARK])
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

  /** SIGTERM goes to the process, which may end in order, or to its group; SIGKILL always to its group. */
  kill(signal: 'SIGTERM' | 'SIGKILL', to?: 'group'): void {
    if (this.#exited || this.pid === undefined) return
    if (signal === 'SIGKILL') killGroup(this.pid)
    else if (to === 'group') signalGroup(this.pid, signal)
    this.#child.kill(signal)
  }

  /** From now on it is being ended: what it traces does not count, and what it leaves running is no leak. */
  freeze(): void {
    this.#frozenAt ??= this.traceSize()
  }

  /** What the process has traced so far, from a byte offset on. */
  trace(from: number): string {
    try {
      return readFileSync(this.#trace)
        .subarray(from, this.#frozenAt ?? undefined)
        .toString('utf8')
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
    const exit = await new Promise<Omit<Exit, 'outOfMemory' | 'leaked'>>((resolve) => {
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal, spawnError: null }))
      child.on('error', (error) => {
        if (child.pid === undefined) resolve({ exitCode: null, signal: null, spawnError: error })
      })
    })
    this.#exited = true
    let leaked: readonly LeakedProcess[] = []
    if (exit.spawnError === null) {
      leaked = await this.#endTheRest(this.pid!)
      const limit = new AbortController()
      const late = sleep(DRAIN_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => {})
      await Promise.race([Promise.all([closed, disconnected]), late])
      limit.abort()
      child.stdout?.destroy()
      child.stderr?.destroy()
    }
    const aborted = exit.signal === 'SIGABRT' || exit.exitCode === 134
    return { ...exit, leaked, outOfMemory: OUT_OF_MEMORY.test(this.#lastWords) && (aborted || exit.exitCode !== 0) }
  }

  /** Whoever could still write to the database is gone when this resolves: its group, and on Linux what left its group. */
  async #endTheRest(pid: number): Promise<readonly LeakedProcess[]> {
    const killed = this.#frozenAt !== null
    const limits = { graceMs: killed ? 0 : GRACE_MS, termMs: TERM_LIMIT_MS, killMs: SWEEP_LIMIT_MS }
    const found = this.#mark === '' ? [] : await endOurs({ mark: this.#mark, group: pid }, limits)
    await sweepGroup(pid, SWEEP_LIMIT_MS)
    return killed ? [] : found
  }

  /** Removes the trace; the process must be gone, and its trace read. */
  discard(): void {
    rmSync(this.#trace, { force: true })
  }
}
