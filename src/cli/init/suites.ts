import type { TestFile } from './files.ts'
import { PLAYWRIGHT, type Runner } from './runners.ts'

/** How `tiershard init` puts test files into suites. */

export type TierName = 'fast' | 'standard' | 'extended'
export const TIERS: readonly TierName[] = ['fast', 'standard', 'extended']

/** Test files that lie together. */
export interface FoundSuite {
  readonly name: string
  readonly tier: TierName
  readonly files: readonly string[]
  readonly exclude: readonly string[]
  readonly usesRedis: boolean
  readonly runner: Runner
}

/** Folders that say only that tests are below. */
const CONTAINERS = new Set(['test', 'tests', '__tests__', 'spec', 'suites', 'packages', 'apps'])

/**
 * Suites for each folder that holds tests: the topmost one, or the one below when that only says "tests". A folder further
 * down whose name says that its tests are slow has its own.
 */
export function findSuites(files: readonly TestFile[]): FoundSuite[] {
  const names = new Set<string>()
  const groups = [...Map.groupBy(files, (file) => groupOf(file.path))].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return groups.flatMap(([folder, some]) => {
    const below = groups.flatMap(([other]) => (reachesBelow(folder) && other.startsWith(`${folder}/`) ? [other] : []))
    return suitesOf(folder, some, below, names)
  })
}

/**
 * One suite for each runner of a folder; the one with most files comes first.
 *
 * @param below folders in it that have suites of their own
 */
function suitesOf(
  folder: string,
  files: readonly TestFile[],
  below: readonly string[],
  names: Set<string>,
): FoundSuite[] {
  const groups = [...Map.groupBy(files, ({ runner }) => runner)].toSorted(([, a], [, b]) => b.length - a.length)
  const strangers = groups.slice(1).flatMap(([, some]) => some)
  return groups.map(([runner, some], at) => {
    const usesRedis = some.some((file) => file.usesRedis)
    const name = [folder === '' ? 'root' : folder, ...(at === 0 ? [] : [runner.name])].join(' ')
    const endings = [...new Set(some.map(({ ending }) => ending))].toSorted()
    const alone = files.every((file) => file.runner === runner || !endings.includes(file.ending))
    const listed = !alone && at > 0
    const others = [
      ...below.map((one) => `${literal(one)}/**`),
      ...(alone ? [] : strangers.map((file) => literal(file.path))),
    ]
    return {
      name: unused(name.replaceAll(/[^\w]+/g, '-').replaceAll(/^[-_]+|[-_]+$/g, ''), names),
      tier: tierOf(folder, usesRedis, runner),
      files: listed ? some.map((file) => literal(file.path)) : [globOf(folder, endings)],
      exclude: listed ? [] : others,
      usesRedis,
      runner,
    }
  })
}

/** Folders of slow tests, wherever they are. */
const SLOW = /^(?:e2e|integration|stress|soak|chaos|nightly)(?:[-_]tests?)?$/i

function groupOf(file: string): string {
  const folders = file.split('/').slice(0, -1)
  const usual = CONTAINERS.has(folders[0] ?? '') ? 2 : 1
  const slow = folders.findIndex((name, depth) => depth >= usual && SLOW.test(name))
  return folders.slice(0, slow === -1 ? usual : slow + 1).join('/')
}

/** Of the root and of a container a suite has only what lies in it directly: what is below belongs to suites of its own. */
function reachesBelow(folder: string): boolean {
  return folder !== '' && !CONTAINERS.has(folder)
}

function tierOf(folder: string, usesRedis: boolean, runner: Runner): TierName {
  if (runner === PLAYWRIGHT || /(?:^|[/_-])(?:extended|e2e|stress|chaos|failover|soak|slow|nightly)/i.test(folder))
    return 'extended'
  return usesRedis || /(?:^|[/_-])(?:standard|integration|api|system)/i.test(folder) ? 'standard' : 'fast'
}

function globOf(folder: string, endings: readonly string[]): string {
  const prefix = `${folder === '' ? '' : `${literal(folder)}/`}${reachesBelow(folder) ? '**/' : ''}`
  return `${prefix}*.${endings.length === 1 ? endings[0] : `{${endings.join(',')}}`}`
}

/** A path as a glob that matches it alone. */
function literal(file: string): string {
  return file.replaceAll(/[\\*?[\]{}()!+@]/g, '\\$&')
}

function unused(name: string, names: Set<string>): string {
  let free = name === '' ? 'tests' : name
  for (let n = 2; names.has(free); n++) free = `${name}-${n}`
  names.add(free)
  return free
}
