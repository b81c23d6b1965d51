import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { outsideEnvironment } from '../suites/support/processes/environment.ts'

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

export interface Cost {
  readonly wallMs: number
  /** User and system time of the command and all of its descendants that were waited for, ms. */
  readonly cpuMs: number
}

/**
 * `times` of the POSIX shell: its second line is the CPU time of the shell's children and theirs, all the way down,
 * which Node's own resourceUsage() does not give. It goes to a descriptor of its own, away from the command's output.
 */
const ACCOUNT = '"$@"; code=$?; times >&3; exit $code'

/** Runs commands side by side, as one measured whole. Throws if one of them fails: there is nothing to compare then. */
export async function cost(...commands: Command[]): Promise<Cost> {
  const startedAt = performance.now()
  const cpus = await Promise.all(
    commands.map(async ({ program, args, cwd, env }) => {
      const child = spawn('sh', ['-c', ACCOUNT, 'sh', program, ...args], {
        cwd,
        env: { ...outsideEnvironment(), ...env },
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      })
      const [, , , account] = child.stdio
      if (!account || !('readable' in account) || !child.stdout || !child.stderr) throw new Error('no pipes')
      const [output, errors, times, [code]] = (await Promise.all([
        text(child.stdout),
        text(child.stderr),
        text(account as NodeJS.ReadableStream),
        once(child, 'close'),
      ])) as [string, string, string, [number | null]]
      if (code !== 0) throw new Error(`${[program, ...args].join(' ')} ended with ${code}\n${output}${errors}`)
      return cpuOfChildren(times)
    }),
  )
  return { wallMs: performance.now() - startedAt, cpuMs: cpus.reduce((sum, cpu) => sum + cpu, 0) }
}

/** "0m0.00s 0m0.00s\n0m1.23s 0m0.45s": the second line, user and system, ms. */
function cpuOfChildren(times: string): number {
  const line = times.trim().split('\n')[1] ?? ''
  const parts = [...line.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => +minutes! * 60_000 + +seconds! * 1_000,
  )
  if (parts.length !== 2) throw new Error(`cannot read the shell's times: ${times}`)
  return parts[0]! + parts[1]!
}

/**
 * Highest memory of the commands' process trees together, bytes; 0 where there is no /proc (anything but Linux). Shared
 * pages count once (proportional set size). Sampling costs CPU: take the time of other runs.
 */
export async function peakMemory(...commands: Command[]): Promise<number> {
  if (process.platform !== 'linux') return 0
  const children = commands.map(({ program, args, cwd, env }) =>
    spawn(program, args, { cwd, env: { ...outsideEnvironment(), ...env }, stdio: 'ignore' }),
  )
  const roots = children.map((child) => child.pid!)
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, memoryOf(roots))
  }, 200)
  await Promise.all(children.map((child) => once(child, 'close')))
  clearInterval(timer)
  return peak
}

function memoryOf(roots: readonly number[]): number {
  const childrenOf = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    // "pid (name) state ppid ...": the name may hold anything, parentheses too.
    const parent = Number(/.*\) \S (\d+)/s.exec(read(`/proc/${entry}/stat`))?.[1])
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(entry)])
  }
  let bytes = 0
  const queue = [...roots]
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    bytes += 1_024 * Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0)
    queue.push(...(childrenOf.get(pid) ?? []))
  }
  return bytes
}

/** '' for a process that has just ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Measures several ways of doing the same in turns, so that a busy moment of the machine meets all of them. */
export async function alternate<Name extends string>(
  rounds: number,
  ways: Readonly<Record<Name, () => Promise<Cost>>>,
): Promise<Record<Name, Cost>> {
  const names = Object.keys(ways) as Name[]
  const costs = new Map<Name, Cost[]>(names.map((name) => [name, []]))
  for (const name of names) await ways[name]() // warms file caches and transform caches; not counted
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) costs.get(name)!.push(await ways[name]())
  }
  const middle = (list: readonly Cost[]): Cost => ({
    wallMs: median(list.map((one) => one.wallMs)),
    cpuMs: median(list.map((one) => one.cpuMs)),
  })
  return Object.fromEntries(names.map((name) => [name, middle(costs.get(name)!)])) as Record<Name, Cost>
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}
