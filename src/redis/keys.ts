/** Keys in the control database; acquire.lua knows them as well, for other control databases on the same server. */
export const RECORD_PREFIX = 'tiershard:lease:'
/** Hash of database -> last fence. */
export const FENCES = 'tiershard:fences'

/** The lease record of a database: a hash with owner, fence, run, host, pid, shard, since, expires, open. */
export function recordKey(database: number): string {
  return `${RECORD_PREFIX}${database}`
}
