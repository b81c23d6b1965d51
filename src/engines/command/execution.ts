import type { PlannedFile } from '../../core/events.ts'
import type { Batch, Desk, Execution, Seat } from '../../core/ports.ts'
import { Attempt, type AttemptParts } from './attempt.ts'

/** What a batch needs beside itself. */
export interface ExecutionParts {
  /** What every attempt needs; a text when there is no shell to run anything in. */
  readonly prepare: () => Promise<Pick<AttemptParts, 'shell' | 'bash' | 'root' | 'readJUnit'> | string>
  readonly suiteOf: (file: PlannedFile) => AttemptParts['suite']
  /** The environment of an attempt, with a mark of its own. */
  readonly env: () => NodeJS.ProcessEnv
}

/** Runs the files of a batch in their order, as many at once as there are seats. */
export function execute(batch: Batch, desk: Desk, parts: ExecutionParts): Execution {
  const running = new Map<string, Attempt>()
  const waiting = [...batch.files]
  let stopping = false
  const { promise: stopped, resolve: announceStop } = Promise.withResolvers<null>()

  /** A seat for the file; null when it is dropped. One that comes after a stop is given back. */
  const sit = async (file: string): Promise<Seat | null> => {
    const asked = desk.sit(file)
    const seat = await Promise.race([asked, stopped])
    if (seat !== null && !stopping) return seat
    void asked.then((late) => late && desk.leave(late))
    return null
  }

  const run = async (): ReturnType<typeof parts.prepare> => {
    const common = await parts.prepare()
    if (typeof common === 'string') return common
    const { scratch, testName } = batch
    const work = async (): Promise<void> => {
      for (let file = waiting.shift(); file && !stopping; file = waiting.shift()) {
        const seat = await sit(file.id)
        if (seat === null) continue
        const { suiteOf, env } = parts
        const attempt = new Attempt({
          ...common,
          file,
          suite: suiteOf(file),
          seat,
          desk,
          env: env(),
          scratch,
          testName,
        })
        running.set(file.id, attempt)
        await attempt.run()
        running.delete(file.id)
        desk.leave(seat)
      }
    }
    await Promise.all(Array.from({ length: Math.min(batch.shards, batch.files.length) }, work))
    return common
  }

  return {
    done: run().then((end) => (typeof end === 'string' ? { kind: 'died', message: end } : { kind: 'completed' })),
    kill: (file, how) => running.get(file)?.kill(how),
    stop() {
      stopping = true
      announceStop(null)
      for (const attempt of running.values()) attempt.kill()
    },
  }
}
