import { createReadStream } from 'node:fs'
import type { RunRecord } from '../core/record.ts'
import { countRun } from '../core/verdict.ts'

/** What is counted in a report; `bad` are failures and errors together, which `Counts` tell apart in another way. */
interface Tally {
  tests: number
  bad: number
  skipped: number
}

/**
 * Reads a JUnit report back from the disk and compares it with the record it was made from: its declared totals and the
 * cases that really are in it. For reports of ours: attributes hold no `<`, and text that does stands in CDATA.
 *
 * @param pieceBytes how much of the file is read at once
 * @returns what differs, for people; null when all of it agrees
 */
export async function checkJUnit(record: RunRecord, file: string, pieceBytes = 1 << 20): Promise<string | null> {
  const counts = countRun(record)
  const expected: Tally = {
    tests: counts.passed + counts.failed + counts.skipped + counts.notRun,
    bad: counts.failed + counts.notRun,
    skipped: counts.skipped,
  }
  let found: { readonly declared: Tally; readonly counted: Tally }
  try {
    found = await tallyFile(file, pieceBytes)
  } catch (error) {
    return `${file} cannot be read back: ${(error as Error).message}`
  }
  const wrong = [...differences('declares', found.declared, expected), ...differences('holds', found.counted, expected)]
  return wrong.length === 0 ? null : `${file} does not agree with the journal: it ${wrong.join(', it ')}`
}

function differences(verb: string, found: Tally, expected: Tally): string[] {
  const names = { tests: 'tests', bad: 'failures and errors', skipped: 'skipped tests' } as const
  return (['tests', 'bad', 'skipped'] as const)
    .filter((key) => found[key] !== expected[key])
    .map((key) => `${verb} ${found[key]} ${names[key]} instead of ${expected[key]}`)
}

/** What matters in the report: where CDATA begins, the root, and the elements that count. */
const MARKS = /<!\[CDATA\[|<testsuites [^>]*>|<(testcase|failure|error|skipped)[ />]/g
/** Longer than any mark but the root's, which stands at the very beginning. */
const OVERLAP = 2048

async function tallyFile(file: string, pieceBytes: number): Promise<{ declared: Tally; counted: Tally }> {
  const declared: Tally = { tests: Number.NaN, bad: Number.NaN, skipped: Number.NaN }
  const counted: Tally = { tests: 0, bad: 0, skipped: 0 }
  let text = ''
  let inCdata = false
  const see = (mark: string, element: string | undefined): void => {
    if (element === 'testcase') counted.tests++
    else if (element === 'skipped') counted.skipped++
    else if (element !== undefined) counted.bad++
    else {
      const value = (name: string): number => Number(new RegExp(` ${name}="(\\d+)"`).exec(mark)?.[1])
      declared.tests = value('tests')
      declared.bad = value('failures') + value('errors')
      declared.skipped = value('skipped')
    }
  }
  /** Takes what can be understood from the beginning of the text, and leaves the rest for the next piece. */
  const scan = (last: boolean): void => {
    let at = 0
    for (;;) {
      if (inCdata) {
        const end = text.indexOf(']]>', at)
        if (end === -1) {
          text = last ? '' : text.slice(Math.max(at, text.length - 2))
          return
        }
        at = end + 3
        inCdata = false
      }
      MARKS.lastIndex = at
      const match = MARKS.exec(text)
      // A mark near the end of a piece may be half of one: it waits for the next piece.
      if (!match || (!last && match.index > text.length - OVERLAP)) {
        text = last ? '' : text.slice(Math.max(at, match ? match.index : text.length - OVERLAP))
        return
      }
      at = match.index + match[0].length
      if (match[0].startsWith('<!')) inCdata = true
      else see(match[0], match[1])
    }
  }
  for await (const piece of createReadStream(file, { encoding: 'utf8', highWaterMark: pieceBytes })) {
    text += piece as string
    scan(false)
  }
  scan(true)
  return { declared, counted }
}
