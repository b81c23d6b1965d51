import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, mkdtemp } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { Cause } from '../core/ending.ts'
import type { Started } from './embedded/start.ts'
import { portTakenCause } from './causes.ts'
import { LOOPBACK, OwnProcess, ready, type Place } from './own.ts'

const PROGRAMS = ['valkey-server', 'redis-server'] as const
const START_LIMIT_MS = 15_000
/** Between the choice of a free port and the start, somebody else may take it. */
const PORT_TRIES = 5
/** More than the usual 16, so that no shard starves; an unused database costs nothing. */
export const DATABASES = 64

/** The first native server on PATH: an absolute path, or null. */
export async function findNative(env: NodeJS.ProcessEnv): Promise<string | null> {
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder))
  for (const program of PROGRAMS) {
    for (const folder of folders) {
      const file = path.join(folder, program)
      const executable = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (executable) return file
    }
  }
  return null
}

/**
 * Starts a native server: loopback, a folder of its own, nothing kept on disk.
 *
 * @param place without it, any free port
 */
export async function startLocal(program: string, signal: AbortSignal, place?: Place): Promise<Started> {
  if (place !== undefined) return startOn(program, place, signal)
  for (let attempt = 1; ; attempt++) {
    const started = await startOn(program, { host: LOOPBACK, port: await freePort() }, signal)
    if (started.ok || started.cause.code !== 'port-taken' || attempt === PORT_TRIES) return started
  }
}

async function startOn(program: string, { host, port }: Place, signal: AbortSignal): Promise<Started> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tiershard-redis-')).catch((error: Error) => error)
  if (folder instanceof Error) return { ok: false, cause: noFolder(program, folder) }
  const listen = ['--port', String(port), '--bind', host, '--dir', folder, '--databases', String(DATABASES)]
  const keepNothing = ['--save', '', '--appendonly', 'no']
  const stayHere = ['--daemonize', 'no', '--loglevel', 'notice', '--logfile', '']
  const child = spawn(program, [...listen, ...keepNothing, ...stayHere], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const own = new OwnProcess(child, folder)
  // Redis and Valkey print the same words once the port is theirs.
  const listening = new Promise<void>((resolve) => {
    child.stdout?.on('data', () => {
      if (own.printed('Ready to accept connections')) resolve()
    })
  })
  const problem = await ready(own, listening, START_LIMIT_MS, signal)
  if (problem !== null) {
    await own.stop()
    return { ok: false, cause: startFailed(program, { host, port }, problem, own) }
  }
  const server = { host, port, onExit: own.onExit.bind(own), stop: own.stop.bind(own) }
  return { ok: true, server }
}

/** No native server is there, and one was asked for. */
export function noNativeServer(): Cause {
  return {
    code: 'redis-start-failed',
    message: `A local Redis was asked for, but neither ${PROGRAMS.join(' nor ')} is on PATH.`,
    remedy:
      'Install one (Debian, Ubuntu: apt install redis-server; macOS: brew install redis), or use --redis embedded.',
  }
}

function noFolder(program: string, { message }: Error): Cause {
  return {
    code: 'redis-start-failed',
    message: `${program} was not started: there is no folder for it (${message}).`,
    remedy: `Mend ${os.tmpdir()}, or name another folder for temporary files in TMPDIR.`,
  }
}

function startFailed(program: string, { host, port }: Place, problem: string, own: OwnProcess): Cause {
  if (own.printed('Address already in use')) return portTakenCause(program, host, port)
  const words = own.lastWords
  return {
    code: 'redis-start-failed',
    message: `${program} did not start: ${problem}${words === '' ? '' : ` (${words})`}.`,
    remedy: `Run ${path.basename(program)} by hand to see what it lacks, or use --redis embedded.`,
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, LOOPBACK)
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
