import type { TierRecord } from '../../core/record.ts'
import type { Lane, Pace } from './data.ts'

/**
 * How well a tier used its shards, from what really happened; null when nothing ran.
 *
 * @param runStart what the times in the result count from, ms since 1970
 * @param now the end of what is known, for attempts of a run that was killed, ms since 1970
 * @param place of a file of this tier in the page, by id
 */
export function paceOf(
  tier: TierRecord,
  runStart: number,
  now: number,
  place: (id: string) => number | null,
): Pace | null {
  const lanes = new Map<number, { busyMs: number; startUpMs: number; attempts: number; to: number }>()
  let from = Infinity
  let to = -Infinity
  let total = 0
  let longest = { ms: 0, id: '' }
  for (const file of tier.files.values()) {
    // Tries follow each other, repetitions need not.
    let floor = 0
    for (const attempt of file.attempts) {
      // Of a run that this one continues: another time, and perhaps another clock.
      if (attempt.run !== undefined) continue
      const end = attempt.endedAt ?? Math.max(now, attempt.startedAt)
      const lane = lanes.get(attempt.shard) ?? { busyMs: 0, startUpMs: 0, attempts: 0, to: 0 }
      lanes.set(attempt.shard, lane)
      lane.busyMs += end - attempt.startedAt
      lane.startUpMs += (attempt.collectedAt ?? end) - attempt.startedAt
      lane.attempts++
      lane.to = Math.max(lane.to, end)
      from = Math.min(from, attempt.startedAt)
      to = Math.max(to, end)
      const ms = end - attempt.startedAt
      total += ms
      floor = file.plan.repeated ? Math.max(floor, ms) : floor + ms
    }
    if (floor > longest.ms) longest = { ms: floor, id: file.plan.id }
  }
  if (lanes.size === 0) return null
  const even = total / Math.max(tier.shards, lanes.size)
  const idle = tier.shards > lanes.size
  const tailFrom = idle ? from : [...lanes.values()].reduce((first, lane) => Math.min(first, lane.to), to)
  return {
    from: Math.round(from - runStart),
    makespanMs: Math.round(to - from),
    floorMs: Math.round(Math.max(longest.ms, even)),
    floorFile: longest.ms >= even ? place(longest.id) : null,
    tailFrom: Math.round(tailFrom - runStart),
    lanes: [...lanes]
      .sort(([a], [b]) => a - b)
      .map(([shard, lane]): Lane => ({
        shard,
        attempts: lane.attempts,
        busyMs: Math.round(lane.busyMs),
        startUpMs: Math.round(lane.startUpMs),
      })),
  }
}
