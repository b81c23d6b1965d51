import type { DiscoveredFile, Engine } from '../../../src/core/ports.ts'
import type { CommandLine, CommandSuite } from '../../../src/core/settings.ts'
import { createCommandEngine } from '../../../src/engines/command/index.ts'
import { readJUnit } from '../../../src/reports/merge/cases.ts'
import { makeDesk, startBatch, type Project, type RecordingDesk, type RunOptions } from './rig.ts'
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

/** Runs files by a command to their end; fails when the engine does. */
export async function runCommand(
  project: Project,
  command: CommandLine,
  files: readonly string[],
  options: RunOptions & { readonly env?: NodeJS.ProcessEnv } = {},
): Promise<RecordingDesk> {
  const env = { ...outsideEnvironment(), ...options.env }
  const engine = makeCommandEngine(project, [commandSuite({ run: command })], env)
  const desk = makeDesk()
  try {
    const end = await startBatch(engine, project, asFiles(...files), desk, options).done
    if (end.kind !== 'completed') throw new Error(end.message)
  } finally {
    await engine.close()
  }
  return desk
}

/** What became of each test of a file. */
export function outcomesOf(desk: RecordingDesk, file: string): Record<string, string> {
  return Object.fromEntries([...desk.files.get(file)!.tests].map(([name, { outcome }]) => [name, outcome]))
}
