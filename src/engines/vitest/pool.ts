import { totalmem } from 'node:os'
import type { ForksPoolWorker, PoolOptions, PoolRunnerInitializer, WorkerRequest } from 'vitest/node'
import { Lane, type LaneOptions } from './lane.ts'

/** The pool's name inside vitest; tests still see `forks` or `vmForks`. */
export const POOL = 'tiershard'

type WorkerClass = typeof ForksPoolWorker

/** vitest's own worker classes, from the installed version. */
export interface WorkerClasses {
  readonly ForksPoolWorker: WorkerClass
  readonly VmForksPoolWorker: WorkerClass
}

/** What a lane needs to know of the execution under way. */
export type Surroundings = Pick<LaneOptions, 'floor' | 'post' | 'unhandled'> & {
  fileId(project: string, path: string): string
  lane(lane: Lane): void
}

/**
 * A pool for one project, as vitest takes it in `config.poolRunner`.
 *
 * @param native the pool that the project asked for; threads become forks, because only a process can be killed alone
 * @param current the execution under way
 */
export function createPool(
  classes: WorkerClasses,
  native: 'forks' | 'vmForks',
  current: () => Surroundings,
): PoolRunnerInitializer {
  const Base = native === 'vmForks' ? classes.VmForksPoolWorker : classes.ForksPoolWorker
  const SeatedWorker = seated(Base)
  return { name: POOL, createPoolWorker: (options) => new SeatedWorker(options, native, current()) }
}

/** A worker of vitest's own kind whose process belongs to a {@link Lane}. */
function seated(Base: WorkerClass) {
  return class SeatedWorker extends Base {
    override readonly name = POOL
    readonly #lane: Lane

    constructor(options: PoolOptions, native: 'forks' | 'vmForks', around: Surroundings) {
      super(options)
      const { project } = options
      this.#lane = new Lane({
        floor: around.floor,
        post: around.post,
        unhandled: around.unhandled,
        launch: { entrypoint: this.entrypoint, execArgv: this.execArgv, env: { ...options.env } },
        pool: native,
        isolated: project.config.isolate,
        memoryLimit: native === 'vmForks' ? memoryLimit(project.config) : Number.POSITIVE_INFINITY,
        fileId: (file) => around.fileId(project.name, file),
      })
      around.lane(this.#lane)
    }

    override on(event: string, callback: (...args: unknown[]) => void): void {
      this.#lane.events.on(event, callback)
    }

    override off(event: string, callback: (...args: unknown[]) => void): void {
      this.#lane.events.off(event, callback)
    }

    override send(message: WorkerRequest): void {
      this.#lane.send(message)
    }

    /** The process starts when a file has a seat, not before. */
    override async start(): Promise<void> {}

    override async stop(): Promise<void> {
      await this.#lane.end()
    }
  }
}

/**
 * When a VM worker is replaced, bytes: vitest's own rule (`vmMemoryLimit`, by default an even share of the memory), which
 * vitest applies to its own pools only. Every VM context leaks a little.
 *
 * @internal for tests
 */
export function memoryLimit(config: { readonly vmMemoryLimit?: unknown; readonly maxWorkers?: unknown }): number {
  const workers = typeof config.maxWorkers === 'number' && config.maxWorkers > 0 ? config.maxWorkers : 1
  const limit = config.vmMemoryLimit ?? 1 / workers
  if (typeof limit === 'number') return limit <= 1 ? limit * totalmem() : limit
  const match = /^([\d.]+)\s*(%|[kmg]i?b?)?$/i.exec(typeof limit === 'string' ? limit : '')
  if (!match) return totalmem() / workers
  const amount = Number(match[1])
  const unit = (match[2] ?? '').toLowerCase()
  if (unit === '%') return (amount / 100) * totalmem()
  const base = unit.includes('i') ? 1024 : 1000
  return amount * base ** ('kmg'.indexOf(unit[0] ?? ' ') + 1)
}
