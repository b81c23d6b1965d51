import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LeakedProcess } from '../core/events.ts'
import { MARK } from '../core/marks.ts'

/**
 * What a run has started is found by its mark, through /proc, so on Linux only. A program that overwrites its environment
 * (redis-server does, to show its port in `ps`) cannot be found once it has left its group.
 */

const LOOK_MS = 10
const COMMAND_LIMIT = 200

export interface Ours {
  /** A process that carries this mark, or one below it. */
  readonly mark: string
  /** A member of the process group that this process leads, or led; the others were started after it. */
  readonly group: number
}

export interface EndLimits {
  /** How long to wait for processes that are about to end by themselves, before they count as left behind, ms. */
  readonly graceMs: number
  /** Between SIGTERM and SIGKILL, ms; 0: SIGKILL at once. */
  readonly termMs: number
  /** How long to wait for what was killed, ms. */
  readonly killMs: number
}

/**
 * Ends what is left of a group and under a mark: SIGTERM, then SIGKILL. Nothing else is ever touched.
 *
 * @returns what was left after the grace
 */
export async function endOurs(ours: Ours, limits: EndLimits): Promise<LeakedProcess[]> {
  const known = new Set<number>()
  const left = await gone(ours, known, limits.graceMs, null)
  if (left.length === 0) return []
  const leaked = left.map((pid) => ({ pid, command: commandOf(pid) }))
  if (limits.termMs > 0) {
    signal(left, 'SIGTERM')
    if ((await gone(ours, known, limits.termMs, null)).length === 0) return leaked
  }
  await gone(ours, known, limits.killMs, 'SIGKILL')
  return leaked
}

/**
 * Waits until nothing of ours is left, and signals it at every look. Returns what is there at the end.
 *
 * @param known what the last look has seen, kept up to date: a process that ends loses its environment, and the mark in
 *   it, before it is gone
 */
async function gone(ours: Ours, known: Set<number>, limitMs: number, name: 'SIGKILL' | null): Promise<number[]> {
  const until = performance.now() + limitMs
  for (;;) {
    const left = living(ours, known)
    // No longer than that: the number of a process that is gone may be given to a stranger.
    known.clear()
    for (const pid of left) known.add(pid)
    if (name !== null) signal(left, name)
    if (left.length === 0 || performance.now() >= until) return left
    await sleep(LOOK_MS)
  }
}

function signal(pids: readonly number[], name: 'SIGTERM' | 'SIGKILL'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch {
      // It has ended in the meantime.
    }
  }
}

/** Processes of ours that can still run code. The dead whom nobody has reaped do not count. */
function living({ mark, group }: Ours, known: ReadonlySet<number>): number[] {
  if (process.platform !== 'linux') return []
  // Process ids grow, until they begin anew: what is older need not be looked at, which spares most of the work.
  const newest = Number(read('/proc/loadavg').trim().split(' ').at(-1))
  const least = newest >= group ? group : 0
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid < least || pid === process.pid) return []
    if (known.has(pid) || isMarked(entry, mark)) return isDead(stat(entry)) ? [] : [pid]
    const fields = stat(entry)
    return Number(fields[2]) === group && !isDead(fields) ? [pid] : []
  })
}

function isMarked(pid: string, mark: string): boolean {
  const environment = read(`/proc/${pid}/environ`)
  const at = environment.indexOf(`${MARK}=`)
  if (at < 0 || (at > 0 && environment[at - 1] !== '\0')) return false
  const value = environment.slice(at + MARK.length + 1).split('\0', 1)[0]!
  return value.split(' ').some((one) => one === mark || one.startsWith(`${mark}/`))
}

/** State, parent and group. pid (name) state parent group ...; the name may hold anything, parentheses too. */
function stat(pid: string): string[] {
  return read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ', 3)
}

function isDead([state = '']: readonly string[]): boolean {
  return state === '' || state === 'Z' || state === 'X'
}

function commandOf(pid: number): string {
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
  return command.length <= COMMAND_LIMIT ? command : `${command.slice(0, COMMAND_LIMIT)}...`
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Gone, or somebody else's.
    return ''
  }
}
