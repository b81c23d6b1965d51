import type { Forecast, RunMeta, SliceMark, TierEnd } from './events.ts'
import { misfits } from './misfits.ts'
import { order } from './plan.ts'
import type { AttemptRecord, FileRecord, Missing, NodeRecord, RunRecord, TierRecord } from './record.ts'
import type { ServiceRecord } from './service-record.ts'
import { countFile, exitCode, fileEnding, firstExitCode } from './verdict.ts'

/**
 * The runs of several nodes as one: the slices of a matrix, or tiers that ran on nodes of their own. Every planned file
 * once; each node's shards apart from the others'; the times of each run counted from its own start, because the clocks
 * of machines differ. What is missing or does not fit is named in `missing`. The verdict is that on all of it, and never
 * better than the verdict on one of the runs.
 *
 * @param runs settled, each with what it continues; at least one
 */
export function combineRuns(runs: readonly RunRecord[]): RunRecord {
  const nodes = nodesOf(runs)
  const records = nodes.map(({ record }) => record)
  const start = least(records.map(({ startedAt }) => startedAt))
  const moved = nodes.map((node) => ({ node, record: move(node, start) }))
  const ends = records.map(({ startedAt, endedAt }) => span(startedAt, endedAt))
  const known = records.map(({ startedAt, endedAt, lastAt }) => span(startedAt, endedAt ?? lastAt) ?? 0)
  const whole: RunRecord = {
    meta: metaOf(records),
    startedAt: start,
    endedAt: start === null || ends.includes(null) ? null : start + Math.max(...(ends as number[])),
    lastAt: start === null ? null : start + Math.max(...known),
    server: oneServer(records),
    services: servicesOf(records),
    tiers: tiersOf(moved.map(({ record }) => record)),
    notices: noticesOf(nodes),
    causes: records.flatMap(({ causes }) => causes),
    // Of different servers: they stay with their nodes.
    samples: [],
    outages: [],
    interrupted: records.map(({ interrupted }) => interrupted).find((signal) => signal !== null) ?? null,
    exitCode: null,
    missing: [...misfits(nodes), ...nodes.flatMap(missingOf)],
    nodes,
  }
  return { ...whole, exitCode: firstExitCode([exitCode(whole), ...records.map((record) => exitCodeOf(record))]) }
}

function exitCodeOf(record: RunRecord): number {
  return record.exitCode ?? exitCode(record)
}

// ---- nodes ---------------------------------------------------------------------------------------------------------

/** The runs in the order of their tiers and slices, with names that tell them apart and shards of their own. */
function nodesOf(runs: readonly RunRecord[]): NodeRecord[] {
  const sorted = runs.toSorted(
    (a, b) =>
      shortestDeadline(a) - shortestDeadline(b) ||
      (a.meta?.slice?.index ?? 0) - (b.meta?.slice?.index ?? 0) ||
      ((a.meta?.run ?? '') < (b.meta?.run ?? '') ? -1 : 1),
  )
  let free = 0
  let whole = 0
  const plain = sorted.map(({ meta }) => (meta?.slice ? `slice ${of(meta.slice)}` : `node ${++whole}`))
  const withTiers = told(plain, (name, at) => `${name} of ${[...sorted[at]!.tiers.keys()].join(', ')}`)
  const names = told(withTiers, (name, at) => `${name} (run ${sorted[at]!.meta?.run})`)
  return sorted.map((record, at) => {
    const shards = shardsOf(record)
    const node = { name: names[at]!, firstShard: free, shards, record }
    free += shards
    return node
  })
}

/** Names that occur more than once, each with more to it. */
function told(names: readonly string[], more: (name: string, at: number) => string): string[] {
  return names.map((name, at) => (names.filter((other) => other === name).length > 1 ? more(name, at) : name))
}

function of({ index, of: all }: SliceMark): string {
  return `${index}/${all}`
}

function shortestDeadline({ tiers }: RunRecord): number {
  return Math.min(...[...tiers.values()].map(({ settings }) => settings.deadlineMs), Number.MAX_VALUE)
}

/** How many shards a run had, in whichever tier: those that its tiers say, and all that an attempt names. */
function shardsOf({ tiers }: RunRecord): number {
  let most = 1
  for (const tier of tiers.values()) {
    most = Math.max(most, tier.shards)
    for (const { attempts } of tier.files.values()) for (const { shard } of attempts) most = Math.max(most, shard + 1)
  }
  return most
}

