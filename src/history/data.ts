import { packName, unpackName } from './names.ts'
import { olderSamples, olderTests } from './older.ts'

/** history.json as it is in memory, and its form on disk. */

/**
 * Grows when an older reader would misunderstand what a newer one wrote. Version 1 knew only the durations of passing
 * tests; version 2 added failures and flaky tests; version 3 packs the same in about half of the space.
 */
const HISTORY_VERSION = 3
const OLDEST_VERSION = 1
/** The first version whose samples and names are packed as they are today. */
const PACKED_SINCE = 3

export interface HistoryData {
  readonly tiers: Map<string, TierData>
}

export interface TierData {
  /** Oldest first; by start, then by id. */
  runs: PastRun[]
  /** By id; see samples.ts for what the strings hold. */
  readonly files: Map<string, PastFile>
}

export interface PastRun {
  /** Its number within the tier, by which samples name it; never given twice while a sample names it. */
  readonly n: number
  readonly id: string
  /** Start, ms since 1970. */
  readonly at: number
  readonly commit: string | null
  /** Timings of one machine say little about another: "linux x64, 4 cpus". */
  readonly machine: string
  /** It was one of so many slices of a plan; absent: it was all of it. */
  readonly slices?: number
}

export interface PastFile {
  readonly samples: string
  readonly tests: string
  /** Its flaky tests, with the time of the last evidence; '' for nearly every file. See flaky.ts. */
  readonly flaky: string
}

export type Parsed =
  | { readonly ok: true; readonly data: HistoryData }
  /** What is wrong, in a word or two: "truncated", "version 3; this tiershard reads up to version 2". */
  | { readonly ok: false; readonly problem: string }

export function emptyHistory(): HistoryData {
  return { tiers: new Map() }
}

/** Columns of strings: nested arrays take three times the space, and twenty times as long to parse. */
interface TierOnDisk {
  readonly runs: readonly PastRun[]
  /** Sorted, each as what it does not share with the one before it: see names.ts. */
  readonly files: readonly string[]
  readonly samples: readonly string[]
  readonly tests: readonly string[]
  /** By id, only of files that have any. */
  readonly flaky?: Readonly<Record<string, string>>
}

export function serialise(data: HistoryData): string {
  const tiers = [...data.tiers].map(([name, { runs, files }]) => {
    const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
    const tier: TierOnDisk = {
      runs,
      files: sorted.map(([id], at) => packName(id, sorted[at - 1]?.[0] ?? '')),
      samples: sorted.map(([, { samples }]) => samples),
      tests: sorted.map(([, { tests }]) => tests),
      flaky: Object.fromEntries(sorted.flatMap(([id, { flaky }]) => (flaky === '' ? [] : [[id, flaky]]))),
    }
    return [name, tier] as const
  })
  return JSON.stringify({ format: FORMAT, version: HISTORY_VERSION, tiers: Object.fromEntries(tiers) })
}

const FORMAT = 'tiershard history: timings of past runs; may be cached, and deleted at any time'

export function parse(text: string): Parsed {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Whole or not at all: what we write ends with a brace.
    return { ok: false, problem: text.trimEnd().endsWith('}') ? 'damaged' : 'truncated' }
  }
  if (!isObject(value) || !('version' in value)) return { ok: false, problem: 'not a history of tiershard' }
  const { version } = value
  if (typeof version !== 'number' || version < OLDEST_VERSION || version > HISTORY_VERSION) {
    const known = `this tiershard reads up to version ${HISTORY_VERSION}`
    return { ok: false, problem: `version ${JSON.stringify(version)}; ${known}` }
  }
  const tiers = new Map<string, TierData>()
  if (!isObject(value['tiers'])) return { ok: false, problem: 'damaged' }
  for (const [name, tier] of Object.entries(value['tiers'])) {
    if (!isTier(tier)) return { ok: false, problem: 'damaged' }
    tiers.set(name, { runs: [...tier.runs], files: filesOf(tier, version) })
  }
  return { ok: true, data: { tiers } }
}

function filesOf({ files, samples, tests, flaky = {} }: TierOnDisk, version: number): Map<string, PastFile> {
  const found = new Map<string, PastFile>()
  const isOlder = version < PACKED_SINCE
  let id = ''
  for (const [i, name] of files.entries()) {
    id = isOlder ? name : unpackName(name, id)
    found.set(id, {
      samples: isOlder ? olderSamples(samples[i]!) : samples[i]!,
      tests: isOlder ? olderTests(tests[i]!) : tests[i]!,
      flaky: Object.hasOwn(flaky, id) ? flaky[id]! : '',
    })
  }
  return found
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isTier(value: unknown): value is TierOnDisk {
  if (!isObject(value)) return false
  const { runs, files, samples, tests, flaky = {} } = value
  const texts = (column: unknown): column is string[] =>
    Array.isArray(column) && column.every((text) => typeof text === 'string')
  return (
    texts(files) &&
    texts(samples) &&
    texts(tests) &&
    files.length === samples.length &&
    files.length === tests.length &&
    isObject(flaky) &&
    Object.values(flaky).every((text) => typeof text === 'string') &&
    Array.isArray(runs) &&
    runs.every(isRun)
  )
}

function isRun(value: unknown): value is PastRun {
  if (!isObject(value)) return false
  const { n, id, at, machine, commit, slices = 1 } = value
  const known = Number.isSafeInteger(n) && typeof id === 'string' && Number.isFinite(at)
  const sliced = Number.isSafeInteger(slices) && (slices as number) >= 1
  return known && sliced && typeof machine === 'string' && (commit === null || typeof commit === 'string')
}
