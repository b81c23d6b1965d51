import type { Event, Stamped } from '../core/events.ts'
import type { JournalSink } from '../core/ports.ts'
import { startFold, type RunRecord } from '../core/record.ts'
import { hideSecrets, secretForms } from '../core/secrets.ts'

/** The one writer of truth: every fact of a run goes through {@link Ledger.emit}, and nothing else counts anything. */
export interface Ledger {
  readonly record: RunRecord
  /** Stamps an event, appends it to the journal, folds it into the record and shows it to the listeners; synchronous. */
  emit(event: Event): void
  /** From now on this password appears in no event: test code may print or throw the URL it was given. */
  conceal(password: string | null): void
}

/** Sees every event after it has been written and folded. */
export type Listener = (event: Stamped, record: RunRecord) => void

/**
 * @param listeners a listener that throws is left out from then on, and cannot stop the others or the run
 */
export function openLedger(sink: JournalSink, listeners: readonly Listener[], now: () => number = Date.now): Ledger {
  const { record, fold } = startFold()
  const listening = new Set(listeners)
  const secrets = new Set<string>()
  return {
    record,
    conceal(password) {
      for (const form of password ? secretForms(password) : []) secrets.add(form)
    },
    emit(event) {
      const { line, stamped } = write({ at: now(), ...event }, secrets)
      sink.append(line)
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

function write(event: Stamped, secrets: ReadonlySet<string>): { line: string; stamped: Stamped } {
  const line = JSON.stringify(event)
  if (![...secrets].some((secret) => line.includes(JSON.stringify(secret).slice(1, -1))))
    return { line, stamped: event }
  const masked = JSON.stringify(event, (_, value: unknown) =>
    typeof value === 'string' ? hideSecrets(value, secrets) : value,
  )
  return { line: masked, stamped: JSON.parse(masked) as Stamped }
}
