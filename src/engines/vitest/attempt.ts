import type { TestCase, TestModule, TestSuite } from 'vitest/node'
import type { ErrorRecord, LeakedProcess, TestResult } from '../../core/events.ts'
import { cap, engineError, toErrorRecord } from '../errors.ts'
import type { Exit } from '../group-process.ts'
import { uniqueNames } from '../names.ts'
import { limitedOutput, type Output } from '../output.ts'
import type { FromHost } from './protocol.ts'
import { readTrace } from './trace.ts'

/** What is known of one attempt at one file while it runs: turns vitest's events into reports, each exactly once. */
export class Attempt {
  readonly file: string
  /** Absolute path of the file. */
  readonly path: string
  /** Passes on what the file writes, up to a limit. */
  readonly output: Output
  readonly #post: (message: FromHost) => void
  readonly #unhandled: (path: string) => readonly unknown[]
  readonly #testName: RegExp | null
  /** Unique names and lines, by task id. */
  readonly #tests = new Map<string, { name: string; line: number | null }>()
  readonly #told = new Set<string>()
  readonly #errors: ErrorRecord[] = []
  #ended = false
  #frozen = false

  /**
   * @param unhandled hands out, once, the errors that a file's process left to vitest because no test caught them
   * @param testName only tests with such a full name are reported; null: all
   */
  constructor(
    file: string,
    path: string,
    post: (message: FromHost) => void,
    unhandled: (path: string) => readonly unknown[],
    testName: RegExp | null,
  ) {
    this.file = file
    this.path = path
    this.#post = post
    this.output = limitedOutput((stream, text) => post({ type: 'output', file, stream, text }))
    this.#unhandled = unhandled
    this.#testName = testName
  }

  started(seat: number): void {
    this.#post({ type: 'started', file: this.file, seat })
  }

  /** The file is being ended: what it still says of its tests does not count. */
  freeze(): void {
    this.#frozen = true
  }

  leaked(processes: readonly LeakedProcess[]): void {
    this.#post({ type: 'leaked', file: this.file, processes })
  }

  collected(module: TestModule): void {
    if (this.#frozen) return
    const name = uniqueNames()
    for (const test of module.children.allTests()) {
      if (this.#testName !== null && !this.#testName.test(test.fullName)) continue
      this.#tests.set(test.id, { name: name(cap(test.fullName)), line: test.location?.line ?? null })
    }
    this.#post({ type: 'collected', file: this.file, tests: [...this.#tests.values()] })
  }

  tested(test: TestCase): void {
    const known = this.#tests.get(test.id)
    const outcome = test.result()
    if (this.#frozen || !known || outcome.state === 'pending' || this.#told.has(test.id)) return
    const diagnostic = test.diagnostic()
    const errors = (outcome.errors ?? []).map(toErrorRecord)
    this.#tell(test.id, {
      ...known,
      outcome: outcome.state === 'failed' && isTimeout(errors) ? 'timed-out' : outcome.state,
      durationMs: diagnostic?.duration ?? 0,
      retries: diagnostic?.retryCount ?? 0,
      errors,
      note: outcome.state === 'skipped' ? (outcome.note ?? null) : null,
    })
  }

  /** vitest says that the module is done: what it has not told yet is told now. */
  moduleEnded(module: TestModule): void {
    if (this.#frozen) return
    this.#ended = true
    for (const test of module.children.allTests()) {
      this.tested(test)
      this.#skippedWithItsSuite(test)
    }
    for (const owner of [module, ...module.children.allSuites()]) {
      for (const error of owner.errors()) {
        // A file without a test is an ending of its own, which the run decides.
        if (owner.type === 'module' && isEmptyFile(error)) continue
        this.error(error, owner.type === 'suite' ? owner.fullName : undefined)
      }
    }
  }

  /** A `test.only` in a `describe.skip` is not run, and vitest says nothing of it. */
  #skippedWithItsSuite(test: TestCase): void {
    const known = this.#tests.get(test.id)
    if (!known || test.result().state !== 'pending' || !suitesOf(test).some((suite) => suite.state() === 'skipped'))
      return
    this.#tell(test.id, { ...known, outcome: 'skipped', durationMs: 0, retries: 0, errors: [], note: null })
  }

  /** An error that belongs to the file and to no test of it. */
  error(error: unknown, suite?: string): void {
    const record = toErrorRecord(error)
    this.#errors.push(suite === undefined ? record : { ...record, suite })
  }

  /** The file ran to its end. */
  completed(): void {
    for (const error of this.#unhandled(this.path)) this.error(error)
    if (!this.#ended && this.#errors.length === 0) {
      this.#errors.push(engineError('vitest ended the file without saying how it went.'))
    }
    this.#post({ type: 'stopped', file: this.file, stop: { kind: 'completed', errors: this.#errors } })
  }

  /** The process died: what it had finished by then is told, what was running is named. */
  died(exit: Exit, trace: string): void {
    for (const error of this.#unhandled(this.path)) this.error(error)
    const running: string[] = []
    for (const [id, traced] of readTrace(trace)) {
      const known = this.#tests.get(id)
      if (!known || this.#told.has(id)) continue
      if (traced.state === 'running') {
        running.push(known.name)
        continue
      }
      const errors = traced.errors.map(toErrorRecord)
      this.#tell(id, {
        ...known,
        outcome: OUTCOMES[traced.state] === 'failed' && isTimeout(errors) ? 'timed-out' : OUTCOMES[traced.state],
        durationMs: traced.durationMs,
        retries: traced.retries,
        errors,
        note: null,
      })
    }
    const { exitCode, signal, outOfMemory, spawnError } = exit
    if (spawnError) this.#errors.push(engineError(`The worker process could not be started: ${spawnError.message}`))
    const stop = { kind: 'died', exitCode, signal, outOfMemory, running, errors: this.#errors } as const
    this.#post({ type: 'stopped', file: this.file, stop })
  }

  #tell(id: string, result: TestResult): void {
    this.#told.add(id)
    this.#post({ type: 'tested', file: this.file, result })
  }
}

const OUTCOMES = { pass: 'passed', fail: 'failed', skip: 'skipped' } as const

/** The suites around a test, the nearest first. */
function suitesOf(test: TestCase): TestSuite[] {
  const suites: TestSuite[] = []
  for (let owner = test.parent; owner.type === 'suite'; owner = owner.parent) suites.push(owner)
  return suites
}

function isEmptyFile(error: { readonly message?: unknown }): boolean {
  return typeof error.message === 'string' && error.message.startsWith('No test suite found in file ')
}

/** vitest has no state for it: a test over its timeout failed with this message last. */
function isTimeout(errors: readonly ErrorRecord[]): boolean {
  return /^Test timed out in \d+ms/.test(errors.at(-1)?.message ?? '')
}
