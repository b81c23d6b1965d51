import type { AttemptRecord, FileRecord, Missing, RunRecord, TierRecord } from './record.ts'
import { exitCode, firstExitCode } from './verdict.ts'

/**
 * The record of a journal to which nothing will be added any more: a run without an end was killed, and every record has
 * an exit code. What the run itself said of its end stands, unless what is left of the journal says worse.
 *
 * @param missing what its reader knows to be missing
 */
export function settle(record: RunRecord, missing: readonly Missing[] = []): RunRecord {
  const killed: readonly Missing[] =
    record.exitCode === null ? [{ kind: 'killed', message: 'this run was killed: its journal has no end' }] : []
  const whole = { ...record, missing: [...killed, ...record.missing, ...missing] }
  return { ...whole, exitCode: firstExitCode([exitCode(whole), record.exitCode ?? 0]) }
}

/**
 * A run together with the one that it continues: every planned file once, with the attempts of both, the later ones last.
 * The tiers' ends, the causes and the times are those of the later run, which had the last word on everything that was
 * not done. Its exit code is made again, unless it has none yet.
 *
 * @param before settled
 */
export function continued(before: RunRecord, after: RunRecord): RunRecord {
  const earlier = before.meta?.run ?? 'unknown'
  const names = new Set([...before.tiers.keys(), ...after.tiers.keys()])
  const tiers = new Map<string, TierRecord>()
  for (const name of names) {
    const old = before.tiers.get(name)
    const fresh = after.tiers.get(name)
    tiers.set(name, old && fresh ? bothTiers(old, fresh, earlier) : (fresh ?? carriedTier(old!, earlier)))
  }
  // A death is made good by running what it left undone; a journal that is not whole stays so.
  const missing = [...after.missing, ...before.missing.filter(({ kind }) => kind !== 'killed')]
  const whole = { ...after, server: after.server ?? before.server, tiers, missing }
  return after.exitCode === null ? whole : { ...whole, exitCode: exitCode(whole) }
}

function carriedTier(tier: TierRecord, run: string): TierRecord {
  return { ...tier, files: new Map([...tier.files].map(([id, file]) => [id, carriedFile(file, run)])) }
}

function carriedFile(file: FileRecord, run: string): FileRecord {
  return { ...file, attempts: file.attempts.map((attempt): AttemptRecord => ({ run, ...attempt })) }
}

function bothTiers(old: TierRecord, fresh: TierRecord, run: string): TierRecord {
  const files = new Map<string, FileRecord>()
  for (const [id, file] of old.files) {
    const again = fresh.files.get(id)
    files.set(id, again ? bothFiles(carriedFile(file, run), again) : carriedFile(file, run))
  }
  for (const [id, file] of fresh.files) if (!files.has(id)) files.set(id, file)
  const suites = [...fresh.suites, ...old.suites.filter(({ name }) => !fresh.suites.some((one) => one.name === name))]
  // An error that belongs to no file may have come from any: only a run of all files can speak against it.
  const all = [...old.files.keys()].every((id) => fresh.files.has(id))
  return { ...fresh, suites, files, strayErrors: [...(all ? [] : old.strayErrors), ...fresh.strayErrors] }
}

function bothFiles(old: FileRecord, fresh: FileRecord): FileRecord {
  const attempts = fresh.attempts.map((attempt) => ({ ...attempt, attempt: attempt.attempt + old.attempts.length }))
  const notRun = attempts.length === 0 ? (fresh.notRun ?? { kind: 'not-run' as const, why: 'lost' as const }) : null
  return { plan: fresh.plan, attempts: [...old.attempts, ...attempts], notRun }
}
