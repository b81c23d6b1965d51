import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** A process of this machine; memory that it holds in kB. */
export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly residentKb: number
  readonly command: string
}

/** All processes, as `ps` lists them. */
export async function processes(): Promise<readonly ProcessEntry[]> {
  const { stdout } = await promisify(execFile)('ps', ['-ax', '-o', 'pid=,ppid=,rss=,args='], { maxBuffer: 16_000_000 })
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, resident, command] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    if (command === undefined) return []
    return [{ pid: Number(pid), parent: Number(parent), residentKb: Number(resident), command }]
  })
}
