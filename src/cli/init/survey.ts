import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { CONFIG_NAMES } from '../../config/index.ts'
import { findFiles } from './files.ts'
import { VITEST } from './runners.ts'
import { findSuites, TIERS, type FoundSuite, type TierName } from './suites.ts'

/** What `tiershard init` finds in a project. */
export interface Project {
  /** The config file to write; null: there is one, and nothing that is made from a guess at the suites is written. */
  readonly config: string | null
  /** The workflow to write; null: there is one, or none is to be written. */
  readonly workflow: string | null
  /** Why none is to be written where there is none; null: there is one, or one is. */
  readonly noWorkflow: string | null
  /** What was there and stays as it is. */
  readonly kept: readonly string[]
  readonly suites: readonly FoundSuite[]
  /** The tiers of the suites, the quickest first. */
  readonly tiers: readonly TierName[]
  readonly isTypeScript: boolean
  /** The project's Redis client; null: it has none. */
  readonly client: 'ioredis' | 'redis' | null
  readonly packages: PackageManager
  /** Packages that are still to be installed. */
  readonly missing: readonly string[]
  /** The folder for runs. */
  readonly reports: string
  /** Whether .gitignore needs no line for that folder. */
  readonly ignores: boolean
  /** What somebody should know. */
  readonly notes: readonly string[]
}

export interface PackageManager {
  readonly name: 'npm' | 'pnpm' | 'yarn'
  readonly install: string
  readonly add: string
  readonly exec: string
}

const MANAGERS: readonly (PackageManager & { readonly lock: string; readonly marks: readonly string[] })[] = [
  {
    name: 'pnpm',
    lock: 'pnpm-lock.yaml',
    marks: ['pnpm-workspace.yaml'],
    install: 'pnpm install --frozen-lockfile',
    add: 'pnpm add --save-dev',
    exec: 'pnpm exec',
  },
  {
    name: 'yarn',
    lock: 'yarn.lock',
    marks: ['.yarnrc.yml'],
    install: 'yarn install',
    add: 'yarn add --dev',
    exec: 'yarn',
  },
  { name: 'npm', lock: 'package-lock.json', marks: [], install: 'npm ci', add: 'npm install --save-dev', exec: 'npx' },
]

export type Surveyed =
  | { readonly ok: true; readonly project: Project }
  | { readonly ok: false; readonly message: string }

/** Looks at the project in a folder, and changes nothing. */
export function survey(root: string): Surveyed {
  const manifest = readManifest(root)
  if (!manifest.ok) return manifest
  const { dependencies } = manifest
  const has = (file: string): boolean => existsSync(path.join(root, file))

  const isTypeScript = has('tsconfig.json') || 'typescript' in dependencies
  const config = CONFIG_NAMES.find(has)
  const workflow = '.github/workflows/tiershard.yml'
  const repository = repositoryOf(root)
  const { tests, vitestConfigs } = findFiles(root, dependencies)
  const suites = findSuites(tests)
  const client = 'ioredis' in dependencies ? 'ioredis' : 'redis' in dependencies ? 'redis' : null
  const isFirst = suites.length === 0 && config === undefined
  const runners = suites.length === 0 ? [VITEST] : [...new Set(suites.map(({ runner }) => runner))]
  const needed = [
    'tiershard',
    ...runners.flatMap(({ packages }) => packages),
    ...(isFirst && client === null ? ['ioredis'] : []),
  ]
  const reports = has('reports') && !has('reports/history.json') ? 'tiershard-reports' : 'reports'
  const noWorkflow = has(workflow) ? null : whyNoWorkflow(root, repository, config)
  const ignored = has('.gitignore') ? readFileSync(path.join(root, '.gitignore'), 'utf8') : ''
  return {
    ok: true,
    project: {
      config: config === undefined ? `tiershard.config.${isTypeScript ? 'ts' : 'mjs'}` : null,
      workflow: has(workflow) || noWorkflow !== null ? null : workflow,
      noWorkflow,
      kept: [...(config === undefined ? [] : [config]), ...(has(workflow) ? [workflow] : [])],
      suites,
      tiers: suites.length === 0 ? ['standard'] : TIERS.filter((tier) => suites.some((suite) => suite.tier === tier)),
      isTypeScript,
      client,
      packages: managerOf(root, repository),
      missing: needed.filter((name) => !(name in dependencies)),
      reports,
      ignores:
        config !== undefined ||
        repository === null ||
        ignored.split('\n').some((line) => line.trim().replaceAll(/^\/|\/$/g, '') === reports),
      notes: [
        runners.includes(VITEST) ? vitestTooOld(dependencies['vitest']) : null,
        runners.includes(VITEST) ? configsBelow(root, vitestConfigs) : null,
        suites.length === 0 && config !== undefined
          ? `no first suite is written: no test was found, and where tests belong is said by ${config}`
          : null,
      ].filter((note) => note !== null),
    },
  }
}

