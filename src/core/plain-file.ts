import type { Stats } from 'node:fs'

/** Where the system shows a process its own descriptors: `merge <(curl ...)` names a pipe that somebody writes. */
const DESCRIPTORS = /^\/(?:dev\/(?:fd\/\d+|stdin)|proc\/self\/fd\/\d+)$/

/**
 * Why a path must not be read to its end: a named pipe waits for a writer that may never come, and cannot be interrupted;
 * a device may have no end. null: it is a file, a folder (which refuses by itself), or a descriptor of this process.
 */
export function notPlain(file: string, stats: Pick<Stats, 'isFile' | 'isDirectory'>): string | null {
  return stats.isFile() || stats.isDirectory() || DESCRIPTORS.test(file) ? null : 'it is a pipe or a device, not a file'
}
