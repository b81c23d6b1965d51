import type { RunRecord } from '../../core/record.ts'
import { duration, printable } from '../format.ts'
import { nodeSummaries } from '../nodes.ts'
import type { Paint } from './paint.ts'
import { table, type Column } from './table.ts'

const COLUMNS: readonly Column[] = [
  { header: 'node', shrink: 'end' },
  { header: 'verdict' },
  { header: 'files', align: 'right' },
  { header: 'passed', align: 'right' },
  { header: 'failed', align: 'right' },
  { header: 'not run', align: 'right' },
  { header: 'time', align: 'right' },
  { header: 'run' },
]

/** The nodes whose runs were put together, one line each; nothing for one run. */
export function nodeBlock({ nodes }: RunRecord, width: number, paint: Paint): string[] {
  if (!nodes) return []
  const rows = nodeSummaries(nodes).map(({ node, verdict, files, counts, wallMs, run }) => [
    printable(node),
    { text: verdict, style: verdict === 'passed' ? ('green' as const) : ('red' as const) },
    String(files),
    String(counts.passed),
    String(counts.failed),
    String(counts.notRun),
    duration(wallMs),
    printable(run ?? 'unknown'),
  ])
  return [paint('bold', 'nodes'), ...table(COLUMNS, rows, width, paint)]
}