/** The folder of the git repository that a folder is in; null: there is none. */
function repositoryOf(folder: string): string | null {
  if (existsSync(path.join(folder, '.git'))) return folder
  const above = path.dirname(folder)
  return above === folder ? null : repositoryOf(above)
}

/** By the lock file, the workspace or package.json of the folder, or of one above in the repository. */
function managerOf(root: string, repository: string | null): PackageManager {
  for (let folder = root; ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json')
    const wanted = existsSync(manifest)
      ? /"packageManager"\s*:\s*"(\w+)@/.exec(readFileSync(manifest, 'utf8'))?.[1]
      : null
    const found = MANAGERS.find(
      ({ name, lock, marks }) =>
        name === wanted || [lock, ...marks].some((file) => existsSync(path.join(folder, file))),
    )
    if (found) return found
    if (repository === null || folder === repository || folder === path.dirname(folder)) return MANAGERS.at(-1)!
  }
}

/** vitest reads one config; those of packages count when it names them. */
function configsBelow(root: string, configs: readonly string[]): string | null {
  const [first] = configs.toSorted()
  const isRead = ['vitest', 'vite'].some((name) =>
    ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].some((ending) => existsSync(path.join(root, `${name}.config.${ending}`))),
  )
  if (first === undefined || isRead) return null
  const more = configs.length > 1 ? ` and ${configs.length - 1} more` : ''
  return `there is no vitest.config here, and vitest does not read ${first}${more} by itself: write one whose test.projects names their folders, or run \`tiershard init\` in these`
}

/** Workflows are read in the root of a repository only, and by GitHub only. They name tiers: those of a config are not guessed. */
function whyNoWorkflow(root: string, repository: string | null, config: string | undefined): string | null {
  if (repository !== null && repository !== root) {
    return `no workflow is written: workflows belong into ${path.join(repository, '.github/workflows')}, and this is a folder below`
  }
  const isGitLab = existsSync(path.join(root, '.gitlab-ci.yml')) && !existsSync(path.join(root, '.github'))
  if (isGitLab) {
    return 'no workflow is written: the CI of this project is GitLab, for which docs/matrix.md of tiershard has jobs'
  }
  return config === undefined
    ? null
    : `no workflow is written: ${config} was there, and a workflow needs its tiers; docs/matrix.md of tiershard has examples`
}

/** Of the usual ranges, those that hold no version that is supported. */
function vitestTooOld(range: unknown): string | null {
  const match =
    typeof range === 'string' ? /^(?<kind>\^|~|>=)?\s*v?(?<major>\d+)(?:\.(?<minor>\d+))?/.exec(range) : null
  const { kind, major, minor } = match?.groups ?? {}
  if (major === undefined || kind === '>=' || Number(major) > 4) return null
  if (major === '4' && (kind === '^' || minor !== '0')) return null
  return `vitest ${range as string} is too old: tiershard needs 4.1 or newer`
}

type Manifest =
  | { readonly ok: true; readonly dependencies: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly message: string }

function readManifest(root: string): Manifest {
  const file = path.join(root, 'package.json')
  if (!existsSync(file)) {
    return {
      ok: false,
      message: `There is no package.json in ${root}: change into your project, or make one with \`npm init\`.`,
    }
  }
  try {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(file, 'utf8')) as Record<
      string,
      object | undefined
    >
    return { ok: true, dependencies: { ...dependencies, ...devDependencies } }
  } catch (error) {
    return { ok: false, message: `${file} cannot be read: ${(error as Error).message}` }
  }
}
