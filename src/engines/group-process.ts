import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LeakedProcess } from '../core/events.ts'
import { endOurs } from './marks.ts'
import { killGroup, signalGroup, sweepGroup } from './process-group.ts'

/** After a process has exited: how long its pipes may stay open (a descendant outside its group holds them), ms. */
const DRAIN_LIMIT_MS = 250
/** How long to wait for the killed descendants of a process that is gone, ms: an overloaded machine takes its time. */
const SWEEP_LIMIT_MS = 5_000
/** What a process has started may end with it, by itself, for so long before it counts as left running, ms. */
const GRACE_MS = 250
/** Between SIGTERM and SIGKILL for what it has left running, ms. */
const LEAK_TERM_LIMIT_MS = 300
/** Between SIGTERM and SIGKILL for the process itself, ms; the same as vitest's own. */
export const TERM_LIMIT_MS = 500
/** How much of the end of stderr is kept to recognise a runtime's last words, UTF-16 units. */
const LAST_WORDS = 16 * 1024
/** The last words of V8 and of Go. */
const OUT_OF_MEMORY =
  /FATAL ERROR: .*(?:out of memory|allocation failed|heap limit)|^fatal error: (?:runtime: )?(?:out of memory|cannot allocate memory)/im

export interface Exit {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly outOfMemory: boolean
  /** Set when there never was a process. */
  readonly spawnError: Error | null
  /** What it had left running when it ended by itself. Linux only. */
  readonly leaked: readonly LeakedProcess[]
}

/**
 * A process that leads a group of its own: what a test starts dies with it, so that a forgotten child cannot write to a
 * database that has become somebody else's.
 */
export class GroupProcess {
  /** Resolves when the process is reaped, its group is gone and everything it sent has been delivered. */
  readonly ended: Promise<Exit>
  readonly #child: ChildProcess
  readonly #mark: string
  #lastWords = ''
  #isEnding = false
  #isForced = false
  #exited = false

  /**
   * @param child started with `detached`
   * @param mark the innermost mark of its environment; '': it has none
   */
  constructor(child: ChildProcess, mark: string, output: (stream: 'stdout' | 'stderr', text: string) => void) {
    this.#child = child
    this.#mark = mark
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        if (stream === 'stderr') this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS)
        output(stream, text)
      })
    }
    this.ended = this.#watch()
  }

  /** undefined when the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  get alive(): boolean {
    return !this.#exited
  }

  /** SIGTERM goes to the process, which may end in order, or to its group; SIGKILL always to its group. */
  kill(signal: 'SIGTERM' | 'SIGKILL', to?: 'group'): void {
    if (this.#exited || this.pid === undefined) return
    if (signal === 'SIGKILL') killGroup(this.pid)
    else if (to === 'group') signalGroup(this.pid, signal)
    this.#child.kill(signal)
  }

  /** From now on it is being ended: what it leaves running is no leak. */
  freeze(): void {
    this.#isEnding = true
  }

  /** SIGTERM to the process and what it has started, and soon after SIGKILL; `now`: SIGKILL at once. */
  end(how?: 'now'): void {
    this.freeze()
    if (how === 'now') return this.kill('SIGKILL')
    if (this.#isForced) return
    this.#isForced = true
    this.kill('SIGTERM', 'group')
    const force = setTimeout(() => this.kill('SIGKILL'), TERM_LIMIT_MS)
    void this.ended.then(() => clearTimeout(force))
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
    const killed = this.#isEnding
    const limits = { graceMs: killed ? 0 : GRACE_MS, termMs: LEAK_TERM_LIMIT_MS, killMs: SWEEP_LIMIT_MS }
    const found = this.#mark === '' ? [] : await endOurs({ mark: this.#mark, group: pid }, limits)
    await sweepGroup(pid, SWEEP_LIMIT_MS)
    return killed ? [] : found
  }
}
