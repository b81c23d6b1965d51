import type { AttemptRef, ErrorRecord, Leftovers } from '../core/events.ts'
import type { Cleaned } from '../core/ports.ts'
import type { RunRecord } from '../core/record.ts'
import type { TierSettings } from '../core/settings.ts'

/** What comes to light when a file's database is cleaned, as errors of the file. */

/** How servers say that a user may not do something; inside of scripts Redis and Valkey have words of their own. */
const DENIED = /NOPERM|ACL failure in script|user executing the script can't run/

/** The file tried to leave its database: one error that names the commands, with the stack of a test that ran into it. */
export function departureErrors({ departures }: Cleaned, ref: AttemptRef, record: RunRecord): ErrorRecord[] {
  if (departures === undefined || departures.length === 0) return []
  const attempts = record.tiers.get(ref.tier)?.files.get(ref.file)?.attempts ?? []
  const tests = attempts.findLast((attempt) => attempt.attempt === ref.attempt)?.tests.values() ?? []
  const errors = [...tests].flatMap((test) => test.errors)
  const told = errors.find((error) => DENIED.test(error.message))
  const message =
    `left its database: ${departures.join(', ')}. The server denied it. ` +
    "Code that needs the whole server belongs in a suite with isolation: 'server'."
  return [{ name: 'LeftDatabase', message, stack: told?.stack ?? null, diff: null, frames: told?.frames ?? [] }]
}

/** With `leaks: 'fail'`: keys without a TTL, or clients, that the file left behind. */
export function leakErrors({ leftovers }: Cleaned, settings: TierSettings): ErrorRecord[] {
  const left = settings.leaks === 'fail' ? leakWords(leftovers) : null
  if (left === null) return []
  const message = `left behind: ${left}. Clean up in afterAll, or set leaks: 'report' for the tier.`
  return [{ name: 'Leak', message, stack: null, diff: null, frames: [] }]
}

/** null: nothing that would stay for ever. */
function leakWords({ detail }: Leftovers): string | null {
  if (detail === undefined) return null
  const lasting = detail.groups.filter((group) => group.withoutTtl > 0)
  const names = lasting.slice(0, 5).map(({ prefix, type, withoutTtl }) => `${withoutTtl} x ${prefix} (${type})`)
  const clients = detail.clients ?? []
  const parts = [
    ...(detail.withoutTtl > 0
      ? [`${detail.withoutTtl} key${detail.withoutTtl === 1 ? '' : 's'} without a TTL: ${names.join(', ')}`]
      : []),
    ...(clients.length > 0 ? [`clients still connected: ${clients.join(', ')}`] : []),
  ]
  return parts.length > 0 ? parts.join('; ') : null
}
