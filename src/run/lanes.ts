import type { Lease } from '../core/ports.ts'

/** One parallel lane of a tier: a shard number and, where a database is held for it, its lease. */
export interface Lane {
  readonly shard: number
  readonly lease: Lease | null
}

/**
 * The lanes of a tier, and who waits for one. A lane is out from {@link take} to {@link give}: with a lease lost it is
 * taken out for good by {@link retire}.
 */
export interface Lanes {
  /**
   * Waits for a free lane; null once the lanes are closed, or when no lane that fits is left.
   *
   * @param place of those that wait, the one with the lowest place is served first
   */
  take(needsDatabase: boolean, place: number): Promise<Lane | null>
  give(lane: Lane): void
  retire(lane: Lane): void
  /** Nobody gets a lane any more; waiting takers get null. */
  close(): void
  readonly size: number
  /** The lane with this shard number. */
  at(shard: number): Lane
}

interface Waiter {
  readonly needsDatabase: boolean
  readonly place: number
  readonly resolve: (lane: Lane | null) => void
}

/**
 * @param leases one lane each
 * @param shards lanes in all; those beyond the leases have no database and serve suites without Redis
 */
export function openLanes(leases: readonly Lease[], shards: number): Lanes {
  const all: Lane[] = Array.from({ length: Math.max(shards, leases.length) }, (_, shard) => ({
    shard,
    lease: leases[shard] ?? null,
  }))
  const left = new Set(all)
  const free = new Set(all)
  const waiting: Waiter[] = []
  let closed = false

  /** A file without Redis takes a lane without a lease first, so that the leased ones stay for those that need them. */
  const pick = (needsDatabase: boolean): Lane | null => {
    const lanes = [...free]
    if (needsDatabase) return lanes.find((lane) => lane.lease !== null) ?? null
    return lanes.find((lane) => lane.lease === null) ?? lanes[0] ?? null
  }
  const possible = (needsDatabase: boolean): boolean => [...left].some((lane) => !needsDatabase || lane.lease !== null)
  const serve = (): void => {
    for (let i = 0; i < waiting.length;) {
      const waiter = waiting[i]!
      const lane = closed ? null : pick(waiter.needsDatabase)
      if (lane === null && !closed && possible(waiter.needsDatabase)) {
        i++
        continue
      }
      waiting.splice(i, 1)
      if (lane) free.delete(lane)
      waiter.resolve(lane)
    }
  }

  return {
    size: all.length,
    at: (shard) => all[shard]!,
    take(needsDatabase, place) {
      const { promise, resolve } = Promise.withResolvers<Lane | null>()
      const after = waiting.findIndex((other) => other.place > place)
      waiting.splice(after === -1 ? waiting.length : after, 0, { needsDatabase, place, resolve })
      serve()
      return promise
    },
    give(lane) {
      if (left.has(lane)) free.add(lane)
      serve()
    },
    retire(lane) {
      left.delete(lane)
      free.delete(lane)
      serve()
    },
    close() {
      closed = true
      serve()
    },
  }
}
