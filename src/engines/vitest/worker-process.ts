import { fork, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { GroupProcess, type Exit } from '../group-process.ts'
import { MARK, ownMark } from '../../core/marks.ts'

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

/** One worker process, with an IPC channel and a trace. */
export class WorkerProcess {
  readonly #child: ChildProcess
  readonly #group: GroupProcess
  readonly #trace: string
  /** Bytes of the trace that count; null: all. */
  #frozenAt: number | null = null

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
    this.#child.on('message', (message) => listener.message(message))
    this.#group = new GroupProcess(this.#child, ownMark(launch.env[MARK]), (stream, text) =>
      listener.output(stream, text),
    )
  }

  /** undefined when the process could not be started. */
  get pid(): number | undefined {
    return this.#group.pid
  }

  get alive(): boolean {
    return this.#group.alive
  }

  /** Resolves when the process is reaped, its group is gone and everything it sent has been delivered. */
  get ended(): Promise<Exit> {
    return this.#group.ended
  }

  /** Sends a message; to a process that is going away it is lost. Throws on what cannot be cloned. */
  send(message: unknown): void {
    if (this.#child.connected) this.#child.send(message as object, () => {})
  }

  /** Asks the process, and it alone, to end in order. */
  terminate(): void {
    this.#group.kill('SIGTERM')
  }

  /** SIGTERM to its group, and soon after SIGKILL; `now`: SIGKILL at once. What it traces from now on does not count. */
  end(how?: 'now'): void {
    this.#frozenAt ??= this.traceSize()
    this.#group.end(how)
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

  /** Removes the trace; the process must be gone, and its trace read. */
  discard(): void {
    rmSync(this.#trace, { force: true })
  }
}
