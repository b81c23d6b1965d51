import type { RunRecord } from '../../core/record.ts'
import { printable } from '../format.ts'
import { quarantined } from '../known.ts'
import { stressReport } from '../stress.ts'
import type { PageHead } from './data.ts'

/** So many files are shown with their rates, the worst, and of each so many tests. */
const FILES = 500
const TESTS = 50

/**
 * Failures that do not count, and the rates of a stress run.
 *
 * @param place of a file in the page
 */
export function pageKnown(
  record: RunRecord,
  place: (tier: string, file: string) => number,
): Pick<PageHead, 'quarantined' | 'stress'> {
  const stress = stressReport(record)
  return {
    quarantined: quarantined(record).map(({ tier, file, test, until, entry, reason, message }) => ({
      file: place(tier, file),
      test: test === null ? null : printable(test),
      until,
      entry,
      reason: printable(reason),
      message: printable(message),
    })),
    stress: stress && {
      total: stress.total,
      fileCount: stress.files.length,
      files: stress.files
        .toSorted((a, b) => b.rate - a.rate)
        .slice(0, FILES)
        .map(({ tier, file, tests, ...rate }) => ({
          file: place(tier, file),
          ...rate,
          tests: tests.slice(0, TESTS).map(({ test, ...rateOfTest }) => ({ test: printable(test), ...rateOfTest })),
          testCount: tests.length,
        })),
    },
  }
}
