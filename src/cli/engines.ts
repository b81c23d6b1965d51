import type { Engine } from '../core/ports.ts'
import type { CommandSuite, Settings } from '../core/settings.ts'

/**
 * Makes engines for the suites of some tiers; one that none of them needs is not even loaded.
 *
 * @param env what their processes see
 */
export async function engineMaker(
  { root, suites, vitestConfig }: Settings,
  tiers: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<() => Engine> {
  const chosen = suites.filter(({ tier }) => tiers.includes(tier))
  const commands = chosen.filter((suite): suite is CommandSuite => suite.engine === 'command')
  if (commands.length === 0) {
    const { createVitestEngine } = await import('../engines/vitest/index.ts')
    return () => createVitestEngine({ root, configFile: vitestConfig, env })
  }
  const { createCommandEngine } = await import('../engines/command/index.ts')
  const { readJUnit } = await import('../reports/merge/cases.ts')
  const command = (): Engine => createCommandEngine({ root, suites: commands, env, readJUnit })
  if (commands.length === chosen.length) return command

  const { createVitestEngine } = await import('../engines/vitest/index.ts')
  const { severalEngines } = await import('../engines/several.ts')
  const byCommand = new Set(commands.map(({ name }) => name))
  return () => {
    const parts = [createVitestEngine({ root, configFile: vitestConfig, env }), command()] as const
    return severalEngines(parts, ({ suite }) => parts[byCommand.has(suite) ? 1 : 0])
  }
}
