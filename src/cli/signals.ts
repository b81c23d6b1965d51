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
  return {
    signal: controller.signal,
    get received() {
      return received
    },
    close() {
      for (const signal of STOP_SIGNALS) process.off(signal, onSignal)
    },
  }
}
