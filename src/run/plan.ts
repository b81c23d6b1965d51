import { glob } from 'node:fs/promises'
import picomatch from 'picomatch'
import type { Forecast, PlannedFile } from '../core/events.ts'
import { forecast, order } from '../core/plan.ts'
import type { DiscoveredFile, Engine, History } from '../core/ports.ts'
import type { Settings, SuiteSettings, TierSettings } from '../core/settings.ts'
import { EXIT } from '../core/verdict.ts'

/** What a user asked to run. */
export interface Selection {
  /** Names of tiers that exist. */
  readonly tiers: readonly string[]
  /** Paths, parts of paths, or globs; empty: every file. */
  readonly filters: readonly string[]
  /** Only files that import something changed since this ref; `true`: since the last commit; null: all. */
  readonly changed: string | true | null
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
  readonly filters: readonly string[]
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
  const suites = settings.suites.filter((suite) => selection.tiers.includes(suite.tier))
  const discovery = await engine.discover({ suites, filters: selection.filters, changed: selection.changed })
  if (!discovery.ok) {
    return discovery.kind === 'usage'
      ? { ok: false, exitCode: EXIT.usage, message: discovery.message }
      : { ok: false, exitCode: EXIT.infrastructure, message: `${discovery.cause.message}\n${discovery.cause.remedy}` }
  }
  const warnings = [...discovery.warnings]
  const chosen = discovery.files.filter(fileFilter(selection.filters))
  const tiers = settings.tiers
    .filter((tier) => selection.tiers.includes(tier.name))
    .map((tier) => planTier(tier, settings.suites, chosen, history, warnings))
  const empty = tiers.filter((tier) => tier.files.length === 0)
  if (
    empty.length > 0 &&
    selection.changed === null &&
    (empty.length === tiers.length || selection.filters.length === 0)
  ) {
    return { ok: false, exitCode: EXIT.usage, message: await nothingFound(settings, selection, empty, discovery.files) }
  }
  warnAboutStrays(settings, selection, discovery.files, warnings)
  return { ok: true, plan: { engine: discovery.engine, tiers, warnings, filters: selection.filters } }
}

function planTier(
  tier: TierSettings,
  allSuites: readonly SuiteSettings[],
  found: readonly DiscoveredFile[],
  history: History,
  warnings: string[],
): TierPlan {
  const suites = allSuites.filter((suite) => suite.tier === tier.name)
  const matchers = suites.map((suite) => ({ suite, takes: suiteMatcher(suite) }))
  const shared = new Map<string, number>()
  const files: PlannedFile[] = []
  for (const { id, path, project } of found) {
    const takers = matchers.filter(({ takes }) => takes(path))
    const first = takers[0]
    if (!first) continue
    if (takers.length > 1) {
      const names = takers.map(({ suite }) => `"${suite.name}"`).join(' and ')
      shared.set(names, (shared.get(names) ?? 0) + 1)
    }
    files.push({
      id,
      path,
      project,
      suite: first.suite.name,
      expectedMs: history.file(tier.name, id)?.expectedMs ?? null,
    })
  }
  for (const [names, count] of shared) {
    warnings.push(`${count} files belong to the suites ${names} of tier ${tier.name}; the first one named runs them`)
  }
  const ordered = order(files)
  return { settings: tier, suites, files: ordered, forecast: forecast(ordered, tier.shards, tier.deadlineMs) }
}

function suiteMatcher(suite: SuiteSettings): (path: string) => boolean {
  return picomatch([...suite.files], { ignore: [...suite.exclude], dot: true })
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
  const globs = suites.flatMap((suite) => suite.files)
  const onDisk: string[] = []
  for await (const file of glob([...globs], { cwd: settings.root, exclude: ['**/node_modules/**'] })) {
    onDisk.push(file)
    if (onDisk.length >= 1000) break
  }
  if (onDisk.length > 0) {
    return (
      `No tests found for tier ${tiers}: ${onDisk.length} files match its globs (such as ${onDisk[0]}), but vitest does not ` +
      `take them as tests. Check \`include\`, \`exclude\` and the projects of the vitest config.`
    )
  }
  const seen = found.length > 0 ? ` vitest knows ${found.length} test files elsewhere, such as ${found[0]!.path}.` : ''
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
  const strays = found.filter(({ path }) => !matchers.some((takes) => takes(path)))
  if (strays.length === 0) return
  const some = strays.slice(0, 3).map(({ path }) => path)
  const more = strays.length > some.length ? ` and ${strays.length - some.length} more` : ''
  warnings.push(`${strays.length} test files belong to no suite of any tier and never run: ${some.join(', ')}${more}`)
}
