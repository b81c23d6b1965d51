import { glob, stat } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import picomatch from 'picomatch'
import type { Forecast, PlannedFile } from '../core/events.ts'
import { forecast, order } from '../core/plan.ts'
import type { DiscoveredFile, Engine, History } from '../core/ports.ts'
import type { Settings, SuiteSettings, TierSettings } from '../core/settings.ts'
import { EXIT } from '../core/verdict.ts'
import { quarantineOf, staleQuarantine } from './quarantine.ts'
import type { SlicePlan } from './slice.ts'
import { deafToNames, emptied, isCommand, isVitest, suiteMatcher, takeFiles } from './takers.ts'

/** What a user asked to run. */
export interface Selection {
  /** Names of tiers that exist. */
  readonly tiers: readonly string[]
  /** Paths, parts of paths, or globs; empty: every file. */
  readonly filters: readonly string[]
  /** Only files that import something changed since this ref; `true`: since the last commit; null: all. */
  readonly changed: string | true | null
  /** Only tests whose full name matches this regular expression; null: all. */
  readonly testName: string | null
}

export interface TierPlan {
  readonly settings: TierSettings
  readonly suites: readonly SuiteSettings[]
  /** In the order in which they will be handed to shards. */
  readonly files: readonly PlannedFile[]
  readonly forecast: Forecast
}

export interface RunPlan {
  /** Name and version of the engine. */
  readonly engine: string
  readonly tiers: readonly TierPlan[]
  readonly warnings: readonly string[]
  readonly testName: string | null
  /** Every file of every tier that has suites was asked for. Absent: no. */
  readonly whole?: boolean
  /** The files are those of one slice. */
  readonly slice?: SlicePlan
}

export type PlanOutcome =
  | { readonly ok: true; readonly plan: RunPlan }
  | { readonly ok: false; readonly exitCode: 2 | 3; readonly message: string }

/** Finds the files of the selected tiers, without running any, and orders them by what history says. */
export async function planRun(
  settings: Settings,
  selection: Selection,
  engine: Engine,
  history: History,
): Promise<PlanOutcome> {
  const discovery = await engine.discover({ changed: selection.changed })
  if (!discovery.ok) {
    return discovery.kind === 'usage'
      ? { ok: false, exitCode: EXIT.usage, message: discovery.message }
      : { ok: false, exitCode: EXIT.infrastructure, message: `${discovery.cause.message}\n${discovery.cause.remedy}` }
  }
  const warnings = [...discovery.warnings]
  const chosen = discovery.files.filter(fileFilter(selection.filters))
  const tiers: TierPlan[] = []
  for (const tier of settings.tiers.filter(({ name }) => selection.tiers.includes(name))) {
    tiers.push(await planTier(tier, settings, chosen, history, warnings))
  }
  const deaf = selection.testName === null ? null : deafToNames(tiers.flatMap(usedSuites))
  if (deaf !== null) return { ok: false, exitCode: EXIT.usage, message: deaf }
  const empty = tiers.filter((tier) => tier.files.length === 0)
  if (
    empty.length > 0 &&
    selection.changed === null &&
    (empty.length === tiers.length || selection.filters.length === 0)
  ) {
    return { ok: false, exitCode: EXIT.usage, message: await nothingFound(settings, selection, empty, discovery.files) }
  }
  if (selection.changed !== null && tiers.every((tier) => tier.files.length === 0)) {
    const since = selection.changed === true ? 'the last commit' : selection.changed
    warnings.push(`nothing to run: no test file of the selection is affected by what changed since ${since}`)
  }
  warnAboutStrays(settings, selection, discovery.files, warnings)
  const unfiltered = selection.filters.length === 0 && selection.changed === null && selection.testName === null
  if (selection.changed === null) {
    warnings.push(...staleQuarantine(settings, discovery.files, wereAllAsked(settings, selection)))
  }
  const whole = unfiltered && settings.suites.every(({ tier }) => selection.tiers.includes(tier))
  return { ok: true, plan: { engine: discovery.engine, tiers, warnings, testName: selection.testName, whole } }
}

/** Whether the files of every suite are known: those of commands only where their tier was asked for. */
function wereAllAsked({ suites }: Settings, { tiers }: Selection): boolean {
  const isVitestAsked = suites.some((suite) => isVitest(suite) && tiers.includes(suite.tier))
  return suites.every((suite) => tiers.includes(suite.tier) || (isVitest(suite) && isVitestAsked))
}

/** The suites of a tier that have files in its plan. */
function usedSuites({ suites, files }: TierPlan): SuiteSettings[] {
  const used = new Set(files.map(({ suite }) => suite))
  return suites.filter(({ name }) => used.has(name))
}

async function planTier(
  tier: TierSettings,
  settings: Settings,
  found: readonly DiscoveredFile[],
  history: History,
  warnings: string[],
): Promise<TierPlan> {
  const { root } = settings
  const suites = settings.suites.filter((suite) => suite.tier === tier.name)
  const quarantine = quarantineOf(settings, new Date())
  const taken = takeFiles(suites, found)
  warnings.push(...emptied(suites, found, taken))
  const files = taken.map(({ file: { id, path: file, project }, suite }): PlannedFile => ({
    id,
    path: file,
    project,
    suite: suite.name,
    expectedMs: history.file(tier.name, id)?.expectedMs ?? null,
    ...quarantine(file),
    ...(tier.stress ? { repeated: tier.stress } : {}),
  }))
  const unknown = files.filter((file) => file.expectedMs === null)
  const ordered = order(files, await sizes(root, unknown))
  return { settings: tier, suites, files: ordered, forecast: forecast(ordered, tier.shards, tier.deadlineMs) }
}

