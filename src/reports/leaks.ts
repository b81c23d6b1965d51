import type { LeftGroup } from '../core/events.ts'
import type { RunRecord } from '../core/record.ts'
import { plural, printable, size } from './format.ts'
import { planned } from './words.ts'

/** What a file left in its database, in the attempt that left most. */
export interface Leak {
  readonly tier: string
  readonly file: string
  readonly attempt: number
  readonly keys: number
  /** How many of the keys were looked at; what follows is of these. */
  readonly sampled: number
  readonly withoutTtl: number
  readonly bytes: number
  readonly groups: readonly LeftGroup[]
  /** null: it cannot be said on this server. */
  readonly clients: readonly string[] | null
}

/** The files that left something, each with its worst attempt, those with the most lasting keys first. */
export function leaks(record: RunRecord): Leak[] {
  const found = planned(record).flatMap(({ tier, file }) =>
    file.attempts
      .flatMap(({ attempt, leftovers }) => {
        const detail = leftovers?.detail
        if (!leftovers || !detail) return []
        return [{ tier: tier.name, file: file.plan.id, attempt, keys: leftovers.keys, ...detail }]
      })
      .sort(worstFirst)
      .slice(0, 1),
  )
  return found.sort(worstFirst)
}

function worstFirst(a: Leak, b: Leak): number {
  return b.withoutTtl - a.withoutTtl || b.keys - a.keys
}

const GROUPS = 3

/** `120 keys (120 without TTL, 14 kB): 100 x bull:paint:* (hash), 20 x users (set); 1 client still connected: ...` */
export function leakLine(leak: Pick<Leak, 'keys' | 'sampled' | 'withoutTtl' | 'bytes' | 'groups' | 'clients'>): string {
  const { keys, sampled, withoutTtl, bytes, groups } = leak
  const sample = sampled < keys ? `${sampled} looked at: ` : ''
  const names = groups.slice(0, GROUPS).map((group) => `${group.keys} x ${printable(group.prefix)} (${group.type})`)
  const more = groups.length > GROUPS ? `, and ${groups.length - GROUPS} more kinds` : ''
  const clients = leak.clients ?? []
  return [
    ...(keys > 0
      ? [`${plural(keys, 'key')} (${sample}${withoutTtl} without TTL, ${size(bytes)}): ${names.join(', ')}${more}`]
      : []),
    ...(clients.length > 0
      ? [`${plural(clients.length, 'client')} still connected: ${clients.map(printable).join(', ')}`]
      : []),
  ].join('; ')
}
