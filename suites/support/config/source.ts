import { checkConfig, type Checked } from '../../../src/config/check.ts'
import { locate, parseProgram } from '../../../src/config/locate.ts'

/** The mistakes of a config, or none. */
export function mistakesOf(config: unknown): Extract<Checked, { ok: false }>['mistakes'] {
  const checked = checkConfig(config, null)
  return checked.ok ? [] : checked.mistakes
}

/**
 * Where the place with the given path is in a source: the text it marks, preceded by `line:column `. Several lines are
 * marked by their first character.
 */
export function marked(
  source: string,
  path: readonly (string | number)[],
  at: 'key' | 'value' = 'value',
): string | null {
  const span = locate(parseProgram(source), { path, at })
  if (!span) return null
  const line = source.split('\n')[span.start.line - 1]!
  return `${span.start.line}:${span.start.column} ${line.slice(span.start.column - 1, span.end.column - 1)}`
}
