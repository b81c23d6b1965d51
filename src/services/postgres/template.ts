import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Cause } from '../../core/ending.ts'
import type { PostgresService } from '../../core/services.ts'
import { cancelled, startFailed, typed, withLog } from '../causes.ts'
import type { ServiceLog } from '../log.ts'
import { cleanEnvironment, MARK, markBelow, postgresEnvironment, type Place } from '../place.ts'
import { ServiceProcess } from '../process.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, lineOf, valuesOf } from './client.ts'

/** Fills the template: first the SQL files, each in a transaction of its own as Postgres makes it, then the command. */
export async function fillTemplate(
  name: string,
  setup: PostgresService['setup'],
  url: string,
  log: ServiceLog,
  place: Place,
  signal: AbortSignal,
): Promise<Cause | null> {
  const until = performance.now() + setup.limitMs
  const problem = setup.sql.length === 0 ? null : await runFiles(name, setup, url, place, signal)
  if (problem !== null || setup.command === null) return problem
  return runCommand(name, setup.command, setup, url, log, place, until, signal)
}

async function runFiles(
  name: string,
  { sql, limitMs }: PostgresService['setup'],
  url: string,
  { root, run }: Place,
  signal: AbortSignal,
): Promise<Cause | null> {
  const connected = await connect(url, `tiershard ${run}`)
  if (!connected.ok) return connected.cause
  const { client } = connected
  try {
    await client.query(`SET statement_timeout = ${Math.ceil(limitMs)}`)
    for (const file of sql) {
      if (signal.aborted) return cancelled(name)
      const text = await readFile(file, 'utf8').catch((error: Error) => error)
      const failure =
        typeof text === 'string'
          ? await client.query(text).then(
              () => null,
              (error: Error) => error,
            )
          : text
      if (failure === null) continue
      const line = typeof text === 'string' ? lineOf(failure, text) : null
      const where = `${path.relative(root, file)}${line === null ? '' : `:${line}`}`
      return {
        code: 'service-setup-failed',
        message: `The setup of the Postgres ${name} failed at ${where}: ${failure.message}.`,
        remedy:
          'Correct the SQL. What only psql understands (\\connect, COPY FROM stdin) needs setup.command: psql -f FILE.',
      }
    }
    return null
  } finally {
    await client.end().catch(() => {})
  }
}

async function runCommand(
  name: string,
  command: readonly string[],
  { cwd, limitMs }: PostgresService['setup'],
  url: string,
  log: ServiceLog,
  place: Place,
  until: number,
  signal: AbortSignal,
): Promise<Cause | null> {
  const mark = `${place.run}-services/${name}-setup-${place.next()}`
  const own = { ...postgresEnvironment(valuesOf(url)), [MARK]: markBelow(place.env, mark) }
  const env = { ...cleanEnvironment(place.env), ...own }
  const { watchdog, end, root } = place
  log.note(`setup: ${typed(command)}`)
  const running = new ServiceProcess({ command, cwd, env, mark, log, watchdog, end, signal: 'TERM' })
  const over = new AbortController()
  const ended = new Promise<'ended'>((resolve) => running.onDied(() => resolve('ended')))
  const late = sleep(Math.max(until - performance.now(), 0), 'late' as const, {
    signal: AbortSignal.any([over.signal, signal]),
  }).catch(() => 'cancelled' as const)
  const first = await Promise.race([ended, late])
  over.abort()
  const died = running.died
  await running.stop()
  if (first === 'ended' && died?.kind === 'ended' && died.how === 'exit code 0') return null
  if (first === 'cancelled') return cancelled(name)
  if (died?.kind === 'not-started') return startFailed(name, command, cwd, died, log, root)
  const how = first === 'late' ? `did not end within ${limitMs / 1000} s` : `ended with ${died?.how ?? 'an error'}`
  const what = `The setup of the Postgres ${name} failed: ${typed(command)} ${how}.`
  return withLog('service-setup-failed', what, `Run it by hand in ${cwd} with DATABASE_URL set.`, log, root)
}
