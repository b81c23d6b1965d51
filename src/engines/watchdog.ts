import { spawn } from 'node:child_process'

/**
 * Reads from a pipe that the kernel closes when we die, however that happens; then ends every process whose environment
 * holds the mark, until none is left, for 5 s at most. Linux only: elsewhere there is no /proc, and nothing is found.
 */
const SCRIPT = `
while read -r _; do :; done
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
  found=
  for file in $(grep -lsF -- "$1" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    kill -9 "\${pid%/environ}" 2>/dev/null && found=1
  done
  [ -n "$found" ] || exit 0
  sleep 0.2
done
`

/**
 * Sees to it that nothing of ours survives this process, also when it is killed and cannot clean up: a worker in an
 * endless loop does not see that its parent is gone, and a daemon has no parent.
 *
 * @param mark the run's; it is in no process that is not ours
 * @returns stops the watchdog: everything has been ended
 */
export function startWatchdog(mark: string): () => void {
  const watchdog = spawn('sh', ['-c', SCRIPT, 'tiershard-watchdog', mark], {
    detached: true,
    env: { PATH: process.env['PATH'] },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a shell there is none; host and workers still end when their IPC channels close.
  watchdog.on('error', () => {})
  watchdog.stdin.on('error', () => {})
  watchdog.unref()
  return () => void watchdog.kill('SIGKILL')
}