/** Above so many unknown files, asking for their sizes costs more time than a better first order saves. */
const SIZES_LIMIT = 5000

/** Sizes in bytes by id; a file that cannot be read is left out. */
async function sizes(root: string, files: readonly PlannedFile[]): Promise<Map<string, number>> {
  if (files.length > SIZES_LIMIT) return new Map()
  const limit = pLimit(32)
  const found = await limit.map(files, async (file) => {
    const stats = await stat(path.join(root, file.path)).catch(() => null)
    return [file.id, stats?.size ?? 0] as const
  })
  return new Map(found)
}

/** A filter is a glob, a folder, a file, or any part of a path. */
function fileFilter(filters: readonly string[]): (file: { readonly path: string }) => boolean {
  if (filters.length === 0) return () => true
  const takes = filters.map((filter) => {
    const plain = filter.replace(/^\.\//, '')
    if (/[*?{}[\]]/.test(plain)) return picomatch(plain, { dot: true })
    return (path: string) => path.includes(plain)
  })
  return ({ path }) => takes.some((take) => take(path))
}

/** The clearest thing that can be said when there is nothing to run. */
async function nothingFound(
  settings: Settings,
  selection: Selection,
  empty: readonly TierPlan[],
  found: readonly DiscoveredFile[],
): Promise<string> {
  const tiers = empty.map((tier) => tier.settings.name).join(', ')
  if (selection.filters.length > 0) {
    const asked = selection.filters.map((filter) => `"${filter}"`).join(', ')
    return `No test file of tier ${tiers} matches ${asked}. \`tiershard plan --tier ${tiers}\` lists the files.`
  }
  const suites = empty.flatMap((tier) => tier.suites)
  if (suites.length === 0)
    return `No tests found: tier ${tiers} has no suite. ${firstSuiteHint(empty[0]!.settings.name)}`
  const commands = suites.filter(isCommand)
  if (commands.length === suites.length) {
    const why = commands.map(({ name, files, discover }) =>
      discover === null
        ? `no file matches ${files.join(', ')} (suite ${name})`
        : `the discover command of suite ${name} names nothing`,
    )
    return `No tests found for tier ${tiers}: ${why.join('; ')}.`
  }
  const globs = suites.flatMap((suite) => suite.files)
  const onDisk: string[] = []
  for await (const entry of glob([...globs], {
    cwd: settings.root,
    exclude: ['**/node_modules/**'],
    withFileTypes: true,
  })) {
    if (entry.isFile()) onDisk.push(path.relative(settings.root, path.join(entry.parentPath, entry.name)))
    if (onDisk.length >= 1000) break
  }
  if (onDisk.length > 0) {
    return (
      `No tests found for tier ${tiers}: ${onDisk.length} ${onDisk.length === 1 ? 'file matches' : 'files match'} its globs (such as ${onDisk[0]}), but vitest takes ` +
      `none as a test. Check \`include\`, \`exclude\` and the projects of the vitest config.`
    )
  }
  const known = found.filter(({ suite }) => suite === undefined)
  const seen = known.length > 0 ? ` vitest knows ${testFiles(known.length)} elsewhere, such as ${known[0]!.path}.` : ''
  return `No tests found for tier ${tiers}: no file matches ${globs.join(', ')}.${seen} ${firstSuiteHint(empty[0]!.settings.name)}`
}

function firstSuiteHint(tier: string): string {
  return (
    `Put test files under suites/${tier}/, or say in tiershard.config.ts where they are:\n\n` +
    `  import { defineConfig } from 'tiershard'\n\n` +
    `  export default defineConfig({\n` +
    `    suites: { main: { tier: '${tier}', files: ['test/**/*.test.ts'] } },\n` +
    `  })\n`
  )
}

/** A test file that no suite of any tier takes would never run: that must not go unnoticed. */
function warnAboutStrays(
  settings: Settings,
  selection: Selection,
  found: readonly DiscoveredFile[],
  warnings: string[],
): void {
  if (selection.filters.length > 0 || selection.changed !== null) return
  const matchers = settings.suites.map(suiteMatcher)
  // Files that were found for a suite are in it.
  const inSuite = new Set(found.flatMap(({ path, suite }) => (suite === undefined ? [] : [path])))
  const strays = found.filter(({ path }) => !inSuite.has(path) && !matchers.some((takes) => takes(path)))
  if (strays.length === 0) return
  const some = strays.slice(0, 3).map(({ path }) => path)
  const more = strays.length > some.length ? ` and ${strays.length - some.length} more` : ''
  warnings.push(`${testFiles(strays.length)} in no suite of any tier, never run: ${some.join(', ')}${more}`)
}

function testFiles(count: number): string {
  return count === 1 ? '1 test file' : `${count} test files`
}
