import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** How much of a server's output is kept for messages, characters. */
const TAIL = 4_000
/** How long after its end a process may take to say its last words: a child of its own can hold its pipes, ms. */
const LAST_WORDS_MS = 500

export const LOOPBACK = '127.0.0.1'

/** Where a server of ours is to listen: an address of the loopback interface. */
export interface Place {
  readonly host: string
  readonly port: number
}

/** A server that this run started, and that ends with it. */
export interface OwnServer {
  readonly host: string
  readonly port: number
  /** Calls back once when the process ends without having been stopped; at once if it has already. */
  onExit(callback: (why: string) => void): void
  /** Ends it and removes its folder; safe to call twice. */
  stop(): Promise<void>
}

/**
 * A child process of ours and its watchdog. Both lead sessions of their own, so that Ctrl-C on the terminal reaches the
 * run and not the server, whose data the run still needs while it winds up.
 */
export class OwnProcess {
  readonly child: ChildProcess
  readonly #watchdog: ChildProcess | null
  readonly #folder: string | null
  readonly #gone: Promise<void>
  #output = ''
  #stopping = false
  #why: string | null = null
  readonly #listeners: ((why: string) => void)[] = []

  /** @param folder removed with the process; null: it has none */
  constructor(child: ChildProcess, folder: string | null) {
    this.child = child
    this.#folder = folder
    // A child without a process id could not be started; 'error' follows.
    this.#watchdog = child.pid === undefined ? null : watch(child.pid, folder)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output = (this.#output + text).slice(-TAIL)))
    }
    this.#gone = this.#ended().then((why) => {
      this.#why = why
      if (!this.#stopping) for (const listener of this.#listeners) listener(why)
    })
  }

  /** Resolves with why the process ended, once its last words are read: they may say more. */
  async #ended(): Promise<string> {
    const { child } = this
    const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()))
    const why = await new Promise<string>((resolve) => {
      child.on('error', (error) => resolve(error.message))
      child.on('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `ended by ${signal}`))
    })
    // Its process id may soon be somebody else's.
    this.#watchdog?.kill('SIGKILL')
    const late = new AbortController()
    await Promise.race([closed, sleep(LAST_WORDS_MS, undefined, { signal: late.signal }).catch(() => {})])
    late.abort()
    return why
  }

  /** The last lines it printed, in one line. */
  get lastWords(): string {
    return this.#output.trim().split('\n').slice(-3).join(' / ')
  }

  /** Whether it printed this text, among the last few kB. */
  printed(text: string): boolean {
    return this.#output.includes(text)
  }

  onExit(callback: (why: string) => void): void {
    if (this.#why !== null && !this.#stopping) callback(this.#why)
    else this.#listeners.push(callback)
  }

  /** At once and without a farewell: there is nothing to save. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#watchdog?.kill('SIGKILL')
    this.child.kill('SIGKILL')
    await this.#gone
    if (this.#folder !== null) await rm(this.#folder, { recursive: true, force: true })
  }
}

/**
 * Ends a process when this one is gone, however that happened: a shell that reads from a pipe of ours, which the kernel
 * closes when we die. It works even if the server is stuck in a loop and does not see that its parent has gone.
 */
function watch(pid: number, folder: string | null): ChildProcess {
  const script = 'while read -r _; do :; done; kill -9 "$1"; if [ -n "$2" ]; then rm -rf -- "$2"; fi'
  const watchdog = spawn('sh', ['-c', script, 'tiershard-watchdog', String(pid), folder ?? ''], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a shell there is no watchdog; the embedded server still ends when its IPC channel closes.
  watchdog.on('error', () => {})
  watchdog.stdin?.on('error', () => {})
  watchdog.unref()
  return watchdog
}

/** Waits for the first of: the promise, the end of the process, the limit, the signal. null: the promise fulfilled. */
export async function ready(
  process: OwnProcess,
  promise: Promise<unknown>,
  limitMs: number,
  signal: AbortSignal,
): Promise<string | null> {
  const limit = AbortSignal.any([AbortSignal.timeout(limitMs), signal])
  const ended = new Promise<string>((resolve) => process.onExit((why) => resolve(why)))
  const late = limit.aborted
    ? Promise.resolve('cancelled')
    : once(limit, 'abort').then(() => (signal.aborted ? 'cancelled' : `not ready after ${limitMs / 1000} s`))
  return Promise.race([promise.then(() => null), ended, late])
}
