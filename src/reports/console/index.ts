import type { Stamped } from '../../core/events.ts'
import { unreachable } from '../../core/ending.ts'
import type { RunRecord } from '../../core/record.ts'
import { elapsed, printable } from '../format.ts'
import type { SlowReport } from '../slow.ts'
import { endLines } from './end.ts'
import { FailurePrinter } from './failure.ts'
import { liveFrame } from './frame.ts'
import {
  fileLine,
  heartbeatLines,
  isolationLines,
  plannedLine,
  serverLine,
  serviceLines,
  sliceLine,
  startedLine,
  waitingLines,
} from './lines.ts'
import { LiveView } from './live.ts'
import { createPaint, hasColours, type ConsoleStream, type Paint } from './paint.ts'
import { Progress } from './progress.ts'

export type { ConsoleStream } from './paint.ts'

export interface ConsoleOptions {
  /** Everything is written here and nowhere else. */
  readonly stream: ConsoleStream
  /** Read for colours and the kind of terminal only. */
  readonly env: NodeJS.ProcessEnv
  /** Whether to draw a live view; on a stream that is no terminal, or a dumb one, plain lines are written anyway. */
  readonly interactive: boolean
  /** Absolute path of the project: sources are shown from below it only. */
  readonly root: string
  /** The folder that holds the runs, as it is shown to the user; null: no reports are written. */
  readonly reportsDir: string | null
  /** The folder of the reports, where it is not the run's own in `reportsDir`. */
  readonly folder?: string
  /** The clock that stamps the events, ms since 1970. */
  readonly now?: () => number
}

export interface Console {
  /** Shows an event; `record` is the run with this event already folded in. */
  see(event: Stamped, record: RunRecord): void
  /**
   * Ends the live view and prints the end of the run. What comes after this is ignored.
   *
   * @param files the names of the reports that there are
   */
  finish(record: RunRecord, slow: SlowReport, files: readonly string[]): void
  /** Ends the live view at once and prints nothing more: for a process that is about to exit without an end of the run. */
  interrupt(): void
}

/** When nothing has ended for so long, plain output says what is going on. CI services end silent jobs. */
const HEARTBEAT_MS = 30_000

/** Shows a run to people as it happens: a live view on a terminal, plain lines elsewhere. Synchronous throughout. */
export function createConsole(options: ConsoleOptions): Console {
  return new RunConsole(options)
}

class RunConsole implements Console {
  readonly #stream: ConsoleStream
  readonly #paint: Paint
  readonly #failures: FailurePrinter
  readonly #reportsDir: string | null
  readonly #folder: string | null
  readonly #now: () => number
  readonly #live: boolean
  readonly #progress = new Progress()
  readonly #said = new Set<string>()
  #view: LiveView | null = null
  #heartbeat: NodeJS.Timeout | null = null
  #waitingSince: number | null = null
  #record: RunRecord | null = null
  #over = false

  constructor({ stream, env, interactive, root, reportsDir, folder, now = Date.now }: ConsoleOptions) {
    this.#stream = stream
    this.#paint = createPaint(stream, env)
    this.#failures = new FailurePrinter({ root, paint: this.#paint, colours: hasColours(stream, env) })
    this.#reportsDir = reportsDir
    this.#folder = folder ?? null
    this.#now = now
    this.#live = interactive && stream.isTTY === true && env['TERM'] !== 'dumb'
    // A reader that goes away (`tiershard run | head`) must not end the run: the reports are still written.
    stream.on('error', () => this.interrupt())
  }

