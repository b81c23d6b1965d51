import type { ChildProcess } from 'node:child_process'
import { once, type EventEmitter } from 'node:events'
import { inTime } from './limit.ts'

/**
 * What a child process says first: the values of an event of its own, or of a stream of it. Rejects when the process ends
 * without having said anything, which would otherwise be waited for until the test is over.
 */
export async function firstOf(child: ChildProcess, event: string, from: EventEmitter = child): Promise<unknown[]> {
  const over = new AbortController()
  // After its last output, so that a word that came before the end is heard before it.
  const ended = once(child, 'close', over).then((how): never => {
    throw new Error(`it ended without a word (exit code, signal): ${how.map(String).join()}`)
  })
  try {
    return await inTime(
      () => `${event} of ${child.spawnargs.join(' ')}`,
      Promise.race([once(from, event, over), ended]),
    )
  } finally {
    over.abort()
  }
}
