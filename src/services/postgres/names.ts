import type { Place } from '../place.ts'
import type { Admin } from './admin.ts'

/** tiershard_20261120_080123417_d0344c_7: the run, and a number. */
const OURS = String.raw`^tiershard_\d{8}_\d{9}_[0-9a-f]{6}_\d+$`
/** No run lasts longer, ms. */
const OLD_MS = 48 * 3_600_000

/** The name of a database of a run: it tells of what run and day it is, and needs no quotes. */
export function nameOf(run: string, number: number): string {
  return `tiershard_${run.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')}_${number}`
}

/** The day and time in a name, ms since 1970; null when it is none of ours. */
export function timeOf(database: string): number | null {
  const parts = /^tiershard_(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)\d{3}_[0-9a-f]{6}_\d+$/.exec(database)
  if (!parts) return null
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/**
 * Drops what runs have left that were killed on a server that went on: databases with a name of ours that is two days old,
 * to which nobody is connected. Those that cannot be found or dropped stay.
 */
export async function dropOldDatabases(admin: Admin, { hooks }: Place): Promise<void> {
  const found = await admin.askAgain<{ datname: string }>('SELECT datname FROM pg_database WHERE datname ~ $1', [OURS])
  const names = found.ok ? found.rows.map(({ datname }) => datname) : []
  const old = names.filter((name) => Date.now() - (timeOf(name) ?? Date.now()) > OLD_MS)
  let dropped = 0
  for (const name of old) {
    if ((await admin.ask(`DROP DATABASE ${name}`)).ok) dropped++
  }
  const databases = dropped === 1 ? '1 database' : `${dropped} databases`
  if (dropped > 0) hooks.notice(`dropped ${databases} that runs killed more than two days ago had left`)
}
