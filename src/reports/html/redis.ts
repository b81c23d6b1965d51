import type { RunRecord } from '../../core/record.ts'
import { printable } from '../format.ts'
import type { PageHead, PageRedis } from './data.ts'

/** A longer run is shown by the highest values of so many spans. */
const POINTS = 1000

type Samples = RunRecord['samples']
type Point = { -readonly [Key in 'at' | 'bytes' | 'clients' | 'operations' | 'writeMs']: number | null }

/** How the server did while the run went on; null when it was looked at less than twice. */
export function pageRedis({ samples }: RunRecord, start: number): PageRedis | null {
  if (samples.length < 2) return null
  const points = thinned(pointsOf(samples, start))
  return {
    at: points.map(({ at }) => at ?? 0),
    bytes: points.map(({ bytes }) => bytes),
    clients: points.map(({ clients }) => clients),
    operations: points.map(({ operations }) => operations),
    writeMs: points.map(({ writeMs }) => writeMs),
    maxBytes: samples.findLast(({ maxBytes }) => maxBytes !== null)?.maxBytes ?? null,
  }
}

function pointsOf(samples: Samples, start: number): Point[] {
  return samples.map((sample, place) => ({
    at: Math.round(sample.at - start),
    bytes: sample.usedBytes,
    clients: sample.clients,
    operations: rate(samples[place - 1], sample),
    writeMs: sample.writeMs,
  }))
}

/** Operations a second since the sample before; null when that cannot be said, as after a restart. */
function rate(before: Samples[number] | undefined, now: Samples[number]): number | null {
  if (before?.commands === undefined || now.commands === undefined) return null
  const [done, ms] = [now.commands - before.commands, now.at - before.at]
  return done < 0 || ms <= 0 ? null : Math.round((done / ms) * 1000)
}

/** Spans of equal length, of each the highest value of every kind: peaks are what somebody looks for. */
function thinned(points: readonly Point[]): Point[] {
  if (points.length <= POINTS) return [...points]
  const first = points[0]!.at!
  const span = (points.at(-1)!.at! - first + 1) / POINTS
  const spans = new Map<number, Point>()
  for (const point of points) {
    const place = Math.floor((point.at! - first) / span)
    const known = spans.get(place)
    if (!known) spans.set(place, { ...point })
    else
      for (const kind of ['bytes', 'clients', 'operations', 'writeMs'] as const)
        known[kind] = highest(known[kind], point[kind])
  }
  return [...spans.values()]
}

function highest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b)
}

/** The times in which nothing was started because the server was not fit. */
export function pagePauses({ outages }: RunRecord, start: number, now: number): PageHead['pauses'] {
  return outages.map(({ cause, from, pausedMs }) => ({
    code: cause.code,
    message: printable(cause.message),
    from: Math.round(from - start),
    ms: Math.round(pausedMs ?? Math.max(0, now - from)),
    isOver: pausedMs !== null,
  }))
}
