import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { access, chmod, chown, constants, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Cause } from '../../core/ending.ts'
import { MARK, markBelow } from '../../core/marks.ts'
import { cancelled, startFailed, withLog } from '../causes.ts'
import { ServiceLog } from '../log.ts'
import { cleanEnvironment, removeFolder, type Place } from '../place.ts'
import { freePort } from '../ports.ts'
import { ServiceProcess } from '../process.ts'
import { whenReady } from '../ready.ts'

/** initdb takes 0.5 s on an idle machine, ms. */
const INIT_LIMIT_MS = 60_000
const READY_LIMIT_MS = 60_000
const PORT_TRIES = 5
/** Where Debian and Ubuntu put the programs, which are not on PATH there; one folder a version. */
const DEBIAN = '/usr/lib/postgresql'
const USER = 'tiershard'
/** Nothing of it is worth keeping, and nothing of it may lie outside of its folder. */
const OPTIONS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'wal_level=minimal',
  'max_wal_senders=0',
  'dynamic_shared_memory_type=mmap',
  'max_connections=200',
  'logging_collector=off',
  'log_destination=stderr',
].flatMap((option) => ['-c', option])

/** A server that the run has started. */
export interface LocalServer {
  /** With user and password, to the database `postgres`. */
  readonly url: string
  readonly bin: string
  readonly process: ServiceProcess
  readonly log: ServiceLog
  /** Closes the log as well. */
  stop(): Promise<void>
}

export type StartedLocal =
  | { readonly ok: true; readonly server: LocalServer }
  | { readonly ok: false; readonly cause: Cause }

/** The folder with `initdb` and `postgres`: on PATH, else the newest of Debian's. null: there is none. */
export async function findPostgres(env: NodeJS.ProcessEnv): Promise<string | null> {
  const onPath = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder))
  const versions = (await readdir(DEBIAN).catch(() => [])).toSorted((a, b) => Number(b) - Number(a))
  for (const folder of [...onPath, ...versions.map((version) => path.join(DEBIAN, version, 'bin'))]) {
    const programs = ['initdb', 'postgres'].map((program) => access(path.join(folder, program), constants.X_OK))
    if ((await Promise.allSettled(programs)).every(({ status }) => status === 'fulfilled')) return folder
  }
  return null
}

/** Starts a server of the run's own: a fresh data folder, the loopback interface, a free port, a password. */
export async function startLocal(name: string, place: Place, signal: AbortSignal): Promise<StartedLocal> {
  const bin = await findPostgres(place.env)
  if (bin === null) return { ok: false, cause: notInstalled(name) }
  const user = await otherUser()
  if (user === 'none') return { ok: false, cause: onlyRoot(name) }
  const folder = path.join(place.folder, `${name}-${place.next()}`)
  const password = randomBytes(18).toString('base64url')
  place.hooks.conceal(password)
  await mkdir(folder, { mode: 0o700 })
  const data = path.join(folder, 'data')
  const start = { name, bin, folder, data, password, user, place, signal }
  // One for each try: what an earlier one has said must not be taken for the words of this one.
  const newLog = (): ServiceLog => new ServiceLog(path.join(place.logs, `${name}.log`), [...place.concealed])
  const first = newLog()
  const failed = await initialise({ ...start, log: first }).finally(() => first.close())
  if (failed) return { ok: false, cause: failed }
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const log = newLog()
    const started = await startOn(port, { ...start, log })
    if (started.ok || attempt === PORT_TRIES || !log.says(/could not bind/)) return started
  }
}

interface Start {
  readonly name: string
  readonly bin: string
  readonly folder: string
  readonly data: string
  readonly password: string
  readonly user: User | null
  readonly log: ServiceLog
  readonly place: Place
  readonly signal: AbortSignal
}

