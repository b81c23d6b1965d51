import { cut, cutStart, displayWidth, pad } from '../format.ts'
import type { Paint, Piece } from './paint.ts'

export interface Column {
  readonly header: string
  readonly align?: 'left' | 'right'
  /** Gives way when the table is too wide: `start` keeps the end of its texts (paths), `end` their beginning. */
  readonly shrink?: 'start' | 'end'
}

export type Cell = string | Piece

const GAP = 2
/** A column that gives way keeps at least this much, so that something can be recognised. */
const LEAST = 12

/**
 * Lines of a table, indented by two, none wider than `width` columns. Texts must be printable. A table that cannot fit
 * loses its last columns.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  paint: Paint,
): string[] {
  const header: Cell[] = columns.map(({ header }) => ({ text: header, style: 'gray' }))
  const widths = fitting(columns, [header, ...rows], width)
  return [header, ...rows].map((row) => line(columns, row, widths, width, paint))
}

function fitting(columns: readonly Column[], rows: readonly (readonly Cell[])[], width: number): number[] {
  const widths = columns.map((_, at) => rows.reduce((most, row) => Math.max(most, displayWidth(textOf(row[at]))), 0))
  const gives = columns.findIndex((column) => column.shrink !== undefined)
  const excess = widths.reduce((sum, columns) => sum + columns + GAP, 0) - width
  if (gives >= 0 && excess > 0) widths[gives] = Math.max(Math.min(widths[gives]!, LEAST), widths[gives]! - excess)
  return widths
}

function line(
  columns: readonly Column[],
  row: readonly Cell[],
  widths: readonly number[],
  width: number,
  paint: Paint,
): string {
  let used = 0
  const parts: string[] = []
  for (const [at, column] of columns.entries()) {
    const room = Math.min(widths[at]!, width - used - GAP)
    if (room <= 0) break
    const cell = row[at] ?? ''
    const text = textOf(cell)
    const short = column.shrink === 'start' ? cutStart(text, room) : cut(text, room)
    const padded = pad(short, room, column.align)
    parts.push(' '.repeat(GAP), typeof cell === 'string' || !cell.style ? padded : paint(cell.style, padded))
    used += room + GAP
  }
  return parts.join('').trimEnd()
}

function textOf(cell: Cell | undefined): string {
  return cell === undefined ? '' : typeof cell === 'string' ? cell : cell.text
}

/** Joins pieces to one painted line of at most `width` columns; what does not fit is cut. */
export function joinPieces(pieces: readonly Piece[], width: number, paint: Paint): string {
  let left = width
  let line = ''
  for (const { text, style } of pieces) {
    if (left <= 0) break
    const short = cut(text, left)
    left -= displayWidth(short)
    line += style ? paint(style, short) : short
  }
  return line
}
