import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import path from 'node:path'
import { killGroup } from '../../../src/engines/process-group.ts'
import { outsideEnvironment } from '../processes/environment.ts'
import { inTime } from '../processes/limit.ts'

const repository = path.join(import.meta.dirname, '..', '..', '..')

/** The command line of tiershard, from its sources. */
export const TIERSHARD = path.join(repository, 'src', 'cli', 'main.ts')
/** Plain vitest. */
export const VITEST = path.join(repository, 'node_modules', 'vitest', 'vitest.mjs')

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that runs; disposing of it ends its whole process group, if there is anything left of it. */
export interface Running extends AsyncDisposable {
  readonly finished: Promise<Finished>
}

/** Starts a script of Node in a folder, with an environment that knows nothing of the run that started us. */
export function start(
  script: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Running {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: options.cwd,
    env: { ...outsideEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const exit = once(child, 'close') as Promise<[number | null]>
  const finished = Promise.all([exit, text(child.stdout), text(child.stderr)]).then(([[code], stdout, stderr]) => ({
    code,
    stdout,
    stderr,
  }))
  return {
    finished,
    async [Symbol.asyncDispose]() {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killGroup(child.pid)
      await inTime(() => `the end of ${script}`, finished)
    },
  }
}
