import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { tempProject } from '../config/project.ts'
import { outsideEnvironment } from '../processes/environment.ts'
import { inTime } from '../processes/limit.ts'

const checkout = path.resolve(import.meta.dirname, '../../..')
const main = path.join(checkout, 'src/cli/main.ts')

export interface Finished {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A tiershard that has been started. It is ended with the test, whatever happens. */
export interface Started {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
  /** Resolves when stdout and stderr together hold the text; rejects when the process ends without, or takes too long. */
  saw(text: string): Promise<void>
}

/**
 * Starts the real command in a folder. Nothing of an outer run leaks in.
 *
 * @param before what a shell does first that then becomes the command: `ulimit -f 64`, `exec >/dev/full`
 */
export function startTiershard(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  before: string | null = null,
): Started {
  const command = [process.execPath, main, ...args]
  const shell = before === null ? [] : ['bash', '-c', `${before}; exec "$@"`, 'bash']
  const [file, ...rest] = [...shell, ...command]
  const child = spawn(file!, rest, {
    cwd,
    env: { ...outsideEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const out = { stdout: '', stderr: '' }
  let closed = false
  const changed = new EventTarget()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      out[name] += text
      changed.dispatchEvent(new Event('output'))
    })
  }
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode) => {
      closed = true
      resolve({ exitCode, ...out })
      changed.dispatchEvent(new Event('output'))
    })
  })
  const saw = (text: string): Promise<void> => {
    const seen = new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if ((out.stdout + out.stderr).includes(text)) resolve()
        // An exit can be seen before the output that came first.
        else if (closed) reject(new Error(`ended without "${text}":\n${out.stdout}\n${out.stderr}`))
      }
      changed.addEventListener('output', look)
      look()
    })
    return inTime(() => `"${text}" in:\n${out.stdout}\n${out.stderr}`, seen)
  }
  return { child, finished, saw }
}

/** Runs the real command to its end. */
export function tiershard(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  before: string | null = null,
): Promise<Finished> {
  return startTiershard(cwd, args, env, before).finished
}

/** A project in which vitest can be found. */
export function vitestProject(files: Readonly<Record<string, string>>): string {
  const root = tempProject(files)
  mkdirSync(path.join(root, 'node_modules'), { recursive: true })
  for (const name of ['vitest', 'ioredis']) {
    symlinkSync(path.join(checkout, 'node_modules', name), path.join(root, 'node_modules', name), 'dir')
  }
  return root
}
