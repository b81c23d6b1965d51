import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import type { ServicePart } from '../../../src/core/events.ts'
import type { Services } from '../../../src/core/service-ports.ts'
import type { CommandService, ServiceSettings } from '../../../src/core/services.ts'
import { openServices } from '../../../src/cli/services.ts'
import { fakeIo } from '../cli/io.ts'

/** The services of a run that is only this test. */
export interface Room {
  readonly services: Services
  /** Where programs find what tests put there. */
  readonly root: string
  readonly ready: ServicePart[]
  readonly concealed: string[]
  readonly notices: string[]
  log(file: string): string
}

let runs = 0

export async function openRoom(services: readonly ServiceSettings[], env: NodeJS.ProcessEnv = {}): Promise<Room> {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'tiershard-room-')))
  const number = ((process.pid % 4_096) * 4_096 + ++runs).toString(16).padStart(6, '0')
  const run = `20261120-080123417-${number}`
  const seen = { ready: [] as ServicePart[], concealed: [] as string[], notices: [] as string[] }
  const { io } = fakeIo([], root)
  const settings = { root, reportsDir: path.join(root, 'reports'), services } as never
  const opened = await openServices(
    settings,
    run,
    { ...io, env: { PATH: process.env['PATH'], ...env } },
    {
      conceal: (secret) => seen.concealed.push(secret),
      ready: (part) => seen.ready.push(part),
      notice: (message) => seen.notices.push(message),
    },
  )
  onTestFinished(async () => {
    await opened.stop()
    rmSync(root, { recursive: true, force: true })
  })
  const log = (file: string): string => readFileSync(path.join(root, 'reports', run, 'services', file), 'utf8')
  return { services: opened, root, ...seen, log }
}

/** A service that runs a script of Node; what is not given has the defaults of a config. */
export function script(name: string, source: string, more: Partial<CommandService> = {}): CommandService {
  return {
    kind: 'command',
    name,
    command: [process.execPath, '-e', source],
    cwd: tmpdir(),
    env: {},
    files: {},
    secrets: {},
    needs: [],
    port: null,
    ready: { kind: 'log', pattern: /^ready/, limitMs: 30_000 },
    per: 'run',
    ...more,
  }
}

/** Stays, and has said that it is ready. */
export const STAYS = `console.log('ready'); setInterval(() => {}, 1000)`

/** A file that is about to get a seat on a shard without Redis. */
export function visit(shard: number, ...services: string[]): Parameters<Services['open']>[0] {
  return { shard, services, env: { REDIS_URL: null }, values: { shard: String(shard) } }
}

export const never: AbortSignal = new AbortController().signal
