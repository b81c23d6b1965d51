import { htmlReport } from '../../../src/reports/html/index.ts'
import type { PageHead, PageTests } from '../../../src/reports/html/data.ts'
import { Report, unpack } from '../../../src/reports/html/page/data.js'
import { analyseSlow } from '../../../src/reports/slow.ts'
import type { History, Past } from '../../../src/core/ports.ts'
import type { RunRecord } from '../../../src/core/record.ts'

/** No run before this one. */
export const NO_HISTORY: History = { file: () => null, test: () => [] }

/** The whole report as text. */
export async function rendered(record: RunRecord, past: Past | null = null): Promise<string> {
  const pieces: string[] = []
  const slow = analyseSlow(record, NO_HISTORY, 20, undefined, past === null ? [] : [past])
  for await (const piece of htmlReport(record, slow)) pieces.push(piece)
  return pieces.join('')
}

/** What the page makes of the data in a report, by the page's own code. */
export async function readReport(html: string): Promise<{ head: PageHead; report: Report; pieces: PageTests[] }> {
  const found = [...html.matchAll(/<script type="application\/octet-stream" data-holds="(\w+)">([^<]*)<\/script>/gu)]
  const holding = (kind: string): string[] => found.filter(([, held]) => held === kind).map(([, , data]) => data!)
  const head = (await unpack(holding('head')[0]!)) as PageHead
  const report = new Report(head)
  const pieces: PageTests[] = []
  for (const data of holding('tests')) pieces.push((await unpack(data)) as PageTests)
  for (const piece of pieces) report.add(piece)
  return { head, report, pieces }
}
