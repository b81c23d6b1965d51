import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'

/** Makes a named pipe that nobody will ever write: whoever opens it waits, and cannot even be ended in order. */
export function makePipe(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true })
  execFileSync('sh', ['-c', 'mkfifo -- "$1"', 'sh', file])
}
