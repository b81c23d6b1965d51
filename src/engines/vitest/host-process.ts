import { fork, type ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FromHost, ToHost } from './protocol.ts'
import { MARK, ownMark } from '../../core/marks.ts'
import { endOurs } from '../marks.ts'
import { killGroup, sweepGroup } from '../process-group.ts'

const HOST_FILE = fileURLToPath(new URL(`./host${path.extname(import.meta.url)}`, import.meta.url))
/** How much of the end of the host's output is kept for the message if it dies, UTF-16 units. */
const LAST_WORDS = 4_000
/** How long to wait for what a killed host has started itself, ms. */
const SWEEP_LIMIT_MS = 1_000
/** How long its pipes may stay open after it is gone, ms. */
const DRAIN_LIMIT_MS = 250
/** Between SIGTERM and SIGKILL for what is left of it, ms. */
const TERM_LIMIT_MS = 300

/** A running vitest host, as the orchestrator sees it. */
export class HostProcess {
  /** Emits `message` with each {@link FromHost}. */
  readonly events = new EventEmitter<{ message: [FromHost] }>()
  /** Resolves with what happened when the process is gone. */
  readonly ended: Promise<string>
  readonly #child: ChildProcess
  readonly #mark: string
  #lastWords = ''
  /** Why it was killed, if that is known. */
  #why: string | null = null

  constructor(root: string, env: NodeJS.ProcessEnv) {
    this.#mark = ownMark(env[MARK])
    this.#child = fork(HOST_FILE, [], {
      cwd: root,
      env,
      // The flags of whoever runs tiershard (a test runner, a debugger) are not the host's.
      execArgv: [],
      detached: true,
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.#child.on('message', (messages) => {
      for (const message of messages as FromHost[]) this.events.emit('message', message)
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS)
      })
    }
    this.ended = this.#watch()
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  send(message: ToHost): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  /** Resolves with the host's first message of one of these types; null when it ends before. */
  async first<T extends FromHost['type']>(...types: T[]): Promise<Extract<FromHost, { type: T }> | null> {
    const { promise, resolve } = Promise.withResolvers<Extract<FromHost, { type: T }> | null>()
    const look = (message: FromHost): void => {
      if ((types as string[]).includes(message.type)) resolve(message as Extract<FromHost, { type: T }>)
    }
    this.events.on('message', look)
    void this.ended.then(() => resolve(null))
    return promise.finally(() => this.events.off('message', look))
  }

  /** Ends the host's process group at once. Its workers lead groups of their own. */
  kill(why: string | null = null): void {
    this.#why ??= why
    if (this.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    killGroup(this.pid)
    this.#child.kill('SIGKILL')
  }

  async #watch(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>()
    this.#child.once('error', (error) => {
      if (this.pid === undefined) resolve(`it could not be started: ${error.message}`)
    })
    const closed = new Promise<void>((resolve) => void this.#child.once('close', () => resolve()))
    this.#child.once('exit', (code, signal) => {
      const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
      resolve(`the vitest host (pid ${this.pid}) ${how}${this.#why === null ? '' : ` (${this.#why})`}`)
    })
    const how = await promise
    if (this.pid === undefined) return how
    const limits = { graceMs: 0, termMs: TERM_LIMIT_MS, killMs: SWEEP_LIMIT_MS }
    if (this.#mark !== '') await endOurs({ mark: this.#mark, group: this.pid }, limits)
    await sweepGroup(this.pid, SWEEP_LIMIT_MS)
    // Its last output may be in the pipes still; nobody else writes to them.
    await Promise.race([closed, sleep(DRAIN_LIMIT_MS, undefined, { ref: false })])
    const words = this.#lastWords.trim()
    return words === '' ? how : `${how}; its last output:\n${words}`
  }
}
