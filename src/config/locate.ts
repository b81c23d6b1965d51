import { parse } from '@babel/parser'
import type { Mistake } from './mistake.ts'

/** Where something stands in a file; lines and columns count from 1, the end is exclusive. */
export interface Span {
  readonly start: { readonly line: number; readonly column: number }
  readonly end: { readonly line: number; readonly column: number }
}

type Program = ReturnType<typeof parse>['program']
type Statement = Program['body'][number]
type Expression = NonNullable<Extract<Statement, { type: 'VariableDeclaration' }>['declarations'][number]['init']>
interface Placed {
  readonly loc?: Span | null
}

/** A value in the source, and the key it was written under. */
interface Place {
  readonly key: Placed | null
  readonly value: Expression
}

/** Longest chain of constants and spreads that is followed; guards against circles. */
const MAX_HOPS = 50

/** Parses a config; throws babel's error, with `loc` and `reasonCode`, when it cannot. */
export function parseProgram(text: string): Program {
  return parse(text, { sourceType: 'module', plugins: ['typescript'], allowReturnOutsideFunction: true }).program
}

/**
 * The place of a mistake in the source of a config. Follows `defineConfig(...)`, `satisfies`, `as`, constants of the
 * file and spreads of them; where a value is computed, it is the nearest place around it that is written down. null
 * when the file has no default export to start from.
 */
export function locate(program: Program, mistake: Pick<Mistake, 'path' | 'at'>): Span | null {
  const exported = defaultExport(program)
  if (!exported) return null
  let place: Place = { key: null, value: exported }
  for (const step of mistake.path) {
    const next = child(program, place.value, step, 0)
    if (!next) return firstLine(place, 'value')
    place = next
  }
  return firstLine(place, mistake.at)
}

function firstLine(place: Place, at: Mistake['at']): Span | null {
  const isLong = place.value.loc?.start.line !== place.value.loc?.end.line
  const node: Placed = place.key && (at === 'key' || isLong) ? place.key : place.value
  return spanOf(node)
}

/** Babel counts columns from 0. A node over several lines is marked by its first character. */
function spanOf(node: Placed): Span | null {
  if (!node.loc) return null
  const { start, end } = node.loc
  const from = { line: start.line, column: start.column + 1 }
  if (start.line !== end.line) return { start: from, end: { line: start.line, column: from.column + 1 } }
  return { start: from, end: { line: end.line, column: end.column + 1 } }
}

function defaultExport(program: Program): Expression | null {
  for (const statement of program.body) {
    if (statement.type === 'ExportDefaultDeclaration') return statement.declaration as Expression
    if (statement.type === 'ExportNamedDeclaration') {
      for (const specifier of statement.specifiers) {
        if (specifier.type !== 'ExportSpecifier' || statement.source) continue
        const { exported } = specifier
        const name = exported.type === 'Identifier' ? exported.name : exported.value
        if (name === 'default') return specifier.local
      }
    }
  }
  return null
}

/** The entry `step` of an object or list expression; null when it is not written down. */
function child(program: Program, from: Expression, step: string | number, hops: number): Place | null {
  if (hops > MAX_HOPS) return null
  const node = written(program, from, hops)
  if (node?.type === 'ArrayExpression' && typeof step === 'number') {
    const before = node.elements.slice(0, step + 1)
    const value = before.at(step)
    if (!value || before.some((element) => element?.type === 'SpreadElement')) return null
    return { key: null, value: value as Expression }
  }
  if (node?.type !== 'ObjectExpression') return null
  // The last entry of a name wins, as it does when the object is made.
  for (const property of node.properties.toReversed()) {
    if (property.type === 'SpreadElement') {
      const found = child(program, property.argument, step, hops + 1)
      if (found) return found
    } else if (property.type === 'ObjectProperty' && keyName(property) === String(step)) {
      return { key: property.key, value: property.value as Expression }
    } else if (property.type === 'ObjectMethod' && keyName(property) === String(step)) {
      return { key: property.key, value: property.key }
    }
  }
  return null
}

function keyName(property: { readonly computed?: boolean; readonly key: { readonly type: string } }): string | null {
  const key = property.key as { type: string; name?: string; value?: unknown }
  if (key.type === 'StringLiteral' || key.type === 'NumericLiteral') return String(key.value)
  return key.type === 'Identifier' && property.computed !== true ? (key.name ?? null) : null
}

/** The object or list that an expression stands for, as far as reading the file shows. */
function written(program: Program, node: Expression, hops: number): Expression | null {
  if (hops > MAX_HOPS) return null
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- babel's union has dozens; these can be read
  switch (node.type) {
    case 'TSSatisfiesExpression':
    case 'TSAsExpression':
    case 'TSTypeAssertion':
    case 'TSNonNullExpression':
    case 'ParenthesizedExpression':
      return written(program, node.expression, hops + 1)
    case 'CallExpression': {
      const [argument] = node.arguments
      const isOurs = node.callee.type === 'Identifier' && node.callee.name === 'defineConfig'
      return isOurs && argument ? written(program, argument as Expression, hops + 1) : null
    }
    case 'Identifier': {
      const value = constant(program, node.name)
      return value ? written(program, value, hops + 1) : null
    }
    case 'MemberExpression': {
      if (node.computed || node.property.type !== 'Identifier') return null
      const place = child(program, node.object as Expression, node.property.name, hops + 1)
      return place ? written(program, place.value, hops + 1) : null
    }
    default:
      return node
  }
}

function constant(program: Program, name: string): Expression | null {
  for (const statement of program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (declaration?.type !== 'VariableDeclaration' || declaration.kind !== 'const') continue
    const found = declaration.declarations.find(({ id }) => id.type === 'Identifier' && id.name === name)
    if (found?.init) return found.init
  }
  return null
}
