import { cutStart, displayWidth, duration, elapsed, pad, plural, printable } from '../format.ts'
import type { Paint, Piece } from './paint.ts'
import type { ShardView, Snapshot } from './progress.ts'
import { joinPieces } from './table.ts'

/** The lines that always stay: counts and bar. */
const FOOTER = 2
/** A path shorter than this is no longer recognised; the other parts of the line give way first. */
const SHORTEST_PATH = 16
/** Room for the longest usual time: ` 12m 5s of ~10m 3s over try 2`. */
const TIME = 29

/**
 * The live view as lines, none wider than `columns` and no more than `rows` of them. With too few rows the shards that
 * have been at their file for longest are shown, and the rest as a number.
 */
export function liveFrame(view: Snapshot, columns: number, rows: number, paint: Paint): string[] {
  const footer = [counts(view, columns, paint), bar(view, columns, paint)].slice(-Math.max(1, rows))
  const room = rows - FOOTER
  if (room <= 0) return footer
  const all = view.shards
  const shown = all.length <= room ? all : longest(all, Math.max(0, room - 1))
  const hidden = all.length - shown.length
  return [
    ...shown.map((shard) => shardLine(view.tier, shard, columns, paint)),
    ...(hidden > 0
      ? [joinPieces([{ text: ` and ${plural(hidden, 'more shard')}`, style: 'gray' }], columns, paint)]
      : []),
    ...footer,
  ]
}

function longest(shards: readonly ShardView[], most: number): ShardView[] {
  const at = (shard: ShardView): number => shard.running?.elapsedMs ?? -1
  return shards
    .toSorted((a, b) => at(b) - at(a))
    .slice(0, most)
    .toSorted((a, b) => a.shard - b.shard)
}

function shardLine(tier: string, view: ShardView, columns: number, paint: Paint): string {
  const { running } = view
  const head = shardHead(tier, view, columns)
  if (!running) return joinPieces([{ text: head }, { text: 'between files', style: 'gray' }], columns, paint)
  const time: Piece[] = [
    { text: `  ${elapsed(running.elapsedMs)}` },
    { text: running.expectedMs === null ? ' of ?' : ` of ~${duration(running.expectedMs)}`, style: 'gray' },
    ...(running.over ? [{ text: ' over', style: 'yellow' } as const] : []),
    ...(running.attempt > 1 ? [{ text: ` try ${running.attempt}`, style: 'gray' } as const] : []),
  ]
  const timeWidth = time.reduce((sum, { text }) => sum + displayWidth(text), 0)
  const room = Math.max(1, columns - displayWidth(head) - timeWidth)
  const path = pad(cutStart(printable(running.file), room), room)
  return joinPieces([{ text: head }, { text: path }, ...time], columns, paint)
}

function shardHead(tier: string, { shard, database }: ShardView, columns: number): string {
  const number = pad(String(shard), 2)
  const place = database === null ? 'no db' : pad(`db ${database}`, 5)
  const head = ` ${printable(tier)} shard ${number} ${place}  `
  return displayWidth(head) + SHORTEST_PATH + TIME <= columns ? head : ` ${number} `
}

function counts(view: Snapshot, columns: number, paint: Paint): string {
  const { passed, failed, skipped } = view.counts
  const pieces: Piece[] = [
    { text: ` ${passed} passed`, ...(passed > 0 ? { style: 'green' } : {}) },
    { text: ', ' },
    { text: `${failed} failed`, ...(failed > 0 ? { style: ['red', 'bold'] as const } : {}) },
    { text: `, ${skipped} skipped, ${view.filesLeft} of ${plural(view.files, 'file')} left` },
  ]
  return joinPieces(pieces, columns, paint)
}

const WIDEST_BAR = 30

function bar(view: Snapshot, columns: number, paint: Paint): string {
  const done = Math.min(1, Math.max(0, view.done))
  // Never 100% while something is left.
  const number = view.filesLeft > 0 ? Math.min(99, Math.floor(done * 100)) : Math.floor(done * 100)
  const eta = view.etaMs === null ? 'time left unknown' : `about ${elapsed(Math.max(1000, view.etaMs))} left`
  const text = ` ${pad(`${number}%`, 4, 'right')}  ${elapsed(view.elapsedMs)}, ${eta} (deadline ${duration(view.deadlineMs)})`
  const room = Math.min(WIDEST_BAR, columns - displayWidth(text) - 1)
  if (room < 5) return joinPieces([{ text }], columns, paint)
  const full = Math.round(done * room)
  const late = view.elapsedMs + (view.etaMs ?? 0) > view.deadlineMs
  return joinPieces(
    [
      { text: ' ' },
      { text: '█'.repeat(full), style: late ? 'yellow' : 'green' },
      { text: '░'.repeat(room - full), style: 'gray' },
      { text },
      ...(late ? [{ text: ' late', style: 'yellow' } as const] : []),
    ],
    columns,
    paint,
  )
}
