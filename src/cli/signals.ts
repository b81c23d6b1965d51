import { readFileSync } from 'node:fs'
import process from 'node:process'
import { EXIT } from '../core/verdict.ts'

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

const STOP_SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** The exit code of a command that a signal ended. */
export function signalExitCode(signal: StopSignal): number {
  return signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated
}

/** Listens for the signals that end a run. */
export interface Stop {
  /** Aborted by the first signal, with its name as the reason. */
  readonly signal: AbortSignal
  /** The first signal; null while there was none. */
  readonly received: StopSignal | null
  /** Stops listening. */
  close(): void
}

/** @param on what to do at the first signal, which asks for an orderly end, and at every later one */
export function listenForStop(on: { first(signal: StopSignal): void; again(first: StopSignal): void }): Stop {
  const controller = new AbortController()
  let received: StopSignal | null = null
  const onSignal = (signal: StopSignal): void => {
    if (received !== null) return on.again(received)
    received = signal
    on.first(signal)
    controller.abort(signal)
  }
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal)
  // The same as a terminal that is closed: nobody is there any more who wants to know.
  const stopWatching = watchParent(() => onSignal('SIGHUP'))
  return {
    signal: controller.signal,
    get received() {
      return received
    },
    close() {
      stopWatching()
      for (const signal of STOP_SIGNALS) process.off(signal, onSignal)
    },
  }
}

/** How often to look whether the parent is still there: no signal tells, ms. */
const LOOK_MS = 500

/**
 * Calls back once when the process that started this one is gone: a CI job that was cancelled kills npm, and not what npm
 * has started. The leader of a session of its own (`setsid`, a service, the first process of a container) is on its own,
 * and is left alone; without /proc nobody is taken for one. (`nohup` cannot be told apart: Node undoes it.)
 */
function watchParent(gone: () => void): () => void {
  if (isSessionLeader()) return () => {}
  const parent = process.ppid
  const look = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(look)
    gone()
  }, LOOK_MS)
  look.unref()
  return () => clearInterval(look)
}

function isSessionLeader(): boolean {
  try {
    // pid (name) state parent group session ...
    const [, , , session] = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ', 4)
    return Number(session) === process.pid
  } catch {
    return false
  }
}
