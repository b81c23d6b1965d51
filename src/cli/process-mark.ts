import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import process from 'node:process'
import type { ProcessMark } from '../core/events.ts'

/** The mark of this process. */
export function ownMark(): ProcessMark {
  return {
    host: hostname(),
    pid: process.pid,
    boot: orNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: orNull(() => readlinkSync('/proc/self/ns/pid')),
    startTicks: startTicks(process.pid),
  }
}

/**
 * Whether the process of a mark is still there. `unknown`: it belongs to another machine or container, whose processes
 * cannot be seen from here.
 */
export function presence(mark: ProcessMark): 'alive' | 'gone' | 'unknown' {
  const here = ownMark()
  if (mark.host !== here.host) return 'unknown'
  if (mark.boot !== null && here.boot !== null && mark.boot !== here.boot) return 'gone'
  if (mark.namespace !== here.namespace) return 'unknown'
  if (!exists(mark.pid)) return 'gone'
  // A number that was given to another process. Without /proc (macOS) the number is all there is.
  const ticks = startTicks(mark.pid)
  return mark.startTicks !== null && ticks !== mark.startTicks ? 'gone' : 'alive'
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It is there, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The start of a process in clock ticks since the boot (proc_pid_stat(5), field 22); Linux only, null elsewhere, and for a zombie. */
function startTicks(pid: number): string | null {
  return orNull(() => {
    // The second field is the name in brackets, and may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  })
}

function orNull<T>(read: () => T | null): T | null {
  try {
    return read()
  } catch {
    return null
  }
}
