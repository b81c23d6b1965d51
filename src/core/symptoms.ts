import type { CauseCode } from './ending.ts'

/** Words of error messages that give their cause away, the most telling ones first. */
const SYMPTOMS: readonly (readonly [RegExp, CauseCode])[] = [
  [word('READONLY|MISCONF|NOREPLICAS|MASTERDOWN'), 'redis-read-only'],
  [/\bOOM command not allowed\b/, 'redis-out-of-memory'],
  [/\bLOADING (?:Redis|Valkey|the server)\b/, 'redis-loading'],
  [word('CLUSTERDOWN|CROSSSLOT|TRYAGAIN'), 'redis-cluster'],
  [/\bMOVED \d+ \S+:\d+/, 'redis-cluster'],
  [word('NOPERM'), 'redis-denied'],
  [word('NOAUTH|WRONGPASS'), 'redis-auth'],
  [/max number of clients reached/, 'redis-too-many-clients'],
  [/\bMaxRetriesPerRequestError\b|\bReached the max retries per request limit\b/, 'redis-unreachable'],
  [/\bECONNREFUSED\b|\bEHOSTUNREACH\b|\bENETUNREACH\b/, 'redis-unreachable'],
  [/\bECONNRESET\b|\bEPIPE\b|\bConnection is closed\b|\bCommand aborted due to connection close\b/, 'redis-went-away'],
  [/\bETIMEDOUT\b|\bCommand timed out\b/, 'redis-timeout'],
]

/** An error prefix of the protocol: in capitals, where a word begins. */
function word(words: string): RegExp {
  return new RegExp(String.raw`(?<![\w-])-?(?:${words})\s`)
}

/** `connect ECONNREFUSED 127.0.0.1:5432` names where nobody answered. */
const WHERE = /\b(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)\b\s+\S*:(\d+)\b/

/**
 * The cause that an error of a test gives away: what the server refused, or a connection that broke. null: none, as for
 * every assertion about values, and for connections to something else than the tests' Redis.
 *
 * @param port of the tests' Redis, where it is known
 */
export function symptomOf(
  error: { readonly name: string; readonly message: string },
  port: number | null,
): CauseCode | null {
  const text = `${error.name}: ${error.message}`.slice(0, 4_000)
  const where = WHERE.exec(text)?.[1]
  if (where !== undefined && port !== null && Number(where) !== port) return null
  return SYMPTOMS.find(([pattern]) => pattern.test(text))?.[1] ?? null
}
