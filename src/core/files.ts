import { existsSync, mkdirSync, readdirSync, statSync, type Stats } from 'node:fs'
import path from 'node:path'

/** What rooms ask of the file system in one way. */

/** Where the system shows a process its own descriptors: `merge <(curl ...)` names a pipe that somebody writes. */
const DESCRIPTORS = /^\/(?:dev\/(?:fd\/\d+|stdin)|proc\/self\/fd\/\d+)$/

/**
 * Why a path must not be read to its end: a named pipe waits for a writer that may never come, and cannot be interrupted;
 * a device may have no end. null: it is a file, a folder (which refuses by itself), or a descriptor of this process.
 */
export function notPlain(file: string, stats: Pick<Stats, 'isFile' | 'isDirectory'>): string | null {
  return stats.isFile() || stats.isDirectory() || DESCRIPTORS.test(file) ? null : 'it is a pipe or a device, not a file'
}

/** Makes a folder, with everything above it. Not Node's own way, which never comes back where none can be made (/proc). */
export function makeFolder(place: string): void {
  const above = path.dirname(place)
  if (!existsSync(above)) makeFolder(above)
  try {
    mkdirSync(place)
  } catch (error) {
    if (!statSync(place, { throwIfNoEntry: false })?.isDirectory()) throw error
  }
}

/** The names in a folder; none where there is no folder, or one that may not be listed. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
