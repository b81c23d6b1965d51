import type { Event, Stamped } from '../core/events.ts'
import type { JournalSink } from '../core/ports.ts'
import { startFold, type RunRecord } from '../core/record.ts'

/** The one writer of truth: every fact of a run goes through {@link Ledger.emit}, and nothing else counts anything. */
export interface Ledger {
  readonly record: RunRecord
  /** Stamps an event, appends it to the journal, folds it into the record and shows it to the listeners; synchronous. */
  emit(event: Event): void
}

/** Sees every event after it has been written and folded. */
export type Listener = (event: Stamped, record: RunRecord) => void

/**
 * @param listeners a listener that throws is left out from then on, and cannot stop the others or the run
 */
export function openLedger(sink: JournalSink, listeners: readonly Listener[], now: () => number = Date.now): Ledger {
  const { record, fold } = startFold()
  const listening = new Set(listeners)
  return {
    record,
    emit(event) {
      const stamped: Stamped = { at: now(), ...event }
      sink.append(JSON.stringify(stamped))
      fold(stamped)
      for (const listener of listening) {
        try {
          listener(stamped, record)
        } catch (error) {
          listening.delete(listener)
          const message = `a report stopped working and was left out: ${error instanceof Error ? error.message : String(error)}`
          this.emit({ type: 'notice', level: 'warning', code: 'listener-failed', message })
        }
      }
    },
  }
}
