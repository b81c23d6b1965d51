/**
 * The trace: lines that setup.ts writes into an open file as tests start and end. Workers send their results in batches
 * of 100 ms, so that what finished just before a process died is known from here alone. Costs 2 to 3 microseconds a test.
 */

/** The file descriptor in a worker process that holds the trace; 0 to 2 are stdio, 3 is the IPC channel. */
export const TRACE_FD = 4

/** One line: a JSON array. Tests are named by vitest's task id. */
export type TraceLine =
  | readonly ['s', id: string]
  /** One try ended. `more`: vitest will try again if this one failed, or repeats it. */
  | readonly [
      'e',
      id: string,
      state: TraceState,
      durationMs: number,
      retries: number,
      more: boolean,
      errors?: unknown[],
    ]

type TraceState = 'pass' | 'fail' | 'skip'

export interface TracedTest {
  readonly state: TraceState | 'running'
  readonly durationMs: number
  readonly retries: number
  readonly errors: readonly unknown[]
}

/** What a trace says of each test, by task id: how it ended, or that it was running. A torn last line is left out. */
export function readTrace(text: string): Map<string, TracedTest> {
  const tests = new Map<string, TracedTest>()
  for (const line of text.split('\n')) {
    const entry = parseLine(line)
    if (!entry) continue
    if (entry[0] === 's') {
      tests.set(entry[1], { state: 'running', durationMs: 0, retries: 0, errors: tests.get(entry[1])?.errors ?? [] })
      continue
    }
    const [, id, state, durationMs, retries, more, errors = []] = entry
    tests.set(id, { state: more ? 'running' : state, durationMs, retries, errors })
  }
  return tests
}

function parseLine(line: string): TraceLine | null {
  try {
    const entry: unknown = JSON.parse(line)
    return Array.isArray(entry) ? (entry as unknown as TraceLine) : null
  } catch {
    return null
  }
}
