import type { RunRecord } from '../../core/record.ts'
import { testVerdicts } from '../../core/verdict.ts'
import { printable } from '../format.ts'
import { planned } from '../words.ts'
import { testMark, type PageTests } from './data.ts'

/** So many tests stand in one piece, about: the page reads the pieces one after the other and stays responsive. */
const PIECE = 25_000

/** The tests of a run in columns, in the order of the files of the page's head; no file is split between pieces. */
export function* pageTests(record: RunRecord): Generator<PageTests> {
  let piece = emptyPiece()
  for (const { file } of planned(record)) {
    let before = 0
    for (const verdict of testVerdicts(file)) {
      const { name, last } = verdict
      piece.names.push(printable(name))
      piece.marks.push(testMark(verdict))
      piece.ms.push(Math.round(last.durationMs))
      piece.lines.push(last.line === null ? null : last.line - before)
      before = last.line ?? before
    }
    if (piece.names.length >= PIECE) {
      yield { ...piece, marks: piece.marks.join('') }
      piece = emptyPiece()
    }
  }
  if (piece.names.length > 0) yield { ...piece, marks: piece.marks.join('') }
}

function emptyPiece(): { names: string[]; marks: string[]; ms: number[]; lines: (number | null)[] } {
  return { names: [], marks: [], ms: [], lines: [] }
}
