import { gaps, type Gap } from '../core/completeness.ts'
import { unreachable } from '../core/ending.ts'
import type { RunRecord } from '../core/record.ts'
import { plural } from './format.ts'
import { endingWords } from './words.ts'

/** Something without a result, in plain text: where it is, and what is known. */
export interface MissingLine {
  /** The file's id; null: the run itself. */
  readonly file: string | null
  readonly text: string
}

/** Of the tests of one file so many are named. */
const NAMED = 5

/**
 * What has no result: first what is missing from the run as a whole, then file by file. Files that the infrastructure
 * ended are left out: they stand among the failures, with their cause.
 */
export function missingLines(record: RunRecord): MissingLine[] {
  const byFile = new Map<string, Gap[]>()
  for (const gap of gaps(record)) {
    const key = JSON.stringify([gap.tier, gap.file])
    const known = byFile.get(key)
    if (known) known.push(gap)
    else byFile.set(key, [gap])
  }
  return [
    ...record.missing.map(({ message }) => ({ file: null, text: message })),
    ...[...byFile.values()].flatMap((list) => ofFile(list) ?? []),
  ]
}

function ofFile(list: readonly Gap[]): MissingLine | null {
  const { file, ending, tier } = list[0]!
  switch (ending.kind) {
    case 'infrastructure':
    case 'lease-lost':
      return null
    case 'not-run':
    case 'cancelled':
      return { file, text: endingWords(ending, tier).detail }
    case 'passed':
    case 'failed':
    case 'timed-out':
    case 'crashed':
    case 'no-tests': {
      const names = list.flatMap(({ test }) => test ?? [])
      if (names.length === 0) return { file, text: 'which tests it holds is not known' }
      const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
      return {
        file,
        text: `${plural(names.length, 'test')} without a result: ${names.slice(0, NAMED).join(', ')}${more}`,
      }
    }
    default:
      return unreachable(ending)
  }
}
