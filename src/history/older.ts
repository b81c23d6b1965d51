import { unescape } from './names.ts'
import { FAILED, packMs, packSamples, packTests, PASSED_AGAIN, type Sample, type TestColumns } from './samples.ts'

/** How versions 1 and 2 packed the past of a file, made into what it is now. */

const OUTCOMES: Readonly<Record<string, Sample['outcome']>> = {
  P: 'passed',
  A: 'again',
  F: 'failed',
  T: 'timed-out',
  C: 'crashed',
}

/** Of "3P1a4 5F2c": run and ms to base 36, with the outcome's capital between them. */
export function olderSamples(packed: string): string {
  const samples = packed.split(' ').flatMap((text): Sample[] => {
    const at = text.search(/[A-Z]/)
    const outcome = OUTCOMES[text.charAt(at)]
    const run = Number.parseInt(text.slice(0, at), 36)
    const ms = Number.parseInt(text.slice(at + 1), 36)
    return outcome === undefined || Number.isNaN(run) || Number.isNaN(ms) ? [] : [{ run, outcome, ms }]
  })
  return packSamples(samples)
}

/** Of "name|a,,c|other|F": ms to base 36, `F` for a failure, `A` for a pass after one. */
export function olderTests(packed: string): string {
  const columns: TestColumns = new Map()
  const parts = packed.split('|')
  for (let i = 0; i + 1 < parts.length; i += 2) {
    columns.set(unescape(parts[i]!), parts[i + 1]!.split(',').map(olderPlace))
  }
  return packTests(columns)
}

function olderPlace(place: string): string {
  if (place === 'F') return FAILED
  if (place === 'A') return PASSED_AGAIN
  const ms = Number.parseInt(place, 36)
  return Number.isNaN(ms) ? '' : packMs(ms)
}
