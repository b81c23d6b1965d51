import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { PLACEHOLDERS } from '../../../src/config/placeholders.ts'
import { placeholdersIn } from '../../../src/core/placeholders.ts'
import { configSchema } from '../../../src/config/schema.ts'

const docs = readFileSync(path.resolve(import.meta.dirname, '../../../docs/configuration.md'), 'utf8')

interface Shape {
  readonly type: string
  readonly entries?: Readonly<Record<string, Shape>>
  readonly wrapped?: Shape
  readonly value?: Shape
  readonly item?: Shape
  /** Of a union of objects. */
  readonly options?: readonly Shape[]
}

/** Every option of the schema as the documentation writes it; the names in an object of texts are no options. */
function options(schema: Shape, place: readonly string[] = []): string[] {
  const inner = schema.type === 'optional' ? schema.wrapped! : schema
  const own = place.length === 0 || place.at(-1)!.startsWith('<n') ? [] : [place.join('.')]
  if (inner.type === 'record' && (inner.value!.entries ?? inner.value!.options)) {
    return [...own, ...options(inner.value!, [...place, '<name>'])]
  }
  if (inner.options) return [...own, ...new Set(inner.options.flatMap((option) => options(option, place)))]
  if (inner.type === 'array' && inner.item?.entries) return [...own, ...options(inner.item, [...place, '<n>'])]
  return [...own, ...Object.entries(inner.entries ?? {}).flatMap(([key, child]) => options(child, [...place, key]))]
}

test('docs/configuration.md describes every option, and no other', () => {
  const table = docs.split('## All options')[1]!.split('\n## ')[0]!
  const described = [...table.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]!)
  expect(described.toSorted()).toEqual(options(configSchema).toSorted())
})

test('docs/configuration.md describes every placeholder, and no other', () => {
  expect(new Set(placeholdersIn(docs))).toEqual(new Set(PLACEHOLDERS))
})