/** A node's record with the shards that it has among all nodes, and with times as if it had started at `start`. */
function move({ record, firstShard }: NodeRecord, start: number | null): RunRecord {
  const by = start === null || record.startedAt === null ? 0 : start - record.startedAt
  const at = <T extends number | null>(time: T): T => (time === null ? time : time + by) as T
  const attempt = (one: AttemptRecord): AttemptRecord => ({
    ...one,
    shard: one.shard + firstShard,
    startedAt: at(one.startedAt),
    collectedAt: at(one.collectedAt),
    endedAt: at(one.endedAt),
  })
  const file = (one: FileRecord): FileRecord => ({ ...one, attempts: one.attempts.map(attempt) })
  const tier = (one: TierRecord): TierRecord => ({
    ...one,
    startedAt: at(one.startedAt),
    endedAt: at(one.endedAt),
    files: new Map([...one.files].map(([id, found]) => [id, file(found)])),
  })
  return {
    ...record,
    tiers: new Map([...record.tiers].map(([name, one]) => [name, tier(one)])),
  }
}

function missingOf({ name, record }: NodeRecord): Missing[] {
  return record.missing.map(({ kind, message }) => ({ kind, message: `${name}: ${message}` }))
}

/** What all nodes say is said once; anything else with the name of the node. */
function noticesOf(nodes: readonly NodeRecord[]): RunRecord['notices'] {
  const saying = new Map<string, { readonly notice: RunRecord['notices'][number]; readonly by: Set<string> }>()
  for (const { name, record } of nodes) {
    for (const notice of record.notices) {
      const key = JSON.stringify([notice.level, notice.code, notice.message])
      const known = saying.get(key)
      if (known) known.by.add(name)
      else saying.set(key, { notice, by: new Set([name]) })
    }
  }
  return [...saying.values()].map(({ notice, by }) =>
    by.size === nodes.length ? notice : { ...notice, message: `${[...by].join(', ')}: ${notice.message}` },
  )
}

// ---- tiers ---------------------------------------------------------------------------------------------------------

function tiersOf(records: readonly RunRecord[]): Map<string, TierRecord> {
  const parts = new Map<string, TierRecord[]>()
  for (const { tiers } of records) {
    for (const tier of tiers.values()) parts.set(tier.name, [...(parts.get(tier.name) ?? []), tier])
  }
  const byDeadline = [...parts].sort(([, [a]], [, [b]]) => a!.settings.deadlineMs - b!.settings.deadlineMs)
  return new Map(byDeadline.map(([name, tiers]) => [name, oneTier(tiers)]))
}

function oneTier(parts: readonly TierRecord[]): TierRecord {
  const [first] = parts as readonly [TierRecord]
  if (parts.length === 1) return first
  const files = new Map<string, FileRecord>()
  for (const part of parts) {
    for (const [id, file] of part.files) {
      const known = files.get(id)
      // That two runs have it is named by `misfits`. Here the worse result stands.
      files.set(id, known && weight(known) >= weight(file) ? known : file)
    }
  }
  const suites = new Map(parts.flatMap((part) => part.suites.map((suite) => [suite.name, suite] as const)))
  const ends = parts.map(({ endedAt }) => endedAt)
  return {
    name: first.name,
    settings: first.settings,
    suites: [...suites.values()],
    forecast: oneForecast(parts.map(({ forecast }) => forecast)),
    shards: parts.reduce((sum, { shards }) => sum + shards, 0),
    startedAt: least(parts.map(({ startedAt }) => startedAt)),
    endedAt: ends.includes(null) ? null : Math.max(...(ends as number[])),
    end: worstEnd(parts.map(({ end }) => end)),
    files: new Map(order([...files.values()].map(({ plan }) => plan)).map(({ id }) => [id, files.get(id)!])),
    strayErrors: parts.flatMap(({ strayErrors }) => strayErrors),
  }
}

/** In the order in which exit codes apply: infrastructure, failed, not run, passed. */
function weight(file: FileRecord): number {
  const { kind } = fileEnding(file)
  if (kind === 'infrastructure' || kind === 'lease-lost') return 3
  const { failed, notRun } = countFile(file)
  return failed > 0 ? 2 : notRun > 0 ? 1 : 0
}

