import type { PlannedFile } from './events.ts'

/** Which part of a plan a CI node runs: the `index`-th of `of`, counted from 1. */
export interface SliceRequest {
  readonly index: number
  readonly of: number
}

type Sliceable = Pick<PlannedFile, 'id' | 'expectedMs'>

/** The slices of one tier. */
export interface Slices {
  /** The place of each file's slice, from 0, by the file's id. */
  readonly of: ReadonlyMap<string, number>
  /** Expected work of each slice, ms; null when no file has history. */
  readonly expectedMs: readonly number[] | null
}

/**
 * Spreads files over nodes that do not talk to each other: longest expected file first, each to the slice that has the
 * least work so far (LPT, at most 4/3 - 1/3n of the optimum). Unknown files count as the mean of the known ones, as in
 * the forecast; with no known file all count the same. Equal files, history and number of slices give equal slices on
 * every machine, in whatever order the files were found.
 *
 * @param before work that the slices have from other tiers, ms: of slices with the same work in this tier the one with
 *   less of it comes first, so that the odd file of each tier does not always go to the same node
 */
export function slices(files: readonly Sliceable[], count: number, before: readonly number[] = []): Slices {
  const known = files.flatMap((file) => (file.expectedMs === null ? [] : [file.expectedMs])).sort((a, b) => a - b)
  // Summed in a fixed order: where files were found must not show, not even in the last bit.
  const mean = known.length === 0 ? 1 : known.reduce((sum, ms) => sum + ms, 0) / known.length
  const longestFirst = files
    .map(({ id, expectedMs }) => ({ id, ms: expectedMs ?? mean }))
    .sort((a, b) => b.ms - a.ms || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  const all = Array.from({ length: count }, (_, at) => ({ at, ms: 0, files: 0, before: before[at] ?? 0 }))
  const of = new Map<string, number>()
  for (const { id, ms } of longestFirst) {
    const least = all.reduce((first, slice) => (compare(slice, first) < 0 ? slice : first))
    least.ms += ms
    least.files++
    of.set(id, least.at)
  }
  return { of, expectedMs: known.length === 0 ? null : all.map(({ ms }) => ms) }
}

interface Load {
  readonly ms: number
  readonly files: number
  readonly before: number
  readonly at: number
}

/** Files of no expected time still cost something: of equal work, fewer files are less. */
function compare(a: Load, b: Load): number {
  return a.ms - b.ms || a.files - b.files || a.before - b.before || a.at - b.at
}
