import type {
  Batch,
  Desk,
  DiscoveredFile,
  Discovery,
  DiscoverRequest,
  Engine,
  Execution,
  ReadJUnit,
} from '../../core/ports.ts'
import type { CommandSuite } from '../../core/settings.ts'
import { resolveChanged, somethingChanged } from '../changed.ts'
import { processNumber, runMark } from '../environment.ts'
import { MARK, markBelow } from '../../core/marks.ts'
import { startWatchdog, type Watchdog } from '../watchdog.ts'
import { discoverSuite, findBash } from './discover.ts'
import { execute } from './execution.ts'

export interface CommandEngineOptions {
  /** Absolute path of the user's project; commands run in it. */
  readonly root: string
  /** The suites whose files it finds and runs. */
  readonly suites: readonly CommandSuite[]
  /** The environment of the commands, before that of a seat. */
  readonly env: NodeJS.ProcessEnv
  readonly readJUnit: ReadJUnit
}

const NO_BASH =
  'Suites with the engine "command" need bash, and there is none on PATH: commands run in it, as in CI. Install bash.'

/** Runs the files of suites by a command each, which writes a JUnit report. */
export function createCommandEngine({ root, suites, env, readJUnit }: CommandEngineOptions): Engine {
  const byName = new Map(suites.map((suite) => [suite.name, suite]))
  const mark = runMark(env)
  const running = new Set<Execution>()
  let watchdog: Watchdog | null = null

  const watched = (): Watchdog => (watchdog ??= startWatchdog(mark))
  const marked = (): NodeJS.ProcessEnv => {
    watched()
    return { ...env, [MARK]: markBelow(env[MARK], `${mark}/${processNumber()}`) }
  }

  const discover = async ({ changed }: DiscoverRequest): Promise<Discovery> => {
    const since = await resolveChanged(changed, root, env)
    if (!since.ok) return { ok: false, kind: 'usage', message: since.message }
    if (since.since !== null) {
      const difference = await somethingChanged(since.since, root, env)
      if (!difference.ok) return { ok: false, kind: 'usage', message: difference.message }
      if (!difference.changed) return { ok: true, engine: 'command', files: [], warnings: [] }
    }
    const bash = findBash(env)
    if (bash === null) return { ok: false, kind: 'usage', message: NO_BASH }
    const files: DiscoveredFile[] = []
    const warnings: string[] = []
    for (const suite of suites) {
      const found = await discoverSuite(suite, { root, env: suite.discover === null ? env : marked(), bash })
      if (!found.ok) return { ok: false, kind: 'usage', message: found.message }
      // One by one: a call takes no more than about 125,000 arguments.
      for (const file of found.files) files.push(file)
      warnings.push(...found.warnings)
      if (since.since !== null && found.files.length > 0) {
        warnings.push(`suite ${suite.name}: what its files import is not known, so --changed leaves none of them out`)
      }
    }
    return { ok: true, engine: 'command', files, warnings }
  }

  const start = (batch: Batch, desk: Desk): Execution => {
    const prepare = async () => {
      const bash = findBash(env)
      if (bash === null) return NO_BASH
      const { openShell } = await import('./shell.ts')
      return { shell: await openShell(), bash, root, readJUnit }
    }
    watched().add(batch.scratch)
    const execution = execute(batch, desk, { prepare, suiteOf: ({ suite }) => byName.get(suite)!, env: marked })
    running.add(execution)
    void execution.done.finally(() => running.delete(execution))
    return execution
  }

  return {
    name: 'command',
    discover,
    execute: start,
    async close() {
      const ending = [...running]
      for (const execution of ending) execution.stop()
      await Promise.all(ending.map(({ done }) => done))
      watchdog?.stop()
      watchdog = null
    },
  }
}
