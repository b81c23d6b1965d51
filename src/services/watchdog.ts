import { spawn, type ChildProcess } from 'node:child_process'

/**
 * Keeps a list of process groups and what to tell them, from a pipe that the kernel closes when we die, however that
 * happens. Then it tells them, a second later it ends what is left of them, and removes the folder with their secrets. A
 * signal as a word and a group without -- is what dash, bash and busybox all understand.
 */
const SCRIPT = `
live=
while read -r change entry; do
  case $change in
    add) live="$live $entry" ;;
    drop) rest=; for one in $live; do [ "$one" = "$entry" ] || rest="$rest $one"; done; live=$rest ;;
  esac
done
for one in $live; do kill "-\${one#*:}" "-\${one%:*}" 2>/dev/null; done
[ -z "$live" ] || sleep 1
for one in $live; do kill -KILL "-\${one%:*}" 2>/dev/null; done
rm -rf -- "$1"
`

/** Sees to it that no service survives this process, also when it is killed and cannot clean up. One a run. */
export class Watchdog {
  readonly #shell: ChildProcess

  /** @param folder removed in the end */
  constructor(folder: string) {
    this.#shell = spawn('sh', ['-c', SCRIPT, 'tiershard-services', folder], {
      detached: true,
      env: { PATH: process.env['PATH'] },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    // Without a shell there is none.
    this.#shell.on('error', () => {})
    this.#shell.stdin?.on('error', () => {})
    this.#shell.unref()
    const { stdin } = this.#shell as { stdin: { unref?(): void } | null }
    stdin?.unref?.()
  }

  add(group: number, signal: 'TERM' | 'QUIT'): void {
    this.#shell.stdin?.write(`add ${group}:${signal}\n`)
  }

  drop(group: number, signal: 'TERM' | 'QUIT'): void {
    this.#shell.stdin?.write(`drop ${group}:${signal}\n`)
  }

  stop(): void {
    this.#shell.kill('SIGKILL')
  }
}
