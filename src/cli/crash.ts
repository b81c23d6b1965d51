import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { maskSecrets } from '../config/source.ts'
import { EXIT } from '../core/verdict.ts'

/** What to say of an error that nobody caught, and the exit code it ends with. */
export interface Crash {
  readonly message: string
  readonly exitCode: number
}

/** What a machine may be short of or refuse, and what to do about it. */
const TROUBLES: Readonly<Record<string, string>> = {
  EMFILE: 'this process may not open more files. Raise its limit (ulimit -n)',
  ENFILE: 'this machine may not open more files. End what else runs on it, or raise fs.file-max',
  EAGAIN: 'no more processes may be started. Raise the limit (ulimit -u; in a container, its limit of processes)',
  ENOMEM: 'no memory is left. End what else runs on this machine',
  ENOSPC: 'no space is left on the disk. Make some',
  EDQUOT: 'the quota of the disk is used up. Make some space',
  EROFS: 'the file system is read-only. Use another place',
  EACCES: 'it is not allowed to. Mend the permissions',
  EPERM: 'it is not allowed to. Mend the permissions',
  EIO: 'the disk or the terminal has failed',
  ELOOP: 'a symbolic link leads to itself. Remove it',
  ENAMETOOLONG: 'a name is too long. Use a shorter one',
}

/** Where our own code is: beside this folder, in src or in dist. */
const OWN = new URL('..', import.meta.url).href

/**
 * Whose error it is: the machine's when something has run out or is refused, the project's when its code (a config, and
 * what it imports) threw where nobody waits for it, and else ours.
 */
export function crashOf(error: unknown): Crash {
  const { code, message = '' } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  const trouble = TROUBLES[code ?? '']
  if (trouble !== undefined) {
    return {
      message: `tiershard cannot go on: ${trouble}. (${maskSecrets(message)})`,
      exitCode: EXIT.infrastructure,
    }
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const place = foreignPlace(text)
  if (place !== null && error instanceof Error) {
    const what = maskSecrets(`${error.name}: ${error.message}`)
    const advice = 'Nothing waited for it, so that the run could not go on: await it, or catch it.'
    return { message: `The project's own code failed at ${place}\n  ${what}\n${advice}`, exitCode: EXIT.usage }
  }
  return {
    message: `tiershard itself failed. This is a bug; please report it with these lines:\n${maskSecrets(text)}`,
    exitCode: EXIT.infrastructure,
  }
}

/** The first line of a stack that is neither Node's nor a package's, unless it is ours. */
function foreignPlace(stack: string): string | null {
  for (const [, url, line, column] of stack.matchAll(
    /^ {4}at .*?(file:\/\/[^\s)]+?)(?:\?[^\s):]*)?:(\d+):(\d+)\)?$/gm,
  )) {
    if (url!.startsWith(OWN) || url!.includes('/node_modules/')) return null
    const file = fileURLToPath(url!)
    return existsSync(file) ? `${file}:${line}:${column}` : null
  }
  return null
}
