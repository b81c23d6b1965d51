import type { LeftGroup, LeftBehind } from '../core/events.ts'

/** At most so many keys of a file are looked at: 2,000 take a native server 10 ms, the embedded one 40 ms. */
export const SAMPLED_KEYS = 2_000
/** More groups than this are not reported one by one. */
const MOST_GROUPS = 20
const LONGEST_PREFIX = 80

/** One key as leftovers.lua tells it. */
export interface LeftKey {
  readonly name: string
  readonly type: string
  readonly expires: boolean
  /** null: the server does not say. */
  readonly bytes: number | null
}

/** The answer of leftovers.lua: the number of keys, then four values a sampled key. */
export function readSample(reply: unknown): { readonly keys: number; readonly sample: readonly LeftKey[] } {
  const [keys, ...flat] = reply as [number, ...unknown[]]
  const sample: LeftKey[] = []
  for (let at = 0; at + 3 < flat.length; at += 4) {
    const bytes = Number(flat[at + 3])
    sample.push({
      name: String(flat[at]),
      type: String(flat[at + 1]),
      expires: Number(flat[at + 2]) >= 0,
      bytes: bytes >= 0 ? bytes : null,
    })
  }
  return { keys, sample }
}

/**
 * Where keys come from, so that thousands of them make a few lines: the first two parts of a name, each number or id in it
 * as `*`. `storm:4:user:16069` and `storm:5:user:7` are `storm:*:*`.
 */
export function prefixOf(name: string): string {
  const parts = name.split(':')
  const shown = parts.slice(0, 2).map((part) => part.replaceAll(/[0-9a-f]{8,}(-[0-9a-f]{4,})*|\d+/gi, '*'))
  const prefix = parts.length > 2 ? [...shown, '*'].join(':') : shown.join(':')
  return prefix.length > LONGEST_PREFIX ? `${prefix.slice(0, LONGEST_PREFIX)}*`.toWellFormed() : prefix
}

/** What a file left, from a sample of its keys and the clients that stayed. */
export function leftBehind(sample: readonly LeftKey[], clients: readonly string[] | null): LeftBehind {
  const groups = new Map<string, LeftGroup>()
  let withoutTtl = 0
  let bytes = 0
  for (const key of sample) {
    const prefix = prefixOf(key.name)
    const id = `${key.type} ${prefix}`
    const { keys, withoutTtl: lasting, bytes: size } = groups.get(id) ?? { keys: 0, withoutTtl: 0, bytes: 0 }
    const stays = key.expires ? 0 : 1
    withoutTtl += stays
    bytes += key.bytes ?? 0
    groups.set(id, {
      prefix,
      type: key.type,
      keys: keys + 1,
      withoutTtl: lasting + stays,
      bytes: size + (key.bytes ?? 0),
    })
  }
  const largest = [...groups.values()].toSorted((a, b) => b.keys - a.keys || (a.prefix < b.prefix ? -1 : 1))
  return { sampled: sample.length, withoutTtl, bytes, groups: largest.slice(0, MOST_GROUPS), clients }
}
