import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cause } from '../../core/ending.ts'
import type { Batch, Desk, Discovery, DiscoverRequest, Engine, Execution } from '../../core/ports.ts'
import { resolveChanged } from '../changed.ts'
import { processNumber, runMark } from '../environment.ts'
import { execute, hostBatch } from './execution.ts'
import { HostProcess } from './host-process.ts'
import { findVitest } from './install.ts'
import { MARK, markBelow } from '../../core/marks.ts'
import { startWatchdog, type Watchdog } from '../watchdog.ts'

/** Loading vitest and the user's config takes half a second to a few seconds; beyond this something hangs, ms. */
const OPEN_LIMIT_MS = 120_000
/** How long a host may take to close its servers before it is killed, ms. */
const CLOSE_LIMIT_MS = 3_000
/** What a run inside another run's test must not inherit; each file gets its own. */
const SEAT_VARIABLES = ['TIERSHARD_TIER', 'TIERSHARD_SHARD', 'TIERSHARD_SHARDS']

export interface VitestEngineOptions {
  /** Absolute path of the user's project. */
  readonly root: string
  /** Absolute path of a vitest config; null: vitest finds its own. */
  readonly configFile: string | null
  /** The environment of the tests, before that of a seat. */
  readonly env: NodeJS.ProcessEnv
}

interface Host {
  readonly process: HostProcess
  readonly version: string
  readonly reusable: boolean
}

/** When there is no host, the message says what the user's project lacks. */
type Opened = { readonly ok: true; readonly host: Host } | { readonly ok: false; readonly message: string }

/**
 * Runs test files with the user's own vitest, in a child process (the host) that holds one vitest server. The host that
 * discovered the files runs the first batch; later batches use it again unless the project has a global setup, which
 * belongs to one run of the tests.
 */
export function createVitestEngine(options: VitestEngineOptions): Engine {
  /** Every host that may still be there. */
  const hosts = new Set<HostProcess>()
  let idle: Host | null = null
  const mark = runMark(options.env)
  let watchdog: Watchdog | null = null
  let batches: Promise<unknown> = Promise.resolve()
  let execution: Execution | null = null

  const watched = (): Watchdog => (watchdog ??= startWatchdog(mark))

  const open = async (): Promise<Opened> => {
    const { root, configFile } = options
    const installed = findVitest(root)
    if (!installed.ok) return { ok: false, message: installed.message }
    watched()
    const process = new HostProcess(root, hostEnvironment(options, `${mark}/${processNumber()}`))
    hosts.add(process)
    void process.ended.then(() => {
      hosts.delete(process)
      if (idle?.process === process) idle = null
    })
    process.send({ type: 'open', root, configFile, vitest: installed.entry })
    const answer = await inTime(process, process.first('opened', 'refused'))
    if (answer?.type === 'opened') return { ok: true, host: { process, ...answer } }
    process.kill()
    if (answer?.type === 'refused') return { ok: false, message: answer.message }
    // A config that never ends, calls process.exit, or crashes: the user's, as far as anybody can tell.
    const how = await process.ended
    return { ok: false, message: `vitest did not get as far as its first file: ${how}` }
  }

  const discover = async ({ changed }: DiscoverRequest): Promise<Discovery> => {
    const since = await resolveChanged(changed, options.root, options.env)
    if (!since.ok) return { ok: false, kind: 'usage', message: since.message }
    const opened: Opened = idle ? { ok: true, host: idle } : await open()
    if (!opened.ok) return { ok: false, kind: 'usage', message: opened.message }
    const { host } = opened
    idle = host
    host.process.send({ type: 'discover', changed: since.since })
    const answer = await inTime(host.process, host.process.first('discovered', 'refused'))
    if (answer?.type === 'discovered') {
      return { ok: true, engine: `vitest ${host.version}`, files: answer.files, warnings: answer.warnings }
    }
    idle = null
    host.process.kill()
    if (answer?.type === 'refused') return { ok: false, kind: 'usage', message: answer.message }
    return { ok: false, kind: 'infrastructure', cause: failed(await host.process.ended) }
  }

  const start = (batch: Batch, desk: Desk): Execution => {
    watched().add(batch.scratch)
    const ready = batches.then(async (): Promise<HostProcess | string> => {
      const opened: Opened = idle ? { ok: true, host: idle } : await open()
      if (!opened.ok) return opened.message
      idle = opened.host
      return opened.host.process
    })
    // Batches run one after the other, so that every host there is belongs to this one.
    const kill = (): void => hosts.forEach((process) => process.kill('it did not stop in time'))
    const files = hostBatch(batch, (file) => path.resolve(options.root, file))
    const started = execute({ ready, kill }, files, desk)
    execution = started
    const done = started.done.then((end) => {
      execution = null
      if (idle !== null && (end.kind === 'died' || !idle.reusable)) {
        idle.process.kill()
        idle = null
      }
      return end
    })
    batches = done
    return { ...started, done }
  }

  return {
    name: 'vitest',
    discover,
    execute: start,
    async close() {
      execution?.stop()
      await batches
      idle = null
      await Promise.all([...hosts].map(closeHost))
      watchdog?.stop()
      watchdog = null
    },
  }
}

/** Waits for an answer; a host that does not give one in time is killed, and null comes back. */
async function inTime<T>(process: HostProcess, answer: Promise<T | null>): Promise<T | null> {
  const limit = setTimeout(() => process.kill(`it did not answer within ${OPEN_LIMIT_MS / 1000} s`), OPEN_LIMIT_MS)
  return answer.finally(() => clearTimeout(limit))
}

async function closeHost(process: HostProcess): Promise<void> {
  process.send({ type: 'close' })
  const limit = new AbortController()
  await Promise.race([process.first('closed'), sleep(CLOSE_LIMIT_MS, null, limit).catch(() => null)])
  limit.abort()
  process.kill()
  await process.ended
}

/** The variables of the host and, through it, of the workers. */
function hostEnvironment({ root, env }: VitestEngineOptions, mark: string): NodeJS.ProcessEnv {
  // As the command vitest sets them before it reads the config, where plugins look at them. Vite would set NODE_ENV to `development`.
  const own: NodeJS.ProcessEnv = {
    NODE_ENV: 'test',
    ...env,
    TEST: 'true',
    VITEST: 'true',
    [MARK]: markBelow(env[MARK], mark),
  }
  for (const name of SEAT_VARIABLES) delete own[name]
  // Every worker loads the same code: compiled once, it saves a tenth of a run's CPU time. The user's own choice stays.
  const modules = path.join(root, 'node_modules')
  if (!own['NODE_DISABLE_COMPILE_CACHE'] && existsSync(modules)) {
    own['NODE_COMPILE_CACHE'] ??= path.join(modules, '.cache', 'tiershard', 'compile')
  }
  return own
}

function failed(message: string): Cause {
  return {
    code: 'engine-failed',
    message: `The vitest host failed: ${message}`,
    remedy: 'Run `npx vitest list --filesOnly` in the same folder and look at its output.',
  }
}
