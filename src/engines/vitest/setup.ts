/**
 * Runs in every worker before the user's own setup files, loaded by vitest. It must not disturb a test: it touches no
 * global, and takes Node's modules past vitest's mocks.
 */
import { afterAll, beforeEach } from 'vitest'
import { TRACE_FD, type TraceLine } from './trace.ts'

const { writeSync } = process.getBuiltinModule('node:fs')
const { flushCompileCache } = process.getBuiltinModule('node:module')
// Held, because fake timers replace it.
const now = performance.now.bind(performance)
const ERROR_TEXT_LIMIT = 16 * 1024
const GUARD = Symbol.for('tiershard.orphan-guard')

interface TracedTask {
  readonly id: string
  readonly retry?: number | { readonly count?: number }
  readonly repeats?: number
  readonly fails?: boolean
  readonly result?: {
    readonly state?: string
    readonly retryCount?: number
    readonly repeatCount?: number
    readonly errors?: readonly { readonly name?: string; readonly message?: string; readonly stack?: string }[]
  }
}

// The context's own hook: the global one does not know which of several concurrent tests it is called for.
beforeEach(({ task: current, onTestFinished }) => {
  const task = current as unknown as TracedTask
  const startedAt = now()
  write(['s', task.id])
  onTestFinished(() => write(endLine(task, now() - startedAt)))
})

// A worker ends by SIGTERM, and Node writes its compile cache only at an exit in order. vitest 5 does this itself.
afterAll(() => flushCompileCache())

endWithTheHost()

function endLine(task: TracedTask, durationMs: number): TraceLine {
  const { state, retryCount = 0, repeatCount = 0, errors = [] } = task.result ?? {}
  const failed = (state === 'fail') !== (task.fails === true)
  const tries = (typeof task.retry === 'object' ? task.retry.count : task.retry) ?? 0
  const more = (failed && retryCount < tries) || repeatCount < (task.repeats ?? 0)
  const outcome = state === 'skip' ? 'skip' : failed ? 'fail' : 'pass'
  if (!failed || task.fails) return ['e', task.id, outcome, durationMs, retryCount, more]
  const told = errors.map(({ name, message, stack }) => ({ name, message: cut(message), stack: cut(stack) }))
  return ['e', task.id, outcome, durationMs, retryCount, more, told]
}

function cut(text: string | undefined): string | undefined {
  return text === undefined ? undefined : text.slice(0, ERROR_TEXT_LIMIT)
}

function write(line: TraceLine): void {
  try {
    writeSync(TRACE_FD, `${JSON.stringify(line)}\n`)
  } catch {
    // A full disk, or a test that closed every descriptor: the trace is a second source only.
  }
}

/** A worker whose host was killed must not live on with a lease that somebody else gets. */
function endWithTheHost(): void {
  const marked = process as unknown as Record<symbol, boolean | undefined>
  if (marked[GUARD]) return
  marked[GUARD] = true
  const kill = process.kill.bind(process, process.pid, 'SIGKILL')
  process.once('disconnect', kill)
}
