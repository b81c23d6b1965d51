import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as CodeFrame from '@babel/code-frame'
import type { StackFrame } from '../../core/events.ts'
import { printable } from '../format.ts'

/** Generated files may be huge and hold everything on one line; nobody looks for the error there. */
const LARGEST_FILE = 2_000_000
const LONGEST_LINE = 200
const ABOVE = 2
const BELOW = 3

const require = createRequire(import.meta.url)

export interface Place {
  /** Relative to the root, with forward slashes. */
  readonly file: string
  readonly line: number
  readonly column: number
  /** The source around it, ready to print; empty when it cannot be read. */
  readonly code: readonly string[]
}

/** The first frame of a stack inside the project (below `root`, outside of node_modules), with its source; null: none. */
export function placeOf(frames: readonly StackFrame[], root: string, colours: boolean): Place | null {
  for (const frame of frames) {
    const absolute = path.resolve(root, toPath(frame.file))
    const relative = path.relative(root, absolute).split(path.sep).join('/')
    const outside = relative === '' || relative.startsWith('../') || path.isAbsolute(relative)
    if (outside || relative.split('/').includes('node_modules')) continue
    const code = codeAround(absolute, frame, colours)
    return { file: relative, line: frame.line, column: frame.column, code }
  }
  return null
}

function toPath(file: string): string {
  if (!file.startsWith('file:')) return file
  try {
    return fileURLToPath(file)
  } catch {
    return file
  }
}

function codeAround(file: string, { line, column }: StackFrame, colours: boolean): string[] {
  const source = read(file)?.split(/\r?\n/u)
  if (!source || line < 1 || line > source.length) return []
  const from = Math.max(1, line - ABOVE)
  const around = source.slice(from - 1, line + BELOW)
  // Not the whole file is given to the library: it would colour all of it for six lines.
  const printed = around.map((text) => printable(text.replaceAll('\t', '  ').slice(0, LONGEST_LINE)))
  const before = (source[line - 1] ?? '').slice(0, Math.max(0, column - 1))
  // The library counts columns from 0, stack traces from 1.
  const at = printable(before.replaceAll('\t', '  ')).length
  const { codeFrameColumns } = require('@babel/code-frame') as typeof CodeFrame
  type Location = Parameters<typeof codeFrameColumns>[1]
  // Without a column the line alone is marked; only the library's types ask for one.
  const start = (column < 1 || at > LONGEST_LINE ? { line } : { line, column: at }) as Location['start']
  const options = { startLine: from, linesAbove: ABOVE, linesBelow: BELOW, forceColor: colours }
  return codeFrameColumns(printed.join('\n'), { start }, options).split('\n')
}

/** The text of a file; null when it is not there, not a file, or too large. */
function read(file: string): string | null {
  try {
    const stat = statSync(file)
    return stat.isFile() && stat.size <= LARGEST_FILE ? readFileSync(file, 'utf8') : null
  } catch {
    return null
  }
}
