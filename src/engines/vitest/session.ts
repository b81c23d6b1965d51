import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as NodeApi from 'vitest/node'
import type { TestProject, TestSpecification, Vitest } from 'vitest/node'
import { adopt, applyTier, sortOut, type Adopted } from './adopt.ts'
import { engineError, toErrorRecord } from '../errors.ts'
import { Floor } from './floor.ts'
import type { Lane } from './lane.ts'
import type { FromHost, HostBatch, HostFile, HostOutcome } from './protocol.ts'
import { createReporter } from './reporter.ts'
import { byBatch } from './sequencer.ts'

/**
 * No server on a port: files are served to the workers over IPC. null takes away a port from the user's config, which
 * undefined would not.
 */
const NO_PORT = { middlewareMode: true, port: null as unknown as number }

/** The module `vitest/node` of the user's project. */
export type VitestNode = typeof NodeApi

export interface SessionOptions {
  readonly root: string
  readonly configFile: string | null
  readonly vitestNode: VitestNode
  /** Absolute path of setup.ts. */
  readonly setupFile: string
  readonly post: (message: FromHost) => void
}

/** A vitest server with the user's config, made to run its files in the desk's seats. */
export class Session {
  readonly #vitest: Vitest
  readonly #root: string
  readonly #post: (message: FromHost) => void
  readonly #adopted: Adopted[]
  readonly #order = byBatch()
  #running: Running | null = null
  #ranBefore = false

  static async open(options: SessionOptions): Promise<Session> {
    const { root, configFile, vitestNode } = options
    let session: Session | undefined
    const reporter = createReporter((project, file) => session?.attemptAt(project, file))
    const vitest = await withoutSignalHandlers(() =>
      vitestNode.createVitest(
        'test',
        {
          // The working folder, unless a symbolic link leads there. Named needlessly, it would win over the config's own `root`.
          ...(process.cwd() === root ? {} : { root }),
          ...(configFile === null ? {} : { config: configFile }),
          watch: false,
          run: true,
          ui: false,
          open: false,
          api: NO_PORT,
          reporters: [reporter],
        },
        { clearScreen: false, server: { open: false } },
      ),
    )
    session = new Session(vitest, options)
    return session
  }