  see(event: Stamped, record: RunRecord): void {
    if (this.#over) return
    this.#record = record
    this.#progress.see(event, record)
    this.#follow(event)
    const lines = this.#lines(event, record)
    if (lines.length > 0) this.#print(lines)
    this.#view?.touch()
  }

  finish(record: RunRecord, slow: SlowReport, files: readonly string[]): void {
    if (this.#over) return
    this.#close()
    this.#view?.stop()
    this.#view = null
    const run = record.meta?.run
    const own = this.#reportsDir === null || run === undefined ? null : `${this.#reportsDir}/${run}`
    const folder = this.#folder ?? own
    const width = this.#stream.columns ?? 100
    this.#print(endLines(record, slow, { paint: this.#paint, width, folder, files }))
    this.#over = true
  }

  interrupt(): void {
    if (this.#over) return
    this.#over = true
    this.#close()
    this.#view?.freeze()
  }

  #close(): void {
    if (this.#heartbeat) clearTimeout(this.#heartbeat)
    this.#heartbeat = null
  }

  /** Starts and stops what runs by the clock: the live view, or the heartbeat. */
  #follow(event: Stamped): void {
    if (this.#live) {
      if (event.type === 'tier-started')
        this.#view ??= new LiveView(this.#stream, (columns, rows) => this.#safely(() => this.#frame(columns, rows), []))
      return
    }
    if (event.type === 'lease-waiting') this.#waitingSince = event.at
    else if (event.type === 'lease-granted' || event.type === 'infrastructure') this.#waitingSince = null
    if (event.type === 'lease-waiting' || event.type === 'tier-started' || event.type === 'file-ended') {
      if (this.#heartbeat) this.#heartbeat.refresh()
      else this.#heartbeat = setTimeout(() => this.#safely(() => this.#beat(), undefined), HEARTBEAT_MS).unref()
    } else if (event.type === 'tier-ended') {
      this.#close()
    }
  }

  /** A mistake in what is drawn by the clock costs the picture, never the run: nobody could catch it elsewhere. */
  #safely<T>(work: () => T, otherwise: T): T {
    try {
      return work()
    } catch (error) {
      this.interrupt()
      const message = error instanceof Error ? error.message : String(error)
      this.#stream.write(`${this.#warning(`the console stopped working (${message}); the reports are not affected`)}\n`)
      return otherwise
    }
  }

  #beat(): void {
    const now = this.#now()
    const view = this.#record && this.#progress.snapshot(this.#record, now)
    if (this.#waitingSince !== null) {
      this.#print([`still waiting for a free Redis database after ${elapsed(now - this.#waitingSince)}`])
    } else if (view) {
      this.#print(heartbeatLines(view, now - this.#progress.lastEnd))
    }
    this.#heartbeat?.refresh()
  }

  #frame(columns: number, rows: number): string[] {
    const view = this.#record && this.#progress.snapshot(this.#record, this.#now())
    return view ? liveFrame(view, columns, rows, this.#paint) : []
  }

  #print(lines: readonly string[]): void {
    const text = `${lines.join('\n')}\n`
    if (this.#view) this.#view.print(text)
    else this.#stream.write(text)
  }

  #lines(event: Stamped, record: RunRecord): string[] {
    switch (event.type) {
      case 'tier-planned': {
        const tier = record.tiers.get(event.tier)
        return tier ? [plannedLine(record, tier, this.#paint)] : []
      }
      case 'server-ready':
        return [serverLine(event.server), ...isolationLines(event.server)]
      case 'service-ready':
        return serviceLines(event, record)
      case 'lease-waiting':
        return waitingLines(event.holders, event.limitMs)
      case 'tier-started': {
        const line = startedLine(record, event)
        return line === null ? [] : [line]
      }
      case 'test-ended':
        return this.#failures.test(event, record)
      case 'file-ended': {
        const line = this.#live ? null : fileLine(event, record, this.#paint)
        return [...this.#failures.file(event, record), ...(line === null ? [] : [line])]
      }
      case 'lease-lost':
        return [this.#warning(`shard ${event.shard} lost its database ${event.database}: ${event.message}`)]
      case 'tier-ended':
        return event.end === 'deadline'
          ? [this.#warning(`tier ${event.tier}: the deadline has come, what ran was ended`)]
          : []
      case 'notice':
        return this.#once(event.level === 'warning' ? this.#warning(event.message) : printable(event.message))
      case 'infrastructure':
        return this.#failures.cause(event.cause)
      case 'dispatch-paused':
        return [
          ...this.#failures.cause(event.cause),
          this.#warning(`no file starts until Redis is fit again, for at most ${elapsed(event.limitMs)}`),
        ]
      case 'dispatch-resumed':
        return [`Redis is fit again after ${elapsed(event.pausedMs)}; files that it spoiled run again at the end`]
      case 'stray-error':
        return this.#failures.stray(event.error, event.tier)
      case 'interrupted':
        return [this.#warning(`${event.signal}: ending what runs; once more ends at once`)]
      case 'run-started':
        return event.slice ? [sliceLine(event.slice)] : []
      case 'lease-granted':
      case 'lease-released':
      case 'file-started':
      case 'file-collected':
      case 'file-output':
      case 'file-cleaned':
      case 'file-leaked':
      case 'server-sampled':
      case 'run-ended':
        return []
      default:
        return unreachable(event)
    }
  }

  #warning(message: string): string {
    return `${this.#paint('yellow', '! warning')}: ${printable(message)}`
  }

  #once(line: string): string[] {
    if (this.#said.has(line)) return []
    this.#said.add(line)
    return [line]
  }
}
