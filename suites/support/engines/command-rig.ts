import type { DiscoveredFile, Engine } from '../../../src/core/ports.ts'
import type { CommandSuite } from '../../../src/core/settings.ts'
import { createCommandEngine } from '../../../src/engines/command/index.ts'
import { readJUnit } from '../../../src/reports/merge/cases.ts'
import { type Project } from './rig.ts'
import { outsideEnvironment } from '../processes/environment.ts'

/** A suite under the name that the rig's batches give to every file. */
export function commandSuite(settings: Partial<CommandSuite> & Pick<CommandSuite, 'run'>): CommandSuite {
  const common = { name: 'all', tier: 'standard', files: ['tests/**'], exclude: [], isolation: 'db', env: {} } as const
  return { ...common, engine: 'command', discover: null, ...settings }
}

export function makeCommandEngine(
  project: Pick<Project, 'root'>,
  suites: readonly CommandSuite[],
  env: NodeJS.ProcessEnv = outsideEnvironment(),
): Engine {
  return createCommandEngine({ root: project.root, suites, env, readJUnit })
}

export const asFiles = (...paths: readonly string[]): DiscoveredFile[] =>
  paths.map((path) => ({ id: path, path, project: '', suite: 'all' }))