/** Makes the data folder. Without a password, whoever has an account on this machine would be its superuser. */
async function initialise(start: Start): Promise<Cause | null> {
  const { name, bin, folder, data, password, user, log, place, signal } = start
  const secret = path.join(folder, 'password')
  await writeFile(secret, password, { mode: 0o600 })
  if (user) {
    // The folder around it lets this user pass, and nobody look.
    await chmod(place.folder, 0o711)
    for (const one of [folder, secret]) await chown(one, user.uid, user.gid)
  }
  const locale = process.platform === 'linux' ? ['--lc-collate=C', '--lc-ctype=C.UTF-8'] : ['--locale=C']
  const access = ['--username', USER, '--auth=scram-sha-256', `--pwfile=${secret}`]
  const args = ['-D', data, ...access, '--encoding=UTF8', ...locale, '--no-sync']
  try {
    const options = { cwd: folder, env: environment(place), timeout: INIT_LIMIT_MS, signal, ...user }
    const { stdout, stderr } = await promisify(execFile)(path.join(bin, 'initdb'), args, options)
    log.append('stdout', stdout)
    log.append('stderr', stderr)
    return null
  } catch (error) {
    if (signal.aborted) return cancelled(name)
    const { stderr, stdout, message } = error as Error & { stdout?: string; stderr?: string }
    log.append('stderr', `${stdout ?? ''}${stderr ?? message}\n`)
    const remedy = `Run ${path.join(bin, 'initdb')} by hand to see what it lacks.`
    return withLog(
      'service-setup-failed',
      `The Postgres ${name} could not make its data folder.`,
      remedy,
      log,
      place.root,
    )
  } finally {
    await rm(secret, { force: true })
  }
}

async function startOn(port: number, start: Start): Promise<StartedLocal> {
  const { name, bin, folder, data, password, user, log, place, signal } = start
  const { root, watchdog, end } = place
  const command = [path.join(bin, 'postgres'), '-D', data, ...OPTIONS, '-c', `port=${port}`]
  // Without the run's id, by which the engine's watchdog would find and kill it before it has given its memory back.
  const mark = `services-${randomBytes(6).toString('hex')}`
  const env = { ...environment(place), [MARK]: markBelow(place.env[MARK], mark) }
  // At once, and without a farewell to its clients.
  const options = { command, cwd: folder, env, mark, log, watchdog, end, signal: 'QUIT' as const }
  const own = new ServiceProcess(user ? { ...options, user } : options)
  const stop = async (): Promise<void> => {
    await own.stop()
    log.close()
    await removeFolder(folder)
  }
  const check = {
    kind: 'log',
    pattern: /database system is ready to accept connections/,
    limitMs: READY_LIMIT_MS,
  } as const
  const probe = { check, host: '127.0.0.1', port, cwd: folder, env, fill: (text: string) => text }
  const readiness = await whenReady(probe, own, log, signal)
  if (readiness.kind === 'ready') {
    const url = `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`
    return { ok: true, server: { url, bin, process: own, log, stop } }
  }
  await own.stop()
  log.close()
  if (readiness.kind === 'cancelled') return { ok: false, cause: cancelled(name) }
  if (readiness.kind === 'ended')
    return { ok: false, cause: startFailed(name, command, folder, readiness.ended, log, root) }
  const what = `The Postgres ${name} was not ready after ${READY_LIMIT_MS / 1000} s.`
  return { ok: false, cause: withLog('service-not-ready', what, 'Look at what the machine is busy with.', log, root) }
}

/** Its words in English, since they are looked for; nothing of another server's client settings. */
function environment(place: Place): NodeJS.ProcessEnv {
  const clean = Object.entries(cleanEnvironment(place.env)).filter(([name]) => !/^(PG|LC_|LANG)/.test(name))
  return { ...Object.fromEntries(clean), LC_ALL: 'C' }
}

interface User {
  readonly uid: number
  readonly gid: number
}

/** Postgres refuses to run as root: then another user that every system has. null: we are not root. */
async function otherUser(): Promise<User | null | 'none'> {
  if (process.getuid?.() !== 0) return null
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = await Promise.all([idOf('-u', name), idOf('-g', name)])
    if (uid !== null && gid !== null) return { uid, gid }
  }
  return 'none'
}

async function idOf(which: '-u' | '-g', name: string): Promise<number | null> {
  const said = await promisify(execFile)('id', [which, name], { timeout: 5_000 }).catch(() => null)
  const id = Number(said?.stdout.trim() || NaN)
  return Number.isInteger(id) ? id : null
}

function notInstalled(name: string): Cause {
  return {
    code: 'service-not-found',
    message: `The Postgres ${name} is to be started here, but initdb and postgres are neither on PATH nor in ${DEBIAN}.`,
    remedy: `Install it (Debian, Ubuntu: apt install postgresql; macOS: brew install postgresql), or set services.${name}.source to 'url'.`,
  }
}

function onlyRoot(name: string): Cause {
  return {
    code: 'service-not-found',
    message: `The Postgres ${name} cannot run as root, and there is neither a user postgres nor nobody.`,
    remedy: 'Start tiershard as another user, or add a user postgres.',
  }
}
