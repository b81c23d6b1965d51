import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { parseProgram, type Span } from './locate.ts'
import { address, displayPath, frame } from './report.ts'
import { maskSecrets } from './source.ts'

/** This file and what it imports (babel) load only when a config cannot be loaded. */

interface Fault {
  readonly file: string
  readonly span: Span | null
  readonly message: string
  readonly hint: string | null
}

/** Why a config file did not load: the place and the message, without a stack of the runtime's internals. */
export function reportLoadFailure(file: string, error: unknown, cwd: string): string {
  const fault = syntaxFault(file) ?? importFault(error) ?? typescriptFault(file, error) ?? thrownFault(file, error)
  const shown = displayPath(fault.file, cwd)
  const place = fault.span && existsSync(fault.file) ? frame(readFileSync(fault.file, 'utf8'), fault.span) : null
  return [
    `${displayPath(file, cwd)} cannot be loaded`,
    '',
    `${address(shown, fault.span)} ${maskSecrets(fault.message)}`,
    ...(place === null ? [] : [place]),
    ...(fault.hint === null ? [] : [`  hint      ${fault.hint}`]),
  ].join('\n')
}

/** A syntax error in the config or in a file of the project that it imports. The runtime often does not say where. */
function syntaxFault(file: string, seen = new Set<string>()): Fault | null {
  if (seen.has(file) || !existsSync(file)) return null
  seen.add(file)
  try {
    for (const { specifier } of importsOf(file)) {
      if (!specifier.startsWith('.') || !/\.[cm]?[jt]s$/.test(specifier)) continue
      const fault = syntaxFault(path.resolve(path.dirname(file), specifier), seen)
      if (fault) return fault
    }
    return null
  } catch (error) {
    const { loc, message } = error as { loc?: { line: number; column: number }; message: string }
    if (!loc) return null
    const start = { line: loc.line, column: loc.column + 1 }
    const span = { start, end: { ...start, column: start.column + 1 } }
    return { file, span, message: `syntax error: ${message.replace(/ \(\d+:\d+\)$/, '')}`, hint: null }
  }
}

/** An import that leads nowhere. */
function importFault(error: unknown): Fault | null {
  if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') return null
  const parts = /^Cannot find (package|module) '(.+)' imported from (.+)$/.exec(error.message)
  if (!parts) return null
  const [, kind, target, importer] = parts
  const file = importer!.startsWith('file:') ? fileURLToPath(importer!) : importer!
  if (!existsSync(file)) return null
  const isMeant = (specifier: string): boolean =>
    kind === 'package'
      ? specifier === target || specifier.startsWith(`${target}/`)
      : path.resolve(path.dirname(file), specifier) === target
  const span = importsOf(file).find(({ specifier }) => isMeant(specifier))?.span ?? null
  const hint =
    kind === 'package'
      ? `install it: npm install --save-dev ${target}`
      : path.extname(target!) === ''
        ? 'the name needs its ending, as in ./shared.ts'
        : null
  return {
    file,
    span,
    message: `cannot find the ${kind} '${kind === 'package' ? target : displayPath(target!, path.dirname(file))}'`,
    hint,
  }
}

/** TypeScript that Node cannot strip, or no stripping at all. */
function typescriptFault(file: string, error: unknown): Fault | null {
  // Anything can be thrown, null too.
  const { code, message, stack } = (error ?? {}) as { code?: string; message?: string; stack?: string }
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    const hint = `use tiershard.config.mjs, or let Node ${process.version} strip types (it is switched off, see NODE_OPTIONS)`
    return { file, span: null, message: 'this Node does not read TypeScript', hint }
  }
  if (code !== 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') return null
  const at = /^(.+):(\d+)\n.*\n( *)(\^+)/.exec(stack ?? '')
  const hint = 'Node only strips types: no enum, no namespace, no parameter property'
  if (!at) return { file, span: null, message: message ?? '', hint }
  const start = { line: Number(at[2]), column: at[3]!.length + 1 }
  const span = { start, end: { line: start.line, column: start.column + at[4]!.length } }
  return { file: at[1]!, span, message: message ?? '', hint }
}

/** Whatever the code of the config threw: the first line of its stack that is the project's own. */
function thrownFault(file: string, error: unknown): Fault {
  if (!(error instanceof Error)) return { file, span: null, message: `it threw ${inspect(error)}`, hint: null }
  const message = `${error.name}: ${error.message}`
  // An error of linking (a name that a module does not export) has its place in front of the stack, others in a frame.
  const front = /^(file:\/\/\S+):(\d+)\n.*\n( *)\^/.exec(error.stack ?? '')
  const found = front ? [front[1]!, front[2]!, String(front[3]!.length + 1)] : ownFrame(error.stack ?? '')
  if (!found) return { file, span: null, message, hint: null }
  const [url, line, column] = found
  const start = { line: Number(line), column: Number(column) }
  return {
    file: fileURLToPath(url!),
    span: { start, end: { ...start, column: start.column + 1 } },
    message,
    hint: null,
  }
}

function ownFrame(stack: string): string[] | null {
  for (const [, url, line, column] of stack.matchAll(/(file:\/\/[^\s)]+?)(?:\?[^\s):]*)?:(\d+):(\d+)\)?$/gm)) {
    if (url!.includes('/node_modules/')) continue
    return [url!, line!, column!]
  }
  return null
}

function importsOf(file: string): { specifier: string; span: Span }[] {
  return parseProgram(readFileSync(file, 'utf8')).body.flatMap((statement) => {
    if (
      statement.type !== 'ImportDeclaration' &&
      statement.type !== 'ExportNamedDeclaration' &&
      statement.type !== 'ExportAllDeclaration'
    ) {
      return []
    }
    const { source } = statement
    if (!source?.loc) return []
    const { start, end } = source.loc
    const span = {
      start: { line: start.line, column: start.column + 1 },
      end: { line: end.line, column: end.column + 1 },
    }
    return [{ specifier: source.value, span }]
  })
}
