import path from 'node:path'
import { loadSettings, nearest, withOverrides } from '../config/index.ts'
import type { Settings, Stress } from '../core/settings.ts'
import { tell, type Io } from './io.ts'
import type { ProjectOptions, RunOptions } from './options.ts'

/** The settings of the project, with what the command line changes; null when they are wrong, which has been said. */
export async function openProject(
  options: ProjectOptions &
    Pick<
      RunOptions,
      'shards' | 'retries' | 'failFast' | 'repeat' | 'untilFailure' | 'deadline' | 'redis' | 'isolation'
    >,
  io: Io,
): Promise<Settings | null> {
  const loaded = await loadSettings({ cwd: io.cwd, configPath: options.config ?? null })
  if (!loaded.ok) {
    tell(io, loaded.report)
    return null
  }
  for (const note of loaded.notes) tell(io, `note: ${note}`)
  return withOverrides(loaded.settings, {
    shards: options.shards,
    retries: options.retries,
    failFast: options.failFast === true ? 1 : options.failFast,
    stress: stressOf(options),
    deadlineMs: options.deadline,
    redis: options.redis,
    isolation: options.isolation,
    reportsDir: options.reports === undefined ? undefined : path.resolve(io.cwd, options.reports),
  })
}

/** What `--repeat` and `--until-failure` ask for; undefined: neither is given. */
function stressOf({ repeat, untilFailure }: Pick<RunOptions, 'repeat' | 'untilFailure'>): Stress | undefined {
  if (repeat === undefined && !untilFailure) return undefined
  return { times: repeat ?? null, untilFailure: untilFailure ?? false }
}

export type Chosen =
  | { readonly ok: true; readonly tiers: readonly string[] }
  | { readonly ok: false; readonly message: string }

/** The tiers of a command line; without `--tier`, the only tier that has suites. */
export function chooseTiers(settings: Settings, asked: readonly string[] | undefined): Chosen {
  const names = settings.tiers.map((tier) => tier.name)
  if (asked) {
    const strange = asked.filter((name) => !names.includes(name))
    if (strange.length === 0) return { ok: true, tiers: asked }
    return { ok: false, message: [...strange.map((name) => noSuchTier(name, names)), listTiers(settings)].join('\n') }
  }
  const used = names.filter((name) => settings.suites.some((suite) => suite.tier === name))
  if (used.length === 1) return { ok: true, tiers: used }
  if (used.length === 0) return { ok: true, tiers: ['fast'] }
  return { ok: false, message: `Which tier? Say it with --tier, as in --tier ${used[0]!}.\n${listTiers(settings)}` }
}

export function noSuchTier(name: string, names: readonly string[]): string {
  const near = nearest(name, names)
  return `There is no tier "${name}".${near === null ? '' : ` Did you mean "${near}"?`}`
}

function listTiers(settings: Settings): string {
  const width = Math.max(...settings.tiers.map((tier) => tier.name.length))
  return settings.tiers
    .map(({ name }) => {
      const suites = settings.suites.filter((suite) => suite.tier === name).map((suite) => suite.name)
      const some = suites.slice(0, 5).join(', ') + (suites.length > 5 ? ` and ${suites.length - 5} more` : '')
      return `  ${name.padEnd(width)}  ${suites.length === 0 ? 'no suites' : some}`
    })
    .join('\n')
}
