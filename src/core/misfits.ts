import type { SliceMark } from './events.ts'
import type { Missing, NodeRecord } from './record.ts'

/** Of a list of files so many are named. */
const NAMED = 3

/**
 * Whether the runs of several nodes belong together and are all that there should be: slices that are missing, that
 * were given twice or were cut from another plan, files that two runs have, runs of another commit. Each finding is
 * something without a (clear) result, so that a matrix with one is never green.
 */
export function misfits(nodes: readonly NodeRecord[]): Missing[] {
  const named = new Set<NodeRecord>()
  const findings = [...groupsOf(nodes).flatMap((group) => ofGroup(group, named)), ...commits(nodes)]
  const unnamed = nodes.filter((node) => !named.has(node))
  return [...findings, ...overlaps(unnamed)].map((message) => ({ kind: 'matrix', message }))
}

interface Slice {
  readonly node: NodeRecord
  readonly mark: SliceMark
}

/** Slices that should be of one plan: those of the same tiers, and those of one plan whose journals lost a part of it. */
function groupsOf(nodes: readonly NodeRecord[]): Slice[][] {
  const slices = nodes.flatMap((node) => {
    const mark = node.record.meta?.slice
    return mark ? [{ node, mark }] : []
  })
  const groups: Slice[][] = []
  const key = ({ node }: Slice): string => [...node.record.tiers.keys()].toSorted().join('\n')
  for (const slice of slices.toSorted((a, b) => b.node.record.tiers.size - a.node.record.tiers.size)) {
    const own = groups.find(([first]) => key(first!) === key(slice) || first!.mark.plan === slice.mark.plan)
    if (own) own.push(slice)
    else groups.push([slice])
  }
  return groups.map((group) => group.toSorted((a, b) => a.mark.index - b.mark.index))
}

/** @param named gets the nodes of which is said that they do not fit: that their files overlap with others' is no news */
function ofGroup(group: readonly Slice[], named: Set<NodeRecord>): string[] {
  const model = mostCommon(group, ({ mark }) => JSON.stringify([mark.of, mark.plan, mark.history]))
  const fitting = group.filter(({ mark }) => difference(mark, model.mark) === null)
  const strangers = group.flatMap(({ node, mark }) => {
    const what = difference(mark, model.mark)
    if (what === null) return []
    named.add(node)
    return [`${title(node)} does not fit to ${title(model.node)}: ${what}`]
  })
  const twice = pairs(fitting).flatMap(([a, b]) => {
    if (a.mark.index !== b.mark.index) return []
    named.add(a.node).add(b.node)
    const advice = 'give the one that counts, or go on with a run by --resume'
    return [`slice ${name(a.mark)} was run twice, as ${runOf(a.node)} and as ${runOf(b.node)}: ${advice}`]
  })
  return [...strangers, ...twice, ...absent(group, fitting, model)]
}

/** Which slices of the plan are in no run, or which part of the files, if all slices are there. */
function absent(group: readonly Slice[], fitting: readonly Slice[], { node, mark }: Slice): string[] {
  const tiers = [...node.record.tiers.keys()]
  const of = tiers.length === 0 ? '' : ` of ${tiers.length === 1 ? 'tier' : 'tiers'} ${tiers.join(', ')}`
  const given = new Set(group.filter((slice) => slice.mark.of === mark.of).map((slice) => slice.mark.index))
  const gone = Array.from({ length: mark.of }, (_, at) => at + 1).filter((index) => !given.has(index))
  const files = new Set(fitting.flatMap((slice) => filesOf(slice.node).map(({ key }) => key)))
  const left = mark.files - files.size
  if (gone.length > 0) {
    return gone.map((index) => `slice ${index}/${mark.of}${of} is missing: none of the given runs is it`)
  }
  // Files that a misfit has instead are named with it.
  if (left === 0 || fitting.length < group.length) return []
  return [`the ${mark.of} slices${of} have ${files.size} files together, and their plan has ${mark.files}`]
}

/** What keeps a slice from fitting to another; null: nothing. */
function difference(slice: SliceMark, model: SliceMark): string | null {
  if (slice.of !== model.of) return `it is one of ${slice.of} slices, and not of ${model.of}`
  if (slice.plan !== model.plan) return 'it was cut from another plan (other files, suites or --test-name)'
  if (slice.history !== model.history) return 'it was cut by another history: all nodes need the same history.json'
  return null
}

function commits(nodes: readonly NodeRecord[]): string[] {
  const known = nodes.flatMap((node) => {
    const commit = node.record.meta?.commit
    return commit ? [{ node, commit }] : []
  })
  if (known.length === 0) return []
  const model = mostCommon(known, ({ commit }) => commit)
  return known.flatMap(({ node, commit }) =>
    commit === model.commit
      ? []
      : [`${title(node)} is of commit ${commit}, and ${title(model.node)} of ${model.commit}`],
  )
}

function overlaps(nodes: readonly NodeRecord[]): string[] {
  const owners = new Map<string, NodeRecord[]>()
  const shared = new Map<string, { readonly a: NodeRecord; readonly b: NodeRecord; readonly files: string[] }>()
  for (const b of nodes) {
    for (const { key, id } of filesOf(b)) {
      const before = owners.get(key) ?? []
      owners.set(key, [...before, b])
      for (const a of before) {
        const pair = `${nodes.indexOf(a)} ${nodes.indexOf(b)}`
        const known = shared.get(pair)
        if (known) known.files.push(id)
        else shared.set(pair, { a, b, files: [id] })
      }
    }
  }
  return [...shared.values()].map(({ a, b, files }) => {
    const more = files.length > NAMED ? ` and ${files.length - NAMED} more` : ''
    const count = files.length === 1 ? '1 file is' : `${files.length} files are`
    const names = files.slice(0, NAMED).join(', ')
    return `${count} in ${title(a)} and in ${title(b)}, and the worse result stands: ${names}${more}`
  })
}

/** Every planned file of a run; the key holds its tier too. */
function filesOf({ record }: NodeRecord): { readonly key: string; readonly id: string }[] {
  return [...record.tiers.values()].flatMap((tier) =>
    [...tier.files.keys()].map((id) => ({ key: JSON.stringify([tier.name, id]), id })),
  )
}

function title(node: NodeRecord): string {
  return `${node.name} (${runOf(node)})`
}

function runOf({ record }: NodeRecord): string {
  return `run ${record.meta?.run ?? 'unknown'}`
}

function name({ index, of }: SliceMark): string {
  return `${index}/${of}`
}

function pairs<T>(list: readonly T[]): [T, T][] {
  return list.flatMap((a, at) => list.slice(at + 1).map((b): [T, T] => [a, b]))
}

/** The first of those that have most others like them. */
function mostCommon<T>(list: readonly T[], key: (one: T) => string): T {
  const counts = new Map<string, number>()
  for (const one of list) counts.set(key(one), (counts.get(key(one)) ?? 0) + 1)
  return list.reduce((best, one) => (counts.get(key(one))! > counts.get(key(best))! ? one : best))
}
