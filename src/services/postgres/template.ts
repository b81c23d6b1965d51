import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Cause } from '../../core/ending.ts'
import { MARK, markBelow } from '../../core/marks.ts'
import type { PostgresService } from '../../core/services.ts'
import { cancelled, startFailed, typed, withLog } from '../causes.ts'
import type { ServiceLog } from '../log.ts'
import { cleanEnvironment, postgresEnvironment, type Place } from '../place.ts'
import { ServiceProcess } from '../process.ts'
import { connect, disconnect, lineOf, valuesOf } from './client.ts'

/** How much longer than the setup the server may work on a statement, ms: whoever asked for it is gone then. */
const STATEMENT_GRACE_MS = 1_000
/** The largest number that a setting of Postgres takes. */
const LARGEST = 2 ** 31 - 1

/** The setup of a template: its time is that of all its parts together. */
interface Setup {
  readonly name: string
  readonly setup: PostgresService['setup']
  /** Of the template. */
  readonly url: string
  readonly log: ServiceLog
  readonly place: Place
  /** The run's. */
  readonly signal: AbortSignal
  /** Aborted with that of the run, and when the time is up. */
  readonly over: AbortSignal
}

/** Fills the template: first the SQL files, each in a transaction of its own as Postgres makes it, then the command. */
export async function fillTemplate(task: Omit<Setup, 'over'>): Promise<Cause | null> {
  const { sql, command, limitMs } = task.setup
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), limitMs)
  const all = { ...task, over: AbortSignal.any([task.signal, late.signal]) }
  try {
    const problem = sql.length === 0 ? null : await runFiles(all)
    return problem !== null || command === null ? problem : await runCommand(command, all)
  } finally {
    clearTimeout(timer)
  }
}

async function runFiles({ name, setup, url, place, signal, over }: Setup): Promise<Cause | null> {
  const { sql, limitMs } = setup
  const connected = await connect(url, `tiershard ${place.run}`, over)
  if (!connected.ok) return signal.aborted ? cancelled(name) : connected.cause
  const { client } = connected
  const ask = async (text: string): Promise<Error | null> =>
    client.query(text).then(
      () => null,
      (error: Error) => error,
    )
  try {
    await ask(`SET statement_timeout = ${Math.min(Math.ceil(limitMs) + STATEMENT_GRACE_MS, LARGEST)}`)
    for (const file of sql) {
      const text = await readFile(file, 'utf8').catch((error: Error) => error)
      const failure = typeof text === 'string' ? await ask(text) : text
      if (signal.aborted) return cancelled(name)
      if (over.aborted) return tooSlow(name, path.relative(place.root, file), limitMs)
      if (failure === null) continue
      const line = typeof text === 'string' ? lineOf(failure, text) : null
      const where = `${path.relative(place.root, file)}${line === null ? '' : `:${line}`}`
      return {
        code: 'service-setup-failed',
        message: `The setup of the Postgres ${name} failed at ${where}: ${failure.message}.`,
        remedy:
          'Correct the SQL. What only psql understands (\\connect, COPY FROM stdin) needs setup.command: psql -f FILE.',
      }
    }
    return null
  } finally {
    await disconnect(client)
  }
}

function tooSlow(name: string, where: string, limitMs: number): Cause {
  return {
    code: 'service-setup-failed',
    message: `The setup of the Postgres ${name} did not end within ${limitMs / 1000} s, and was at ${where} then.`,
    remedy: `If it only needs more time: services.${name}.setup.within.`,
  }
}

async function runCommand(command: readonly string[], task: Setup): Promise<Cause | null> {
  const { name, setup, url, log, place, signal, over } = task
  const { cwd, limitMs } = setup
  const mark = `${place.run}-services/${name}-setup-${place.next()}`
  const own = { ...postgresEnvironment(valuesOf(url)), [MARK]: markBelow(place.env[MARK], mark) }
  const env = { ...cleanEnvironment(place.env), ...own }
  const { watchdog, end, root } = place
  log.note(`setup: ${typed(command)}`)
  const running = new ServiceProcess({ command, cwd, env, mark, log, watchdog, end, signal: 'TERM' })
  await new Promise<void>((resolve) => {
    running.onDied(() => resolve())
    if (over.aborted) resolve()
    over.addEventListener('abort', () => resolve(), { once: true })
  })
  const { died } = running
  await running.stop()
  if (died?.kind === 'ended' && died.how === 'exit code 0') return null
  if (signal.aborted) return cancelled(name)
  if (died?.kind === 'not-started') return startFailed(name, command, cwd, died, log, root)
  const how = died === null ? `did not end within ${limitMs / 1000} s` : `ended with ${died.how}`
  const what = `The setup of the Postgres ${name} failed: ${typed(command)} ${how}.`
  return withLog('service-setup-failed', what, `Run it by hand in ${cwd} with DATABASE_URL set.`, log, root)
}
