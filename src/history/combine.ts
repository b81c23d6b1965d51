import type { HistoryData, PastFile, PastRun, TierData } from './data.ts'
import { unpackFlaky, type Flaky } from './flaky.ts'
import { byNumber, keptOf, oldestFirst, pack } from './merge.ts'
import { unpackSamples, unpackTests, type Sample, type TestColumns } from './samples.ts'

/**
 * One history of several, such as those that the nodes of a CI matrix wrote each for itself. None is changed. Their order
 * does not matter, to the byte, and combining with the same history again changes nothing.
 */
export function combine(...histories: readonly HistoryData[]): HistoryData {
  const names = new Set(histories.flatMap(({ tiers }) => [...tiers.keys()]))
  const sides = (name: string): TierData[] => histories.flatMap(({ tiers }) => tiers.get(name) ?? [])
  return { tiers: new Map([...names].toSorted().map((name) => [name, combineTiers(sides(name))])) }
}

/** What a history says of one run of one file. */
interface Entry {
  /** The number of the run in the history that is made. */
  readonly run: number
  readonly sample: Omit<Sample, 'run'>
  /** By the test's name, sorted. */
  readonly tests: readonly (readonly [name: string, place: string])[]
}

function combineTiers(sides: readonly TierData[]): TierData {
  const byId = new Map<string, Omit<PastRun, 'n'>>()
  for (const { n: _, ...run } of sides.flatMap(({ runs }) => runs)) {
    const twin = byId.get(run.id)
    byId.set(run.id, twin ? larger(twin, run) : run)
  }
  const kept = keptOf([...byId.values()].sort(oldestFirst))
  const runs = kept.map((run, index) => ({ n: index + 1, ...run }))
  const numbers = new Map(runs.map(({ id, n }) => [id, n]))
  // How the runs of each side are called in the history that is made; those that are not kept have no number.
  const renumbered = sides.map((side) => ({
    files: side.files,
    numbers: new Map(side.runs.map(({ n, id }) => [n, numbers.get(id)])),
  }))

  const lookup = byNumber(runs)
  const now = runs.at(-1)?.at ?? 0
  const files = new Map<string, PastFile>()
  const ids = new Set(sides.flatMap((side) => [...side.files.keys()]))
  for (const id of [...ids].toSorted()) {
    const parts = renumbered.flatMap((side) => {
      const file = side.files.get(id)
      return file ? [{ entries: entriesOf(file, side.numbers), flaky: unpackFlaky(file.flaky) }] : []
    })
    const file = combineFiles(parts, lookup, now)
    if (file) files.set(id, file)
  }
  return { runs, files }
}

function entriesOf(file: PastFile, numbers: ReadonlyMap<number, number | undefined>): Entry[] {
  const samples = unpackSamples(file.samples)
  const columns = [...unpackTests(file.tests, samples.length)].sort(([a], [b]) => (a < b ? -1 : 1))
  return samples.flatMap(({ run: n, outcome, ms }, i) => {
    const run = numbers.get(n)
    if (run === undefined) return []
    const tests = columns.flatMap(([name, column]) => (column[i] === '' ? [] : [[name, column[i]!] as const]))
    return [{ run, sample: { outcome, ms }, tests }]
  })
}

/**
 * null when no run of it is kept.
 *
 * @param now when the newest of `runs` started
 */
function combineFiles(
  parts: readonly { readonly entries: readonly Entry[]; readonly flaky: Flaky }[],
  runs: ReadonlyMap<number, PastRun>,
  now: number,
): PastFile | null {
  const byRun = new Map<number, Entry>()
  for (const entry of parts.flatMap(({ entries }) => entries)) {
    const twin = byRun.get(entry.run)
    byRun.set(entry.run, twin ? larger(twin, entry) : entry)
  }
  if (byRun.size === 0) return null
  const entries = [...byRun.values()].sort((a, b) => a.run - b.run)
  const columns: TestColumns = new Map()
  for (const [i, { tests }] of entries.entries()) {
    for (const [name, place] of tests) {
      const column = columns.get(name) ?? Array<string>(entries.length).fill('')
      column[i] = place
      columns.set(name, column)
    }
  }
  const sorted = new Map([...columns].sort(([a], [b]) => (a < b ? -1 : 1)))
  const flaky: Flaky = new Map()
  for (const [name, at] of parts.flatMap((part) => [...part.flaky])) flaky.set(name, Math.max(at, flaky.get(name) ?? 0))
  return pack(
    entries.map(({ run, sample }) => ({ run, ...sample })),
    sorted,
    flaky,
    runs,
    now,
  )
}

/** Of two that speak of the same run: which one is of no matter, as long as it does not depend on the order. */
function larger<T>(a: T, b: T): T {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)]
  if (left.length !== right.length) return left.length > right.length ? a : b
  return left > right ? a : b
}
