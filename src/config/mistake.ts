import { maskSecrets } from './source.ts'

/** One mistake in a config, in words; where it stands in the file is found later, from `path`. */
export interface Mistake {
  /** Keys and indexes from the top of the config to the place. */
  readonly path: readonly (string | number)[]
  /** Whether the key itself is wrong, or its value. */
  readonly at: 'key' | 'value'
  readonly problem: string
  readonly expected: string
  readonly found: string
  readonly hint: string | null
}

/** One mistake, shorter to write. */
export function wrong(
  place: readonly (string | number)[],
  at: Mistake['at'],
  problem: string,
  expected: string,
  found: string,
  hint: string | null,
): Mistake {
  return { path: place, at, problem, expected, found, hint }
}

/** A path as one writes it: `tiers.fast.shards`, `redis.databases[2]`. */
export function dotted(place: readonly (string | number)[]): string {
  return place.map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at === 0 ? '' : '.'}${key}`)).join('')
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** The value if it is an object with keys, else an empty one. */
export function objectAt(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) && !Array.isArray(value) ? value : {}
}

/** What was found, in a few words: never a whole object, never a password. */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    const text = maskSecrets(value)
    return `'${text.length > 80 ? `${text.slice(0, 77)}...` : text}'`
  }
  if (value === undefined) return 'nothing'
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return `${value}`
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (value instanceof Promise) return 'a promise'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
