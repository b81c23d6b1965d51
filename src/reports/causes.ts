import type { Cause } from '../core/ending.ts'
import type { RunRecord } from '../core/record.ts'
import { fileEnding } from '../core/verdict.ts'
import { planned } from './words.ts'

/**
 * What was wrong with the infrastructure, each cause once, as it was said: the causes of the run, then those that only
 * files met. A run that ends with exit code 3 has at least one, unless leases were lost or results could not be kept.
 */
export function distinctCauses(record: RunRecord): Cause[] {
  const met = planned(record).flatMap(({ file }) => {
    const ending = fileEnding(file)
    return ending.kind === 'infrastructure' ? [ending.cause] : []
  })
  return [...new Map([...record.causes, ...met].map((cause) => [`${cause.code} ${cause.message}`, cause])).values()]
}
