import { spawn } from 'node:child_process'
import type { Writable } from 'node:stream'

/**
 * Reads folders from a pipe that the kernel closes when we die, however that happens; then ends every process whose
 * environment holds the mark, until none is left, for 5 s at most, and removes the folders. Processes on Linux only:
 * elsewhere there is no /proc, and none is found.
 */
const SCRIPT = `
mark=$1
shift
while IFS= read -r folder; do set -- "$@" "$folder"; done
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
  found=
  for file in $(grep -lsF -- "$mark" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    kill -9 "\${pid%/environ}" 2>/dev/null && found=1
  done
  [ -n "$found" ] || break
  sleep 0.2
done
[ $# -eq 0 ] || rm -rf -- "$@"
`

/** Sees to it that nothing of ours survives this process. */
export interface Watchdog {
  /** A folder of ours that is to go with it; twice is as good as once. */
  add(folder: string): void
  /** Everything has been ended. */
  stop(): void
}

/**
 * Starts one, for when this process is killed and cannot clean up: a worker in an endless loop does not see that its
 * parent is gone, and a daemon has no parent.
 *
 * @param mark the run's; it is in no process that is not ours
 */
export function startWatchdog(mark: string): Watchdog {
  const watchdog = spawn('sh', ['-c', SCRIPT, 'tiershard-watchdog', mark], {
    detached: true,
    env: { PATH: process.env['PATH'] },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a shell there is none; host and workers still end when their IPC channels close.
  watchdog.on('error', () => {})
  // Node leaves it out when no descriptor is left for it.
  const pipe: Writable | undefined = watchdog.stdin
  pipe?.on('error', () => {})
  watchdog.unref()
  const folders = new Set<string>()
  return {
    add(folder) {
      // A line a folder: one with a line break in its name stays.
      if (!folders.has(folder) && !folder.includes('\n')) pipe?.write(`${folder}\n`)
      folders.add(folder)
    },
    stop: () => void watchdog.kill('SIGKILL'),
  }
}
