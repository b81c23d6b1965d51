import * as v from 'valibot'
import { nearest } from './nearest.ts'
import { contradictions } from './contradictions.ts'
import { RESERVED_KEYS } from './leaves.ts'
import { configSchema, type ParsedConfig } from './schema.ts'
import { dotted, isObject, show, wrong, type Mistake } from './mistake.ts'

export type Checked =
  | { readonly ok: true; readonly config: ParsedConfig }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] }

/**
 * Checks a loaded config and finds every mistake in it, whatever it holds.
 *
 * @param root folder of the config file, against which paths are checked; null: paths are not checked
 */
export function checkConfig(input: unknown, root: string | null): Checked {
  const parsed = v.safeParse(configSchema, input)
  const mistakes = [
    ...(parsed.issues ?? []).map(fromIssue),
    ...strayKeys(configSchema, input, []),
    ...contradictions(input, root),
  ]
  if (parsed.success && mistakes.length === 0) return { ok: true, config: parsed.output }
  return { ok: false, mistakes }
}

function fromIssue(issue: v.InferIssue<typeof configSchema>): Mistake {
  const items = issue.path ?? []
  const place = items.map((item) => item.key as string | number)
  const [expected = '', hint = null] = issue.message.split('\n')
  const last = items.at(-1)
  const isMissing = last?.origin === 'key' && issue.type === 'object'
  if (isMissing) {
    return {
      path: place.slice(0, -1),
      at: 'key',
      problem: `${dotted(place)} is missing`,
      expected: `an object with "${last.key as string}"`,
      found: 'nothing',
      hint: null,
    }
  }
  const isKey = last?.origin === 'key'
  return {
    path: place,
    at: isKey ? 'key' : 'value',
    problem: notRight(place),
    expected,
    found: show(issue.input),
    hint,
  }
}

/** The parts of a schema that `strayKeys` walks. */
interface Shape {
  readonly type: string
  readonly entries?: Readonly<Record<string, Shape>>
  readonly wrapped?: Shape
  readonly value?: Shape
  readonly item?: Shape
  /** Of a union of objects that their `kind` tells apart. */
  readonly options?: readonly Shape[]
  readonly literal?: unknown
}

/** Keys that the schema does not know, all of them, and lists, promises and the like where an object belongs. */
function strayKeys(schema: Shape, input: unknown, place: readonly (string | number)[]): Mistake[] {
  const { type, entries, value, item, options } = schema.type === 'optional' ? schema.wrapped! : schema
  if (type === 'variant' && isObject(input)) {
    const chosen = options!.find((option) => option.entries!['kind']!.literal === input['kind'])
    return chosen ? strayKeys(chosen, input, place) : []
  }
  if (type === 'array' && item && Array.isArray(input)) {
    return input.flatMap((element: unknown, at) => strayKeys(item, element, [...place, at]))
  }
  if (!isObject(input) || (type !== 'object' && type !== 'record')) return []
  if (!isPlain(input)) {
    const hint = input instanceof Promise ? 'await it: export default await ...' : null
    return [wrong(place, 'value', notRight(place), 'a plain object', show(input), hint)]
  }
  return Object.keys(input).flatMap((key) => {
    const child = type === 'record' ? value : Object.hasOwn(entries!, key) ? entries![key] : undefined
    const here = [...place, key]
    if (child && !RESERVED_KEYS.has(key)) return strayKeys(child, input[key], here)
    const known = type === 'record' ? [] : Object.keys(entries!)
    const near = nearest(key, known)
    return [
      wrong(
        here,
        'key',
        `unknown option "${key}"${place.length === 0 ? '' : ` in ${dotted(place)}`}`,
        known.length === 0 ? 'another name' : `one of ${known.join(', ')}`,
        `"${key}"`,
        near === null ? null : `did you mean "${near}"?`,
      ),
    ]
  })
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function notRight(place: readonly (string | number)[]): string {
  return `${place.length === 0 ? 'the config' : dotted(place)} is not right`
}
