import { existsSync } from 'node:fs'
import path from 'node:path'
import type { ProcessMark } from '../core/events.ts'
import { foldAll, type Missing, type RunRecord } from '../core/record.ts'
import { continued, settle } from '../core/settle.ts'
import { scanJournal } from './journal.ts'

/** What the journals of a run say. */
export interface ReadRun {
  /** The run with everything that it continues, settled: what reports are made of. */
  readonly whole: RunRecord
  /** The run alone: what its own timings are taken from. */
  readonly own: RunRecord
  readonly notes: readonly string[]
  /** The process that wrote the journal; null when it does not say. */
  readonly writer: ProcessMark | null
  /** Whether the journal has an end. */
  readonly ended: boolean
  /** The ids of the runs that it continues, as far as they are known. */
  readonly continues: readonly string[]
}

/** Finds the folder of a run by its id, where it is not beside the one that continues it; null: nowhere. */
export type FindFolder = (run: string) => string | null

/**
 * Reads a run from its folder, and from the folders beside it the runs that it continues. Whatever is damaged or not
 * there is named in `missing` of the record: such a run is incomplete.
 */
export function readRun(folder: string, elsewhere: FindFolder = () => null): ReadRun {
  return readChain(path.resolve(folder), elsewhere, new Set())
}

function readChain(folder: string, elsewhere: FindFolder, seen: Set<string>): ReadRun {
  seen.add(folder)
  const { events, notes, damage } = scanJournal(path.join(folder, 'journal.ndjson'))
  const folded = foldAll(events)
  const writer = folded.meta?.process ?? null
  const ended = folded.exitCode !== null
  const missing = damage.map((message): Missing => ({ kind: 'journal', message }))
  const own = settle(folded, missing)
  const earlier = folded.meta?.continues
  if (earlier === undefined) return { whole: own, own, notes, writer, ended, continues: [] }

  const beside = path.join(path.dirname(folder), path.basename(earlier))
  const place = existsSync(path.join(beside, 'journal.ndjson')) ? beside : elsewhere(earlier)
  if (place !== null && !seen.has(place)) {
    const before = readChain(place, elsewhere, seen)
    const continues = [earlier, ...before.continues]
    const whole = settle(continued(before.whole, settleLater(folded, own)))
    return { whole, own, notes: [...before.notes, ...notes], writer, ended, continues }
  }
  const message = `the run ${earlier}, which this one continues, is not there: its results are missing`
  const whole = settle(folded, [...missing, { kind: 'run', message }])
  return { whole, own, notes, writer, ended, continues: [earlier] }
}

/** The run as it is before it has an exit code, if it has none: settling is for the whole. */
function settleLater(folded: RunRecord, own: RunRecord): RunRecord {
  return { ...own, missing: own.missing.filter(({ kind }) => kind !== 'killed'), exitCode: folded.exitCode }
}