  constructor(vitest: Vitest, options: SessionOptions) {
    this.#vitest = vitest
    this.#root = options.root
    this.#post = options.post
    vitest.config.sequence.sequencer = this.#order.Sequencer
    const { coverage } = vitest.config
    if (coverage.enabled && coverage.provider !== 'istanbul') {
      // Code from the compile cache has no positions for V8's coverage. vitest 5 knows this, vitest 4 does not.
      delete process.env['NODE_COMPILE_CACHE']
      process.env['NODE_DISABLE_COMPILE_CACHE'] = '1'
    }
    this.#adopted = adopt(vitest, options.vitestNode, options.setupFile, () => {
      const { floor, lanes } = this.#running!
      return {
        floor,
        post: this.#post,
        unhandled: (file) => this.#takeErrors(file),
        fileId: (project, file) => this.#running?.ids.get(key(project, file)) ?? file,
        lane: (lane) => void lanes.add(lane),
      }
    })
  }

  /**
   * Whether another batch may run in this server. A global setup belongs to one run of the tests: it is set up before and
   * torn down after, which vitest does only when its server closes.
   */
  get reusable(): boolean {
    const projects = [...this.#vitest.projects, this.#vitest.getRootProject()]
    return projects.every((project) => project.config.globalSetup.length === 0)
  }

  get floor(): Floor | null {
    return this.#running?.floor ?? null
  }

  attemptAt(project: string, file: string): ReturnType<Floor['attempt']> {
    return this.#running?.floor.attempt(this.#running.ids.get(key(project, file)))
  }

  /** Finds test files; none is executed. `changed` as vitest takes it. */
  async discover(changed: string | true | null): Promise<void> {
    const vitest = this.#vitest
    let specifications: TestSpecification[]
    if (changed === null) specifications = await vitest.globTestSpecifications()
    else {
      vitest.config.changed = changed
      specifications = await vitest.getRelevantTestSpecifications()
      vitest.config.changed = false
      delete vitest.config.related
    }
    const { fit, warnings } = sortOut(specifications, this.#adopted)
    const severalProjects = vitest.projects.length > 1
    const files = fit.map(({ project, moduleId }) => {
      const file = path.relative(this.#root, moduleId).split(path.sep).join('/')
      const name = severalProjects ? project.name : ''
      return { id: name === '' ? file : `[${name}] ${file}`, path: file, project: name }
    })
    this.#post({ type: 'discovered', files, warnings: [...warnings, ...this.#thresholds()] })
  }

  /** Files run in several batches (tiers, retries) and on several machines: none of them has the coverage of all. */
  #thresholds(): string[] {
    const { enabled, thresholds = {} } = this.#vitest.config.coverage as {
      readonly enabled: boolean
      readonly thresholds?: object
    }
    if (!enabled || Object.keys(thresholds).length === 0) return []
    return [
      'The vitest config sets coverage.thresholds: a run does not fail by them; check them with `npx vitest run --coverage`.',
    ]
  }

  /** Runs a batch. Resolves when each of its files was stopped or dropped and its processes are gone. */
  async execute(batch: HostBatch): Promise<HostOutcome> {
    const floor = new Floor(batch.scratch, batch.testName, this.#post)
    const running: Running = { floor, lanes: new Set(), ids: new Map(), told: new WeakSet(), thrown: [] }
    this.#running = running
    applyTier(this.#adopted, batch)
    this.#selectTests(batch.testName)
    if (this.#ranBefore) this.#forgetSources()
    this.#ranBefore = true
    try {
      if (this.#vitest.config.coverage.enabled) await this.#vitest.createCoverageProvider()
      const specifications = batch.files.map((file) => this.#specify(file, running))
      this.#order.set(specifications)
      await this.#vitest.runTestSpecifications(specifications, true)
    } catch (error) {
      running.thrown.push(error)
    } finally {
      await Promise.all([...running.lanes].map((lane) => lane.settled()))
    }
    return this.#conclude(batch, running)
  }

  /**
   * Closes the server; with it, global setups are torn down. What goes wrong there is told as stray errors.
   *
   * @param limitMs how long it may take at most
   */
  async close(limitMs = this.#vitest.config.teardownTimeout): Promise<void> {
    const { logger } = this.#vitest
    const log = logger.error.bind(logger)
    // vitest only logs them.
    logger.error = (...args: unknown[]) => {
      const thrown = args.find((arg) => arg instanceof Error)
      if (thrown) this.#post({ type: 'stray', error: toErrorRecord(thrown) })
      log(...args)
    }
    const limit = new AbortController()
    const late = sleep(limitMs, 'late' as const, limit).catch(() => null)
    if ((await Promise.race([this.#vitest.close(), late])) === 'late') {
      this.#post({
        type: 'stray',
        error: engineError(`vitest did not close within ${limitMs} ms (a global teardown?)`),
      })
    }
    limit.abort()
  }

  /** vitest 5 matches names joined with ` > `, as they are reported; vitest 4 joins them with a space. */
  #selectTests(testName: string | null): void {
    if (testName === null) return this.#vitest.resetGlobalTestNamePattern()
    const joined = this.#vitest.version.startsWith('4.') ? testName.replaceAll(' > ', ' ') : testName
    this.#vitest.setGlobalTestNamePattern(new RegExp(joined))
  }

  #specify(file: HostFile, running: Running): TestSpecification {
    const { projects } = this.#vitest
    const project: TestProject | undefined =
      projects.length === 1 ? projects[0] : projects.find(({ name }) => name === file.project)
    if (!project) throw new Error(`there is no project "${file.project}" in the vitest config (file ${file.path})`)
    const specification = project.createSpecification(file.path)
    running.ids.set(key(project.name, specification.moduleId), file.id)
    return specification
  }

  /** Errors that vitest has heard of and that name this file; each is handed out once. */
  #takeErrors(file: string): readonly unknown[] {
    if (this.#vitest.config.dangerouslyIgnoreUnhandledErrors) return []
    const { told } = this.#running!
    const mine = this.#vitest.state.getUnhandledErrors().filter((error): error is object => {
      return isObject(error) && 'VITEST_TEST_PATH' in error && error.VITEST_TEST_PATH === file && !told.has(error)
    })
    for (const error of mine) told.add(error)
    return mine
  }

  #conclude(batch: HostBatch, { floor, told, thrown }: Running): HostOutcome {
    const left = this.#vitest.state.getUnhandledErrors().filter((error) => !(isObject(error) && told.has(error)))
    const lost = batch.files.filter(({ id }) => !floor.isSettled(id))
    if (lost.length > 0 && thrown.length > 0) {
      return { kind: 'died', message: `vitest could not run the files: ${inShort(thrown[0])}` }
    }
    // Every file has run: what went wrong after that, such as the coverage of a source that does not parse, is the user's.
    if (!floor.stopping) {
      for (const error of thrown) this.#post({ type: 'stray', error: toErrorRecord(error) })
    }
    if (lost.length > 0 && !floor.stopping) {
      const why = left.length > 0 ? `: ${inShort(left[0])}` : ''
      return {
        kind: 'died',
        message: `vitest ended without running ${lost.length} of ${batch.files.length} files${why}`,
      }
    }
    if (!this.#vitest.config.dangerouslyIgnoreUnhandledErrors) {
      for (const error of left) this.#post({ type: 'stray', error: toErrorRecord(error) })
    }
    return { kind: 'completed' }
  }

  /** Files may have changed since the last batch, and nobody watches them. */
  #forgetSources(): void {
    const files = new Set<string>()
    for (const { vite } of this.#vitest.projects) {
      for (const { moduleGraph } of Object.values(vite.environments)) {
        for (const file of moduleGraph.fileToModulesMap.keys()) files.add(file)
      }
    }
    for (const file of files) this.#vitest.invalidateFile(file)
  }
}

interface Running {
  readonly floor: Floor
  readonly lanes: Set<Lane>
  /** File ids by project and path. */
  readonly ids: Map<string, string>
  /** Unhandled errors that were reported already. */
  readonly told: WeakSet<object>
  /** What vitest threw instead of running all the files to their end. */
  readonly thrown: unknown[]
}

function key(project: string, file: string): string {
  return `${project}\0${file}`
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** An error in one line, with its place. */
function inShort(error: unknown): string {
  const { message, frames } = toErrorRecord(error)
  const at = frames[0] ? ` (${frames[0].file}:${frames[0].line})` : ''
  return `${message.trim().split('\n', 1)[0]}${at}`
}

/** vitest ends its process on SIGTERM and SIGINT, in its own way; here the host decides, and workers must not outlive it. */
async function withoutSignalHandlers<T>(act: () => Promise<T>): Promise<T> {
  const signals = ['SIGTERM', 'SIGINT'] as const
  const before = signals.map((signal) => process.listeners(signal))
  const result = await act()
  for (const [index, signal] of signals.entries()) {
    for (const listener of process.listeners(signal)) {
      if (!before[index]!.includes(listener)) process.off(signal, listener)
    }
  }
  return result
}
