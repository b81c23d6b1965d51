import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** How often to look whether killed processes are gone, ms. */
const LOOK_MS = 2

/** Sends a signal to a process group, if there is one. */
export function signalGroup(leader: number, signal: 'SIGTERM'): void {
  try {
    process.kill(-leader, signal)
  } catch {
    // Nobody is left in it.
  }
}

/** Ends a process group. Says whether there was one (on Linux: even if all of it is zombies). */
export function killGroup(leader: number): boolean {
  try {
    process.kill(-leader, 'SIGKILL')
    return true
  } catch {
    return false
  }
}

/**
 * Ends a process group and waits until nothing of it can run code any more.
 *
 * @param limitMs how long to wait at most; a process in an uninterruptible system call does not die before it returns
 */
export async function sweepGroup(leader: number, limitMs: number): Promise<void> {
  const until = performance.now() + limitMs
  while (killGroup(leader) && hasLiving(leader) && performance.now() < until) await sleep(LOOK_MS)
}

/** Where nobody reaps orphans (a container without an init), the dead stay in their group as zombies: those do not count. */
function hasLiving(leader: number): boolean {
  // Linux only: elsewhere a process group that takes signals is taken to live.
  if (process.platform !== 'linux') return true
  return readdirSync('/proc').some((entry) => {
    if (!/^\d+$/.test(entry)) return false
    // pid (name) state parent group ...; the name may hold anything, parentheses too.
    const [state, , group] = readStat(entry)
      .replace(/^.*\) /s, '')
      .split(' ', 3)
    return Number(group) === leader && state !== 'Z' && state !== 'X'
  })
}

function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return ''
  }
}
