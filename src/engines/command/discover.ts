import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import type { DiscoveredFile } from '../../core/ports.ts'
import type { CommandLine, CommandSuite } from '../../core/settings.ts'
import { GroupProcess } from '../group-process.ts'
import { MARK, ownMark } from '../../core/marks.ts'
import { filesOf } from './globs.ts'
import { openShell } from './shell.ts'

/** Loading a runner's modules may take a while; beyond this something hangs, ms. */
const DISCOVER_LIMIT_MS = 120_000
/** bash answers at once, ms. */
const LOOKUP_LIMIT_MS = 20_000
/** The most that a discover command may print, UTF-16 units: a million names. */
const MOST = 64 * 1024 * 1024
/** How much of a command's last words a message shows, UTF-16 units. */
const SHOWN = 2_000

export interface Surroundings {
  /** Absolute path of the project. */
  readonly root: string
  readonly env: NodeJS.ProcessEnv
  /** Absolute path of bash. */
  readonly bash: string
}

export type Found =
  | { readonly ok: true; readonly files: readonly DiscoveredFile[]; readonly warnings: readonly string[] }
  /** What is wrong with the suite's command, in words. */
  | { readonly ok: false; readonly message: string }

/** Where bash is; null: nowhere on PATH. */
export function findBash({ PATH = '' }: NodeJS.ProcessEnv): string | null {
  for (const folder of PATH.split(path.delimiter)) {
    const file = path.join(folder, 'bash')
    try {
      accessSync(file, constants.X_OK)
      if (path.isAbsolute(file)) return file
    } catch {
      // Not here.
    }
  }
  return null
}

/** The files of a suite; nothing of them is run. `env` marks what is started. */
export async function discoverSuite(suite: CommandSuite, around: Surroundings): Promise<Found> {
  const missing = await missingProgram(suite, around)
  if (missing !== null) return { ok: false, message: missing }
  const listed = suite.discover === null ? null : await listedBy(suite.name, suite.discover, around)
  if (listed !== null && !listed.ok) return listed
  const files = listed?.files ?? (await globbed(suite, around.root))
  const warnings = [...(listed?.warnings ?? [])]
  if (files.length === 0) {
    const why =
      suite.discover === null ? `no file matches ${suite.files.join(', ')}` : 'its discover command names nothing'
    warnings.push(`suite ${suite.name} is empty: ${why}`)
  }
  return { ok: true, files: files.map((file) => ({ id: file, path: file, project: '', suite: suite.name })), warnings }
}

async function globbed({ files, exclude }: CommandSuite, root: string): Promise<readonly string[]> {
  const found = await filesOf(root, files, exclude)
  // A command would take it for an option.
  return found.map((file) => (file.startsWith('-') ? `./${file}` : file))
}

/** The program that the command begins with is not there: better said now than by every file. null: it is, or it cannot be told. */
async function missingProgram({ name, run, env: own }: CommandSuite, { root, env, bash }: Surroundings) {
  const program = typeof run === 'string' ? /^\s*([\w./@+-]+)(?=\s|$)/.exec(run)?.[1] : run[0]
  if (program === undefined || program.includes('{')) return null
  const options = {
    cwd: root,
    env: { ...env, ...(own['PATH'] === undefined ? {} : { PATH: own['PATH'] }) },
    timeout: LOOKUP_LIMIT_MS,
  }
  try {
    await promisify(execFile)(bash, ['-c', 'command -v -- "$1"', 'bash', program], options)
    return null
  } catch (error) {
    if ((error as { code?: unknown }).code !== 1)
      return `suite ${name}: bash does not start: ${(error as Error).message}`
    const where = program.includes('/')
      ? `there is no program ${program} in ${root}`
      : `there is no program "${program}" on PATH`
    return `The suite ${name} cannot run: ${where}.\nInstall it, or mend suites.${name}.run in the config: ${inWords(run)}`
  }
}

function inWords(command: CommandLine): string {
  return typeof command === 'string' ? command : command.join(' ')
}

type Listed =
  | { readonly ok: true; readonly files: readonly string[]; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly message: string }

async function listedBy(suite: string, command: CommandLine, { root, env, bash }: Surroundings): Promise<Listed> {
  const shell = await openShell()
  const said = { stdout: '', stderr: '' }
  const refused = (what: string): Listed => {
    const words = stripVTControlCharacters(said.stderr.trim() || said.stdout.trim()).slice(-SHOWN)
    const output = words === '' ? '' : `\nIts output:\n${words}`
    return { ok: false, message: `The discover command of suite ${suite} ${what}: ${inWords(command)}${output}` }
  }
  const child = new GroupProcess(shell(command, null, { cwd: root, env, bash }), ownMark(env[MARK]), (stream, text) => {
    if (stream === 'stderr') said.stderr = (said.stderr + text).slice(-SHOWN)
    else if (said.stdout.length < MOST) said.stdout += text
    else child.end('now')
  })
  let isLate = false
  const limit = setTimeout(() => {
    isLate = true
    child.end()
  }, DISCOVER_LIMIT_MS)
  const { exitCode, signal, spawnError } = await child.ended
  clearTimeout(limit)
  if (spawnError) return refused(`could not be started (${spawnError.message})`)
  if (isLate) return refused(`did not end within ${DISCOVER_LIMIT_MS / 1000} s`)
  if (said.stdout.length >= MOST) return refused('printed more than 64 MB')
  if (exitCode !== 0) return refused(signal === null ? `ended with exit code ${exitCode}` : `was ended by ${signal}`)
  const lines = said.stdout.split('\n').map((line) => line.trim())
  const names = lines.filter((line) => line !== '')
  const strange = names.find((line) => /[\p{Cc}\p{Cs}]/u.test(line))
  if (strange !== undefined) return refused(`printed a name with control characters, ${JSON.stringify(strange)}`)
  const files = [...new Set(names)]
  const twice = names.length - files.length
  const warnings =
    twice === 0 ? [] : [`suite ${suite}: its discover command named ${twice} of its files more than once`]
  return { ok: true, files, warnings }
}
