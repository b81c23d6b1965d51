import { spawn, type ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { EndProcesses } from '../core/service-ports.ts'
import type { ServiceLog } from './log.ts'
import type { Watchdog } from './watchdog.ts'
import { within } from './within.ts'

/** How long a service may take to end in order before it is killed, ms. */
const STOP_LIMIT_MS = 2_000
/** How long its pipes may stay open after it is gone, ms. */
const DRAIN_LIMIT_MS = 1_000
/** How long to wait for one that was killed, ms: the system may not let us kill one that has become another user's. */
const GONE_LIMIT_MS = 5_000

export interface ProcessOptions {
  readonly command: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** What it and whatever it starts carry in their environment; see {@link EndProcesses}. */
  readonly mark: string
  readonly log: ServiceLog
  readonly watchdog: Watchdog
  readonly end: EndProcesses
  /** With which it ends in order. */
  readonly signal: 'TERM' | 'QUIT'
  /** Another user than ours. */
  readonly user?: { readonly uid: number; readonly gid: number }
}

/** The end of a process that nobody has asked for. */
export type Ended =
  | { readonly kind: 'not-started'; readonly error: NodeJS.ErrnoException }
  /** How, for people: "exit code 3", "SIGKILL". */
  | { readonly kind: 'ended'; readonly how: string }

/** A process of a service, with a session of its own: Ctrl-C on the terminal reaches the run, which ends it in its turn. */
export class ServiceProcess {
  /** null: there never was one. */
  readonly #child: ChildProcess | null
  readonly #options: ProcessOptions
  /** Resolves when it has ended and its log is complete; if nobody has asked for that, with everything that it has started. */
  readonly #gone: Promise<true>
  readonly #listeners = new Set<(ended: Ended) => void>()
  #died: Ended | null = null
  #stopping: Promise<void> | null = null

  constructor(options: ProcessOptions) {
    this.#options = options
    const { log, watchdog, signal } = options
    const child = launch(options)
    if (child instanceof Error) {
      this.#child = null
      this.#died = { kind: 'not-started', error: child }
      this.#gone = Promise.resolve(true)
      return
    }
    this.#child = child
    const { pid } = child
    if (pid !== undefined) watchdog.add(pid, signal)
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]?.setEncoding('utf8').on('data', (text: string) => log.append(stream, text))
    }
    this.#gone = new Promise((resolve) => {
      const end = (ended: Ended): void => {
        if (this.#stopping === null) this.#died = ended
        void this.#leave().then(() => {
          resolve(true)
          if (this.#died) for (const listener of this.#listeners) listener(this.#died)
        })
      }
      child.once('error', (error) => {
        if (pid === undefined) end({ kind: 'not-started', error })
      })
      child.once('exit', (code, by) => end({ kind: 'ended', how: by ?? `exit code ${code}` }))
    })
  }

  /** Its end, when nobody has asked for it; null while it runs, and when it was stopped. */
  get died(): Ended | null {
    return this.#died
  }

  /** Calls back when it has ended without having been stopped, and all that it said is in its log. */
  onDied(callback: (ended: Ended) => void): void {
    const died = this.#died
    if (died) void this.#tellLate(died, callback)
    else this.#listeners.add(callback)
  }

  /** In order, and after 2 s by force, with everything that it has started; safe to call twice. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop())
  }

  async #stop(): Promise<void> {
    const { watchdog, signal } = this.#options
    const pid = this.#child?.pid
    if (pid === undefined) return
    if (this.#died === null) {
      signalGroup(pid, signal)
      await within(this.#gone, STOP_LIMIT_MS)
    }
    await this.#endTheRest(pid)
    if (await within(this.#gone, GONE_LIMIT_MS)) watchdog.drop(pid, signal)
    else this.#abandon()
  }

  /** Nothing waits for it any more, the end of this process neither. */
  #abandon(): void {
    this.#child?.stdout?.destroy()
    this.#child?.stderr?.destroy()
    this.#child?.unref()
  }

  async #endTheRest(pid: number): Promise<void> {
    const { mark, end } = this.#options
    // Without a handle left nobody is found; the limit and the watchdog stay.
    await end({ mark, group: pid }).catch(() => {})
  }

  /**
   * First what it has started is ended, which may hold its pipes open, and then its last words are read. What was told to
   * end has been told with its group, and may take its time.
   */
  async #leave(): Promise<void> {
    const pid = this.#child?.pid
    if (pid !== undefined && this.#stopping === null) await this.#endTheRest(pid)
    await this.#drained()
  }

  async #tellLate(died: Ended, callback: (ended: Ended) => void): Promise<void> {
    await this.#gone
    callback(died)
  }

  /** Its last words: whoever waits for its end wants to read them. What is left of it may hold the pipes. */
  async #drained(): Promise<void> {
    // Without a handle left for its pipes there are none.
    const streams = [this.#child?.stdout, this.#child?.stderr].filter(
      (stream) => stream !== null && stream !== undefined,
    )
    const open = streams.filter((stream) => !stream.closed)
    await within(Promise.all(open.map(closed)), DRAIN_LIMIT_MS)
    for (const stream of streams) stream.destroy()
    this.#options.log.flush()
  }
}

function closed(stream: Readable): Promise<void> {
  return new Promise((resolve) => void stream.once('close', resolve))
}

/** Some of what keeps a process from being started is told of by an event, and the rest is thrown. */
function launch({ command, cwd, env, user }: ProcessOptions): ChildProcess | NodeJS.ErrnoException {
  const [program = '', ...args] = command
  try {
    return spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'], ...user })
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}

/** A shell or a package manager at its head does not hand signals on. */
function signalGroup(leader: number, signal: 'TERM' | 'QUIT'): void {
  try {
    process.kill(-leader, `SIG${signal}`)
  } catch {
    // It has just ended.
  }
}
