import { Writable } from 'node:stream'
import { startFold, type RunRecord } from '../../../src/core/record.ts'
import { createConsole, type Console, type ConsoleOptions } from '../../../src/reports/console/index.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import type { Built } from '../reports/journal-builder.ts'

/** A stream that keeps what is written to it. It is no terminal. */
export class Sink extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

export const noHistory = { file: () => null, test: () => [] }

/** A console for tests: plain, without colours, unless told otherwise. */
export function testConsole(stream: ConsoleOptions['stream'], more: Partial<ConsoleOptions> = {}): Console {
  return createConsole({ stream, env: {}, interactive: false, root: '/nowhere', reportsDir: 'reports', ...more })
}

/** Shows a whole run, event by event, as it would have been seen; returns everything that was written. */
export function replay({ events }: Built, more: Partial<ConsoleOptions> = {}, end = true): string {
  const sink = new Sink()
  const console = testConsole(sink, more)
  const record = show(events, console)
  if (end) console.finish(record, analyseSlow(record, noHistory, 10), ['report.html', 'junit.xml'])
  return sink.text
}

/** Folds and shows events one by one; returns the record. */
export function show(events: Built['events'], console: Console): RunRecord {
  const { record, fold } = startFold()
  for (const event of events) {
    fold(event)
    console.see(event, record)
  }
  return record
}
