import type { HistoryData, PastFile, PastRun, TierData } from './data.ts'
import { unpackFlaky, type Flaky } from './flaky.ts'
import { byNumber, keptOf, oldestFirst, pack } from './merge.ts'
import { unpackSamples, unpackTests, type Sample, type TestColumns } from './samples.ts'

/**
 * One history of two, such as those that the nodes of a CI matrix wrote each for itself. Neither is changed. Which comes
 * first does not matter, to the byte, and combining with the same history again changes nothing.
 */
export function combine(a: HistoryData, b: HistoryData): HistoryData {
  const names = [...new Set([...a.tiers.keys(), ...b.tiers.keys()])].toSorted()
  return { tiers: new Map(names.map((name) => [name, combineTiers([a.tiers.get(name), b.tiers.get(name)])])) }
}

/** What a history says of one run of one file. */
interface Entry {
  readonly id: string
  readonly sample: Omit<Sample, 'run'>
  /** By the test's name, sorted. */
  readonly tests: readonly (readonly [name: string, place: string])[]
}

function combineTiers(sides: readonly (TierData | undefined)[]): TierData {
  const known = sides.filter((side) => side !== undefined)
  const byId = new Map<string, Omit<PastRun, 'n'>>()
  for (const { n: _, ...run } of known.flatMap((side) => side.runs)) {
    const twin = byId.get(run.id)
    byId.set(run.id, twin ? larger(twin, run) : run)
  }
  const runs = keptOf([...byId.values()].sort(oldestFirst))
  const numbered = runs.map((run, index) => ({ n: index + 1, ...run }))
  const numbers = new Map(numbered.map(({ id, n }) => [id, n]))

  const lookup = byNumber(numbered)
  const files = new Map<string, PastFile>()
  const ids = new Set(known.flatMap((side) => [...side.files.keys()]))
  for (const id of [...ids].toSorted()) {
    const parts = known.flatMap((side) => {
      const file = side.files.get(id)
      return file ? [{ entries: entriesOf(file, side), flaky: unpackFlaky(file.flaky) }] : []
    })
    const file = combineFiles(parts, numbers, lookup)
    if (file) files.set(id, file)
  }
  return { runs: numbered, files }
}

function entriesOf(file: PastFile, { runs }: TierData): Entry[] {
  const ids = new Map(runs.map(({ n, id }) => [n, id]))
  const samples = unpackSamples(file.samples)
  const columns = [...unpackTests(file.tests, samples.length)].sort(([a], [b]) => (a < b ? -1 : 1))
  return samples.flatMap(({ run, outcome, ms }, i) => {
    const id = ids.get(run)
    if (id === undefined) return []
    const tests = columns.flatMap(([name, column]) => (column[i] === '' ? [] : [[name, column[i]!] as const]))
    return [{ id, sample: { outcome, ms }, tests }]
  })
}

/** null when no run of it is kept. */
function combineFiles(
  parts: readonly { readonly entries: readonly Entry[]; readonly flaky: Flaky }[],
  numbers: ReadonlyMap<string, number>,
  runs: ReadonlyMap<number, PastRun>,
): PastFile | null {
  const byRun = new Map<number, Entry>()
  for (const entry of parts.flatMap(({ entries }) => entries)) {
    const n = numbers.get(entry.id)
    if (n === undefined) continue
    const twin = byRun.get(n)
    byRun.set(n, twin ? larger(twin, entry) : entry)
  }
  if (byRun.size === 0) return null
  const entries = [...byRun].sort(([a], [b]) => a - b)
  const columns: TestColumns = new Map()
  for (const [i, [, { tests }]] of entries.entries()) {
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
    entries.map(([run, { sample }]) => ({ run, ...sample })),
    sorted,
    flaky,
    runs,
  )
}

/** Of two that speak of the same run: which one is of no matter, as long as it does not depend on the order. */
function larger<T>(a: T, b: T): T {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)]
  if (left.length !== right.length) return left.length > right.length ? a : b
  return left > right ? a : b
}
