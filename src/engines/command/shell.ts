import { spawn, type ChildProcess } from 'node:child_process'
import type * as Zx from 'zx/core'
import { cutAtPlaceholders, withoutTestName, type CommandPlaceholder } from '../../core/command.ts'
import type { CommandLine } from '../../core/settings.ts'

/** `testName` is null when all tests are wanted. */
export type Values = Readonly<Record<Exclude<CommandPlaceholder, 'testName'>, string>> & {
  readonly testName: string | null
}

export interface Start {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Absolute path of bash. */
  readonly bash: string
}

/** Starts commands; zx is loaded for the first one. */
export type Shell = (command: CommandLine, values: Values | null, start: Start) => ChildProcess

/** zx would keep all output until the end; it is passed on as it comes, and nobody asks zx for it. */
const KEPT = { push: () => 0, length: 0 } as unknown as []

/**
 * Loads zx, which makes bash lines of commands and quotes what is filled in. Ending them is not left to it: that is the
 * business of `GroupProcess`.
 */
export async function openShell(): Promise<Shell> {
  const { $, quote } = await import('zx/core')
  return (command, values, { cwd, env, bash }) => {
    let child: ChildProcess | undefined
    const options: Partial<Zx.Options> = {
      cwd,
      env,
      shell: bash,
      prefix: 'set -euo pipefail; ',
      postfix: '',
      quote,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      nothrow: true,
      quiet: true,
      verbose: false,
      store: { stdout: KEPT, stderr: KEPT, stdall: KEPT },
      spawn: ((...args: Parameters<typeof spawn>) => (child = spawn(...args))) as typeof spawn,
    }
    const { pieces, words } = template(command, values)
    void $(options)(Object.assign([...pieces], { raw: pieces }), ...words)
    if (child === undefined) throw new Error('zx has started no process')
    return child
  }
}

/** The command as zx takes it: plain text, and between it the words to quote. */
function template(
  given: CommandLine,
  values: Values | null,
): { readonly pieces: readonly string[]; readonly words: readonly (string | readonly string[])[] } {
  const command = values?.testName === null ? withoutTestName(given) : given
  const valueOf = (name: CommandPlaceholder): string => values?.[name] ?? ''
  if (typeof command === 'string') {
    // A discover command is taken as it is.
    if (values === null) return { pieces: [command], words: [] }
    const { pieces, names } = cutAtPlaceholders(command)
    return { pieces, words: names.map(valueOf) }
  }
  const filled = command.map((word) => {
    const { pieces, names } = cutAtPlaceholders(word)
    return pieces.map((piece, at) => piece + (names[at] === undefined ? '' : valueOf(names[at]))).join('')
  })
  // The program takes the shell's place, so that its end is seen as it is.
  return { pieces: ['exec ', ''], words: [values === null ? command : filled] }
}
