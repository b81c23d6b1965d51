import type { PlannedFile, QuarantineEntry } from './events.ts'

/** Whether an entry names this test: by its full name, or by that of a group around it. */
export function namesTest(entry: Pick<QuarantineEntry, 'test'>, test: string): boolean {
  if (entry.test === null) return true
  // A name that comes again in its file carries a number.
  const plain = test.replace(/ #\d+$/, '')
  return [test, plain].some((name) => name === entry.test || name.startsWith(`${entry.test} > `))
}

/**
 * The entry that excuses a failure; null when none does. An entry with a name excuses tests only; one without, the file
 * itself and whatever is in it. An expired entry excuses nothing.
 *
 * @param test null: the file itself
 */
export function excuse(plan: PlannedFile, test: string | null): QuarantineEntry | null {
  const valid = (plan.quarantine ?? []).filter((entry) => !entry.expired)
  return valid.find((entry) => entry.test === null || (test !== null && namesTest(entry, test))) ?? null
}

/** Whether the last day of an entry is over. */
export function isExpired(until: string, now: Date): boolean {
  return now.toISOString().slice(0, 10) > until
}
