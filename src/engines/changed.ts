import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const git = promisify(execFile)

/** git answers at once; a hanging file system or hook must not hang the plan, ms. */
const GIT_LIMIT_MS = 20_000
/** Node's word for output over its limit of 1 MiB. */
const TOO_LONG = 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER'

export type Changed =
  | { readonly ok: true; readonly since: string | true | null }
  | { readonly ok: false; readonly message: string }

/**
 * Checks a `--changed` reference before vitest sees it and turns it into a commit: vitest 4.1 takes an unknown reference,
 * or one without a common ancestor, for "nothing changed" and would run no test at all.
 */
export async function resolveChanged(
  changed: string | true | null,
  root: string,
  env: NodeJS.ProcessEnv,
): Promise<Changed> {
  if (changed === null) return { ok: true, since: null }
  const ask = async (...args: string[]): Promise<string> => askGit(root, env, ...args)
  try {
    await ask('rev-parse', '--show-toplevel')
  } catch (error) {
    return { ok: false, message: `--changed needs git, and ${refusal(error, root)}` }
  }
  if (changed === true) return { ok: true, since: true }
  let commit: string
  try {
    commit = await ask('rev-parse', '--verify', '--quiet', '--end-of-options', `${changed}^{commit}`)
  } catch (error) {
    if (isLate(error)) return { ok: false, message: `--changed=${changed}: ${refusal(error, root)}` }
    return {
      ok: false,
      message: `--changed=${changed}: git knows no such commit here. Is it fetched? (CI often clones one commit only: fetch-depth: 0)`,
    }
  }
  try {
    await ask('merge-base', commit, 'HEAD')
  } catch (error) {
    if (isLate(error)) return { ok: false, message: `--changed=${changed}: ${refusal(error, root)}` }
    return {
      ok: false,
      message: `--changed=${changed}: it has no common ancestor with HEAD here. Fetch more history (fetch-depth: 0).`,
    }
  }
  return { ok: true, since: commit }
}

async function askGit(cwd: string, env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> {
  const { stdout } = await git('git', args, { cwd, env, timeout: GIT_LIMIT_MS })
  return stdout.trim()
}

/** Ended because of the limit. */
function isLate(error: unknown): boolean {
  const { code, killed } = error as { readonly code?: unknown; readonly killed?: boolean }
  return killed === true && code !== TOO_LONG
}

function refusal(error: unknown, root: string): string {
  const { code, stderr = '' } = error as NodeJS.ErrnoException & { readonly stderr?: string }
  if (code === 'ENOENT') return 'git is not on PATH.'
  if (isLate(error)) return `git did not answer within ${GIT_LIMIT_MS / 1000} s in ${root}.`
  if (stderr === '' || stderr.includes('not a git repository')) return `${root} is not inside a git repository.`
  // A checkout of somebody else, as in a container, is refused with what to do about it.
  return `git refuses to look into ${root}:\n${stderr.trim()}`
}

export type Difference =
  | { readonly ok: true; readonly changed: boolean }
  | { readonly ok: false; readonly message: string }

/** Whether a file differs from what it was at the commit where both parted, or in the working tree; `true`: in that alone. */
export async function somethingChanged(
  since: string | true,
  root: string,
  env: NodeJS.ProcessEnv,
): Promise<Difference> {
  const lists = async (...args: string[]): Promise<boolean> => {
    try {
      return (await askGit(root, env, ...args)) !== ''
    } catch (error) {
      // More names than fit in the answer: thousands of files have changed.
      if ((error as NodeJS.ErrnoException).code === TOO_LONG) return true
      throw error
    }
  }
  try {
    const inTree = await lists('status', '--porcelain', '--untracked-files=normal')
    if (inTree || since === true) return { ok: true, changed: inTree }
    return { ok: true, changed: await lists('diff', '--name-only', `${since}...HEAD`) }
  } catch (error) {
    return { ok: false, message: `--changed cannot be answered: ${refusal(error, root)}` }
  }
}
