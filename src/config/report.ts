import { readFileSync } from 'node:fs'
import path from 'node:path'
import { codeFrameColumns } from '@babel/code-frame'
import { locate, parseProgram, type Span } from './locate.ts'
import type { Mistake } from './mistake.ts'
import { maskSecrets } from './source.ts'

/** This file and what it imports (babel) load only when a config is wrong. */

/** Every mistake with its place in the file, in the order of the file. */
export function reportMistakes(file: string, mistakes: readonly Mistake[], cwd: string): string {
  const text = readFileSync(file, 'utf8')
  const program = parseProgram(text)
  const placed = mistakes
    .map((mistake) => ({ mistake, span: locate(program, mistake) }))
    .toSorted((a, b) => line(a.span) - line(b.span) || column(a.span) - column(b.span))
  const shown = displayPath(file, cwd)
  const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`
  return [`${count} in ${shown}`, ...placed.map(({ mistake, span }) => one(shown, text, mistake, span))].join('\n\n')
}

function one(file: string, text: string, mistake: Mistake, span: Span | null): string {
  return [
    `${address(file, span)} ${mistake.problem}`,
    ...(span ? [frame(text, span)] : []),
    `  expected  ${mistake.expected}`,
    `  found     ${mistake.found}`,
    ...(mistake.hint === null ? [] : [`  hint      ${mistake.hint}`]),
  ].join('\n')
}

export function address(file: string, span: Span | null): string {
  return span ? `${file}:${span.start.line}:${span.start.column}` : file
}

/** The lines around a place, with the place marked. Passwords in URLs are starred out. */
export function frame(text: string, span: Span): string {
  const lines = codeFrameColumns(maskSecrets(text), fromZero(span), { linesAbove: 1, linesBelow: 1 })
  return lines.replaceAll(/^/gm, '  ')
}

export function displayPath(file: string, cwd: string): string {
  const relative = path.relative(cwd, file)
  return relative.startsWith('..') ? file : relative
}

function line(span: Span | null): number {
  return span?.start.line ?? 0
}

function column(span: Span | null): number {
  return span?.start.column ?? 0
}

/** The columns of code frames count from 0. */
function fromZero({ start, end }: Span): Span {
  return { start: { ...start, column: start.column - 1 }, end: { ...end, column: end.column - 1 } }
}