/** null: a run was killed in it. */
function worstEnd(ends: readonly (TierEnd | null)[]): TierEnd | null {
  const worst = (['deadline', 'infrastructure', 'cancelled'] as const).find((end) => ends.includes(end))
  return worst ?? (ends.includes(null) ? null : 'completed')
}

/** The nodes run at once: the longest of them is what to expect. */
function oneForecast(parts: readonly Forecast[]): Forecast {
  const most = (values: readonly (number | null)[]): number | null =>
    values.includes(null) ? null : Math.max(...(values as number[]))
  // A node without a file expects nothing, and knows nothing.
  const some = parts.filter(({ makespanMs, unknown }) => makespanMs !== null || unknown > 0)
  const floorMs = some.length === 0 ? null : most(some.map((part) => part.floorMs))
  return {
    unknown: parts.reduce((sum, { unknown }) => sum + unknown, 0),
    makespanMs: some.length === 0 ? null : most(some.map((part) => part.makespanMs)),
    floorMs,
    floorFile: floorMs === null ? null : (some.find((part) => part.floorMs === floorMs)?.floorFile ?? null),
    shardsForDeadline: null,
  }
}

// ---- facts ---------------------------------------------------------------------------------------------------------

/** What the runs have in common; where they differ, what each of them says, or nothing. */
function metaOf(records: readonly RunRecord[]): RunMeta | null {
  const metas = records.flatMap(({ meta }) => meta ?? [])
  const [first] = metas
  if (!first) return null
  const listed = (fact: (meta: RunMeta) => string): string => [...new Set(metas.map(fact))].join(', ')
  const common = <T>(fact: (meta: RunMeta) => T): T | null => {
    const values = new Set(metas.map((meta) => JSON.stringify(fact(meta) ?? null)))
    return values.size === 1 ? (fact(first) ?? null) : null
  }
  const testName = common(({ testName: pattern }) => pattern)
  const selection = common((meta) => meta.selection)
  const earliest = metas.map(({ run }) => run).toSorted()[0]!
  return {
    run: `matrix-${earliest}`,
    tiershard: listed(({ tiershard }) => tiershard),
    node: listed(({ node }) => node),
    engine: listed(({ engine }) => engine),
    platform: listed(({ platform }) => platform),
    cpus: metas.reduce((sum, { cpus }) => sum + cpus, 0),
    ci: common(({ ci }) => ci),
    commit: common(({ commit }) => commit),
    ...(metas.some(({ changed }) => changed) ? { changed: true } : {}),
    command: common(({ command }) => withoutSlice(command)) === null ? [] : withoutSlice(first.command),
    ...(testName === null ? {} : { testName }),
    ...(selection === null ? {} : { selection }),
  }
}

/** The command of a slice, for all of the files. */
function withoutSlice(command: readonly string[]): string[] {
  return command.filter((word, at) => !/^--slice(=|$)/.test(word) && command[at - 1] !== '--slice')
}

/** The starts of each part on all nodes; its address only where all of them had the same. */
function servicesOf(records: readonly RunRecord[]): ServiceRecord[] {
  const parts = Map.groupBy(
    records.flatMap(({ services }) => services),
    ({ service, part }) => `${service} ${part}`,
  )
  return [...parts.values()].map((all) => ({
    ...all[0]!,
    where: all.every(({ where }) => where === all[0]!.where) ? all[0]!.where : null,
    starts: all.reduce((sum, { starts }) => sum + starts, 0),
    totalMs: all.reduce((sum, { totalMs }) => sum + totalMs, 0),
    slowestMs: Math.max(...all.map(({ slowestMs }) => slowestMs)),
  }))
}

/** The server of all nodes; null when they had different ones, and then each node has its own. */
function oneServer(records: readonly RunRecord[]): RunRecord['server'] {
  const servers = records.flatMap(({ server }) => server ?? [])
  return new Set(servers.map((server) => JSON.stringify(server))).size === 1 ? servers[0]! : null
}

function span(from: number | null, to: number | null): number | null {
  return from === null || to === null ? null : to - from
}

function least(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.min(...known)
}
