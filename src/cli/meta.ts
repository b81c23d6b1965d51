import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { promisify } from 'node:util'
import { maskSecrets } from '../config/source.ts'
import type { RunMeta } from '../core/events.ts'
import type { Io } from './io.ts'
import { ownMark } from './process-mark.ts'
import { version } from './version.ts'

/** Longest time to wait for git, ms. */
const GIT_LIMIT_MS = 5000

/** What a report says about where and how a run was made. */
export async function runMeta(
  facts: {
    readonly run: string
    readonly engine: string
    readonly root: string
    readonly testName: string | null
  } & Pick<RunMeta, 'selection' | 'continues' | 'slice'>,
  io: Io,
): Promise<RunMeta> {
  return {
    run: facts.run,
    tiershard: version(),
    node: process.versions.node,
    engine: facts.engine,
    platform: `${process.platform}-${process.arch}`,
    cpus: availableParallelism(),
    ci: ciName(io.env),
    ...(await sourceOf(facts.root, io.env)),
    command: ['tiershard', ...io.argv].map(maskSecrets),
    ...(facts.testName === null ? {} : { testName: facts.testName }),
    ...(facts.selection === undefined ? {} : { selection: facts.selection }),
    ...(facts.continues === undefined ? {} : { continues: facts.continues }),
    ...(facts.slice === undefined ? {} : { slice: facts.slice }),
    process: ownMark(),
  }
}

/** Variables by which CI systems can be told apart, and what they are called. */
const CI_SYSTEMS: readonly (readonly [variable: string, name: string])[] = [
  ['GITHUB_ACTIONS', 'GitHub Actions'],
  ['GITLAB_CI', 'GitLab CI'],
  ['BUILDKITE', 'Buildkite'],
  ['CIRCLECI', 'CircleCI'],
  ['JENKINS_URL', 'Jenkins'],
  ['TF_BUILD', 'Azure Pipelines'],
]

/** The CI that this runs in; null: none. `CI=false` says that there is none. */
export function ciName(env: NodeJS.ProcessEnv): string | null {
  const known = CI_SYSTEMS.find(([variable]) => env[variable])
  if (known) return known[1]
  return env['CI'] && env['CI'] !== 'false' && env['CI'] !== '0' ? 'CI' : null
}

/**
 * The commit of the working tree, null outside of a repository, and whether files that git knows differ from it. When git
 * does not say whether they do, they count as changed: what failed and passed on the same code is called flaky.
 */
async function sourceOf(root: string, env: NodeJS.ProcessEnv): Promise<Pick<RunMeta, 'commit' | 'changed'>> {
  // Without optional locks: asking must never be in the way of the user's own git.
  const options = { cwd: root, env: { ...env, GIT_OPTIONAL_LOCKS: '0' }, timeout: GIT_LIMIT_MS }
  const git = async (...args: string[]): Promise<string | null> => {
    try {
      return (await promisify(execFile)('git', args, options)).stdout.trim()
    } catch {
      return null
    }
  }
  const [commit, changes] = await Promise.all([
    git('rev-parse', 'HEAD'),
    git('status', '--porcelain', '--untracked-files=no'),
  ])
  if (!commit) return { commit: null }
  return { commit, ...(changes === '' ? {} : { changed: true }) }
}
