import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TestProject, TestSpecification, Vitest } from 'vitest/node'
import { createPool, POOL, type Surroundings, type WorkerClasses } from './pool.ts'

/** vitest's default `testTimeout`, ms: a project with another value has set it itself. */
const VITEST_TEST_TIMEOUT_MS = 5_000

const POOLS = { forks: 'forks', threads: 'forks', vmForks: 'vmForks', vmThreads: 'vmForks' } as const

/** What a project's own config said before it was adopted. */
export interface Adopted {
  readonly project: TestProject
  readonly testTimeoutMs: number
  /** Why its files cannot run here; null when they can. */
  readonly unfit: string | null
}

/**
 * Puts tiershard's pool, setup file and limits into the resolved config of each project. Nothing of the user's own config
 * is replaced but who starts the workers and in which order: this happens after vitest has read it, and before it makes
 * the first specification.
 */
export function adopt(
  vitest: Vitest,
  classes: WorkerClasses,
  setupFile: string,
  current: () => Surroundings,
): Adopted[] {
  return vitest.projects.map((project) => {
    const { config } = project
    const testTimeoutMs = config.testTimeout
    if (!(config.pool in POOLS)) {
      return { project, testTimeoutMs, unfit: `a pool of its own, "${config.pool}"` }
    }
    const native = POOLS[config.pool as keyof typeof POOLS]
    config.poolRunner = createPool(classes, native, current)
    config.pool = POOL
    config.setupFiles.unshift(setupFile)
    transform(project, setupFile)
    config.includeTaskLocation = true
    // One group for all: dispatch follows the plan. Not 0, where vitest puts files aside if there is one worker.
    config.sequence.groupOrder = 1
    // vitest would drop the files that wait; failing fast is the run's business.
    config.bail = 0
    return { project, testTimeoutMs, unfit: null }
  })
}

/**
 * vitest transforms setup files, and so gives them its own copy of itself, wherever they are. It has made its list of them
 * when it read the config, and would leave ours to Node, which may find another vitest beside tiershard.
 */
function transform(project: TestProject, setupFile: string): void {
  const { _resolver: resolver } = project as unknown as {
    readonly _resolver?: { readonly options?: { readonly inlineFiles?: string[] } }
  }
  resolver?.options?.inlineFiles?.push(setupFile, pathToFileURL(setupFile).href)
  // In an environment like jsdom's, vite loads only what it may serve: tiershard may be installed outside of the project.
  project.vite.config.server.fs.allow.push(path.dirname(setupFile))
}

/** What the tier asks of each project. */
export function applyTier(
  adopted: readonly Adopted[],
  tier: { readonly shards: number; readonly testTimeoutMs: number; readonly testTimeoutGiven: boolean },
): void {
  for (const { project, testTimeoutMs } of adopted) {
    project.config.maxWorkers = tier.shards
    const ownIsSet = testTimeoutMs !== VITEST_TEST_TIMEOUT_MS
    project.config.testTimeout = !tier.testTimeoutGiven && ownIsSet ? testTimeoutMs : tier.testTimeoutMs
  }
}

/** Splits what vitest found into what tiershard can run, and words for what it cannot. */
export function sortOut(
  specifications: readonly TestSpecification[],
  adopted: readonly Adopted[],
): { readonly fit: TestSpecification[]; readonly warnings: string[] } {
  const fit: TestSpecification[] = []
  const left = new Map<string, number>()
  for (const specification of specifications) {
    const { project, pool } = specification
    const reason =
      pool === 'browser'
        ? 'a browser project'
        : pool === 'typescript'
          ? 'a type check'
          : (adopted.find((one) => one.project === project)?.unfit ?? null)
    if (reason === null) {
      fit.push(specification)
      continue
    }
    const key = `${project.name === '' ? '' : ` of project "${project.name}"`} (${reason})`
    left.set(key, (left.get(key) ?? 0) + 1)
  }
  const warnings = [...left]
    .map(
      ([key, files]) =>
        `${files} ${files === 1 ? 'file' : 'files'}${key} cannot run under tiershard and will be left out.`,
    )
    .toSorted()
  for (const { project } of adopted) {
    if ((project.config as { fileParallelism?: boolean }).fileParallelism === false) {
      const name = project.name === '' ? 'vitest config' : `config of project "${project.name}"`
      warnings.push(
        `The ${name} sets fileParallelism: false; tiershard runs as many files at once as there are shards.`,
      )
    }
  }
  return { fit, warnings }
}
