/**
 * Every process of a run inherits a mark in its environment, and so does whatever it starts, also outside of its process
 * group. The variable holds one mark for each run around it (a run may be started by a test of another run), separated by
 * spaces; a mark is a path: run, host, worker.
 */
export const MARK = 'TIERSHARD_MARK'

/** The variable's value for a process under `parent`, the value that this process was given. */
export function markBelow(parent: string | undefined, mark: string): string {
  return parent ? `${parent} ${mark}` : mark
}

/** The innermost mark of a value of the variable. */
export function ownMark(value: string | undefined): string {
  return value?.split(' ').at(-1) ?? ''
}
