import { fork } from 'node:child_process'
import path from 'node:path'
import type { Cause } from '../../core/ending.ts'
import { portTakenCause } from '../causes.ts'
import { LOOPBACK, OwnProcess, ready, type OwnServer, type Place } from '../own.ts'
import type { EmbeddedMessage } from './main.ts'

/** It takes 0.1 s on an idle machine, and up to seconds on a busy one. */
const START_LIMIT_MS = 30_000

export type Started = { readonly ok: true; readonly server: OwnServer } | { readonly ok: false; readonly cause: Cause }

/**
 * Starts the embedded server (Valkey in WebAssembly) on the loopback interface. It runs in a process of
 * its own, because Lua in the server would hold up the event loop of the run.
 *
 * @param place port 0: any free one
 */
export async function startEmbedded(signal: AbortSignal, place: Place = { host: LOOPBACK, port: 0 }): Promise<Started> {
  const main = new URL(`./main${path.extname(import.meta.url)}`, import.meta.url)
  const child = fork(main, [], {
    detached: true,
    // WASI and, from sources, type stripping are marked experimental.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // Nothing of the caller's: NODE_OPTIONS and the like are meant for tests.
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const own = new OwnProcess(child, null)
  const answered = new Promise<EmbeddedMessage>((resolve) => {
    child.once('message', (message) => resolve(message as EmbeddedMessage))
  })
  // If it cannot be told, it has ended, and `ready` says so.
  child.send(place, () => {})
  const problem = await ready(own, answered, START_LIMIT_MS, signal)
  if (problem !== null) {
    await own.stop()
    return { ok: false, cause: startFailed(problem, own.lastWords) }
  }
  const { host } = place
  const said = await answered
  if (said.kind === 'taken') {
    await own.stop()
    return { ok: false, cause: portTakenCause('The embedded Valkey', host, place.port) }
  }
  const server = { host, port: said.port, onExit: own.onExit.bind(own), stop: own.stop.bind(own) }
  return { ok: true, server }
}

function startFailed(problem: string, words: string): Cause {
  return {
    code: 'redis-start-failed',
    message: `The embedded Valkey did not start: ${problem}${words === '' ? '' : ` (${words})`}.`,
    remedy: 'Install redis-server and use --redis local, or set REDIS_URL to a server that runs.',
  }
}
