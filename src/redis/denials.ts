/** What a server denied a user, as its ACL log tells it. */
export interface Denial {
  /** `FLUSHALL`, `CONFIG SET`, `SELECT of database 5`. */
  readonly what: string
  readonly within: 'toplevel' | 'script' | 'transaction'
  readonly count: number
  /** Since the last time, ms. */
  readonly ageMs: number
  /** The same for the same thing, as long as the log is kept. */
  readonly key: string
}

/**
 * The entries of one user in a reply to ACL LOG, those of the same kind added up. A wrong password is no denial: the user
 * in the entry is only the one that was tried.
 */
export function recordedDenials(log: unknown, user: string): Denial[] {
  const byKey = new Map<string, Denial>()
  for (const raw of Array.isArray(log) ? (log as unknown[]) : []) {
    const entry = fields(raw)
    const reason = entry.get('reason') ?? ''
    if (entry.get('username') !== user || reason === 'auth') continue
    const object = entry.get('object') ?? ''
    const context = entry.get('context') ?? ''
    const key = `${reason} ${context} ${object}`
    const known = byKey.get(key)
    const count = Number(entry.get('count') ?? 1)
    const ageMs = Number(entry.get('age-seconds') ?? 0) * 1000
    byKey.set(key, {
      what: whatOf(reason, object, context, entry.get('client-info') ?? ''),
      within: context === 'lua' ? 'script' : context === 'multi' ? 'transaction' : 'toplevel',
      count: count + (known?.count ?? 0),
      ageMs: Math.min(ageMs, known?.ageMs ?? Infinity),
      key,
    })
  }
  return [...byKey.values()]
}

/** An entry is a list of names and values, or with RESP3 a map. */
function fields(entry: unknown): ReadonlyMap<string, string> {
  if (entry instanceof Map) return new Map([...entry].map(([name, value]) => [String(name), String(value)]))
  if (!Array.isArray(entry)) return new Map(Object.entries(entry ?? {}).map(([name, value]) => [name, String(value)]))
  const found = new Map<string, string>()
  for (let at = 0; at + 1 < entry.length; at += 2) found.set(String(entry[at]), String(entry[at + 1]))
  return found
}

/** Valkey names the database that was wanted; which command wanted it is in its words about the client, except in scripts. */
function whatOf(reason: string, object: string, context: string, client: string): string {
  const command = (name: string): string => name.toUpperCase().replace('|', ' ')
  if (reason === 'database' && /^\d+$/.test(object)) {
    const by = context === 'toplevel' ? /\bcmd=(\S+)/.exec(client)?.[1] : undefined
    return by === undefined ? `database ${object}` : `${command(by)} of database ${object}`
  }
  return reason === 'key' || reason === 'channel' ? `${reason} ${object}` : command(object)
}

/** `FLUSHALL`, `SELECT in a script (3 times)`. */
export function denialWords({ what, within, count }: Denial): string {
  const where = within === 'script' ? ' in a script' : within === 'transaction' ? ' in a transaction' : ''
  return `${what}${where}${count > 1 ? ` (${count} times)` : ''}`
}
