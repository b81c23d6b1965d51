import { constants } from 'node:os'
import { unreachable } from '../../core/ending.ts'
import type { ErrorRecord } from '../../core/events.ts'
import type { FileStop, JUnitReading } from '../../core/ports.ts'
import { engineError } from '../errors.ts'
import type { Exit } from '../group-process.ts'

/** pytest ends with it when it has collected no test; then the report holds none, which says it better. */
const PYTEST_NO_TESTS = 5
/** Shells and wrappers add this to the number of the signal that ended what they ran. */
const SIGNAL_BASE = 128

/** What is known of a file whose process is gone. */
export interface Ended {
  readonly exit: Exit
  /** The run asked for its end: what it said of itself does not count. */
  readonly killed: boolean
  readonly report: Omit<JUnitReading, 'cases'>
  readonly tests: number
  readonly failed: number
}

/** How a file stopped, by how its command ended and what its report says. */
export function stopOf({ exit, killed, report, tests, failed }: Ended): FileStop {
  const { exitCode, outOfMemory, spawnError } = exit
  // With a whole report it is a number like others: mocha counts its failures with it.
  const signal = exit.signal ?? (report.state === 'whole' ? null : signalBehind(exitCode))
  const died = (errors: readonly ErrorRecord[]): FileStop => {
    return { kind: 'died', exitCode: signal === null ? exitCode : null, signal, outOfMemory, running: [], errors }
  }
  if (spawnError) return died([engineError(`The command could not be started: ${spawnError.message}`)])
  if (killed) return died([])
  // The signal says it all.
  if (signal !== null) return died([])
  const lacking = whatIsWrong(report)
  if (lacking !== null) {
    const errors = [engineError(`The command ended with ${inWords(exitCode)}; ${lacking}`)]
    return exitCode === 0 ? { kind: 'completed', errors } : died(errors)
  }
  const isExplained = exitCode === 0 || failed > 0 || (tests === 0 && exitCode === PYTEST_NO_TESTS)
  if (isExplained) return { kind: 'completed', errors: [] }
  const held = tests === 0 ? 'its report holds no test' : 'no test in its report has failed'
  return { kind: 'completed', errors: [engineError(`The command ended with ${inWords(exitCode)}, and ${held}.`)] }
}

function whatIsWrong({ state, problem }: Ended['report']): string | null {
  switch (state) {
    case 'whole':
      return null
    case 'partial':
      return `its JUnit report is damaged (${problem ?? 'nothing in it can be read'}): only what could be read of it is here.`
    case 'missing':
      return `it left no JUnit report where {junit} says (${problem ?? 'nothing is there'}).`
    default:
      return unreachable(state)
  }
}

function inWords(exitCode: number | null): string {
  if (exitCode === 127) return 'exit code 127 (the shell did not find a command)'
  if (exitCode === 126) return 'exit code 126 (the shell could not execute a command)'
  return `exit code ${exitCode}`
}

/** @internal for tests */
export function signalBehind(exitCode: number | null): string | null {
  if (exitCode === null || exitCode <= SIGNAL_BASE) return null
  const number = exitCode - SIGNAL_BASE
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null
}
