import { copyFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import type { PlannedFile } from '../../core/events.ts'
import type { Desk, FileStop, JUnitReading, ReadJUnit, Seat } from '../../core/ports.ts'
import type { CommandSuite } from '../../core/settings.ts'
import { withSeat } from '../environment.ts'
import { engineError } from '../errors.ts'
import { GroupProcess, type Exit } from '../group-process.ts'
import { MARK, ownMark } from '../../core/marks.ts'
import { limitedOutput } from '../output.ts'
import { Lines } from './lines.ts'
import type { Shell } from './shell.ts'
import { testsOf } from './tests.ts'
import { stopOf } from './verdict.ts'

export interface AttemptParts {
  readonly file: PlannedFile
  readonly suite: CommandSuite
  readonly seat: Seat
  readonly desk: Desk
  readonly shell: Shell
  readonly readJUnit: ReadJUnit
  readonly root: string
  readonly bash: string
  /** Holds the mark of this attempt. */
  readonly env: NodeJS.ProcessEnv
  /** An existing folder. */
  readonly scratch: string
  readonly testName: string | null
}

/** One process that runs one file, from its start to the verdict of its report. */
export class Attempt {
  readonly #parts: AttemptParts
  #process: GroupProcess | null = null
  /** Asked for before there was a process. */
  #wanted: 'now' | 'soon' | null = null
  /** The report as it was when the run asked for the end; what is written after that does not count. */
  #frozen: string | null = null
  #folder = ''

  constructor(parts: AttemptParts) {
    this.#parts = parts
  }

  /** Resolves when the process is gone and everything of the attempt has been reported. */
  async run(): Promise<void> {
    const { file, seat, desk } = this.#parts
    desk.started(file.id, seat)
    let stop: FileStop
    try {
      stop = await this.#execute()
    } catch (error) {
      // Not the file's fault: no descriptor is left, or the scratch folder is gone.
      const why = engineError(`The command could not be run: ${(error as Error).message}`)
      stop = { kind: 'died', exitCode: null, signal: null, outOfMemory: false, running: [], errors: [why] }
    }
    desk.stopped(file.id, stop)
    if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true }).catch(() => {})
  }

  /** SIGTERM to the process and what it has started, and soon after SIGKILL; `now`: SIGKILL at once. */
  kill(how?: 'now'): void {
    if (this.#process === null || !this.#process.alive) {
      this.#wanted = how ?? this.#wanted ?? 'soon'
      return
    }
    this.#freeze()
    this.#process.end(how)
  }

  async #execute(): Promise<FileStop> {
    const { file, suite, seat, desk, shell, root, bash, env, scratch, testName } = this.#parts
    this.#folder = await mkdtemp(path.join(scratch, 'command-'))
    const values = { file: file.path, junit: this.#junit, testName, shard: String(seat.shard) }
    const lines = new Lines(limitedOutput((stream, text) => desk.output(file.id, stream, text)))
    const child = shell(suite.run, values, { cwd: root, env: withSeat(env, seat), bash })
    this.#process = new GroupProcess(child, ownMark(env[MARK]), (stream, text) => lines.push(stream, text))
    if (this.#wanted !== null) this.kill(this.#wanted === 'now' ? 'now' : undefined)
    const exit = await this.#process.ended
    lines.flush()
    return this.#conclude(exit)
  }

  async #conclude(exit: Exit): Promise<FileStop> {
    const { file, desk, readJUnit } = this.#parts
    if (exit.leaked.length > 0) desk.leaked(file.id, exit.leaked)
    const killed = this.#frozen !== null
    const { cases, ...report }: JUnitReading = await readJUnit(this.#frozen ?? this.#junit, `${this.#junit}.plain`)
    const { collected, results } = testsOf(cases, file.path)
    if (collected.length > 0 || report.state === 'whole') desk.collected(file.id, collected)
    for (const result of results) desk.tested(file.id, result)
    if (!killed) {
      for (const difference of report.differences) {
        desk.output(file.id, 'stderr', `[tiershard: in the JUnit report, ${difference}]\n`)
      }
    }
    const failed = results.filter(({ outcome }) => outcome === 'failed').length
    return stopOf({ exit, killed, report, tests: collected.length, failed })
  }

  get #junit(): string {
    return path.join(this.#folder, 'junit.xml')
  }

  #freeze(): void {
    if (this.#frozen !== null) return
    this.#frozen = `${this.#junit}.frozen`
    try {
      // A pipe would hold everything up, and a device has no end.
      if (statSync(this.#junit).isFile()) copyFileSync(this.#junit, this.#frozen)
    } catch {
      // There is none yet, or no room for a copy: then the report is not there, which is said.
    }
  }
}
