import { execFile } from 'node:child_process'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { unreachable } from '../core/ending.ts'
import type { ReadyCheck } from '../core/services.ts'
import type { ServiceLog } from './log.ts'
import type { Ended, ServiceProcess } from './process.ts'

/** Between two tries, ms: soon at first, since most services take a fraction of a second. */
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 250
/** Longest time for one try, ms. */
const TRY_LIMIT_MS = 5_000

/** A check with its placeholders filled in. */
export interface Probe {
  readonly check: ReadyCheck
  readonly host: string
  readonly port: number | null
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Fills in placeholders. */
  readonly fill: (text: string) => string
}

export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'ended'; readonly ended: Ended }
  /** `last` is what the last try saw. */
  | { readonly kind: 'late'; readonly last: string }
  | { readonly kind: 'cancelled' }

/** Waits until a service is ready, has ended, or has used up its time. */
export async function whenReady(
  probe: Probe,
  process: ServiceProcess,
  log: ServiceLog,
  signal: AbortSignal,
): Promise<Readiness> {
  const { limitMs } = probe.check
  const over = new AbortController()
  const state = { last: 'nothing was seen of it' }
  const ended = new Promise<Readiness>((resolve) => process.onDied((how) => resolve({ kind: 'ended', ended: how })))
  const late = sleep(limitMs, null, over).then(
    (): Readiness => ({ kind: 'late', last: state.last }),
    (): Readiness => ({ kind: 'cancelled' }),
  )
  const aborted = new Promise<Readiness>((resolve) => {
    const cancel = (): void => resolve({ kind: 'cancelled' })
    if (signal.aborted) cancel()
    else signal.addEventListener('abort', cancel, { signal: over.signal })
  })
  const seen = watch(probe, log, state, over.signal).then((): Readiness => ({ kind: 'ready' }))
  try {
    const first = await Promise.race([ended, seen, aborted, late])
    // Something else may have answered in the place of one that could not take its port.
    return first.kind === 'ready' && process.died ? { kind: 'ended', ended: process.died } : first
  } finally {
    over.abort()
  }
}

/** Resolves when the check is passed; never when it is given up. */
function watch(probe: Probe, log: ServiceLog, state: { last: string }, over: AbortSignal): Promise<void> {
  const { check, port, host, fill } = probe
  switch (check.kind) {
    case 'log':
      state.last = `no line matched ${String(check.pattern)}`
      return new Promise((resolve) => {
        const stop = log.follow((line) => {
          if (check.pattern.test(line)) resolve()
        })
        over.addEventListener('abort', stop, { once: true })
      })
    case 'tcp':
      return retry(() => connects(host, port!), state, over)
    case 'http': {
      const target = fill(check.target)
      const url = target.startsWith('/') ? `http://${host}:${port}${target}` : target
      return retry(() => answers(url), state, over)
    }
    case 'command':
      return retry(() => succeeds(check.command.map(fill), probe, over), state, over)
    default:
      return unreachable(check)
  }
}

/** @param look null: passed; else what is wrong */
async function retry(look: () => Promise<string | null>, state: { last: string }, over: AbortSignal): Promise<void> {
  for (let pause = FIRST_PAUSE_MS; !over.aborted; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    const problem = await look().catch((error: Error) => error.message)
    if (problem === null) return
    state.last = problem
    await sleep(pause, undefined, { signal: over }).catch(() => {})
  }
  await new Promise(() => {})
}

function connects(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: TRY_LIMIT_MS })
    const end = (problem: string | null): void => {
      socket.destroy()
      resolve(problem)
    }
    socket.once('connect', () => end(null))
    socket.once('timeout', () => end(`${host}:${port} did not answer`))
    socket.once('error', (error: NodeJS.ErrnoException) => end(`${host}:${port}: ${error.code ?? error.message}`))
  })
}

function answers(url: string): Promise<string | null> {
  return new Promise((resolve) => {
    const { get } = url.startsWith('https:') ? https : http
    const request = get(url, { agent: false, timeout: TRY_LIMIT_MS }, (response) => {
      const { statusCode = 0 } = response
      response.destroy()
      resolve(statusCode < 400 ? null : `${url} answered ${statusCode}`)
    })
    request.once('timeout', () => request.destroy(new Error('no answer')))
    request.once('error', (error: NodeJS.ErrnoException) => resolve(`${url}: ${error.code ?? error.message}`))
  })
}

function succeeds(
  [program = '', ...args]: readonly string[],
  { cwd, env }: Probe,
  signal: AbortSignal,
): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { cwd, env, signal, timeout: TRY_LIMIT_MS, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        if (error === null) return resolve(null)
        const words = `${stdout}${stderr}`.trim().split('\n').at(-1)
        const code =
          typeof error.code === 'number' ? `exit code ${error.code}` : (error.code ?? error.signal ?? 'failed')
        const how = error.killed ? `did not end within ${TRY_LIMIT_MS / 1000} s` : code
        resolve(`${program}: ${how}${words ? ` (${words})` : ''}`)
      },
    )
  })
}
