import { duration, percent, plural, printable } from '../format.ts'
import type { SlowReport, SlowTier } from '../slow.ts'
import { worthSaying, type SlowerTest, type TierTrends, type UsualTime } from '../trends.ts'
import type { Paint } from './paint.ts'
import { table, type Column } from './table.ts'

/** What the history says of a tier: slower, over budget, flaky. Nothing of it makes a run fail. */

const SLOWER: readonly Column[] = [
  { header: 'before', align: 'right' },
  { header: 'now', align: 'right' },
  { header: 'lost', align: 'right' },
  { header: 'share', align: 'right' },
  { header: 'runs' },
  { header: 'test', shrink: 'start' },
]
const USUAL: readonly Column[] = [
  { header: 'usual', align: 'right' },
  { header: 'this run', align: 'right' },
  { header: 'test', shrink: 'start' },
]

/** The part of `tiershard slow` that looks back. */
export function trendLines({ trends, slowMs }: SlowTier, width: number, paint: Paint): string[] {
  if (!trends) return []
  const budget = duration(slowMs)
  const mark = paint('yellow', '!')
  return [
    `  compared with past runs on ${printable(trends.machine)}: ${paceWords(trends)}`,
    ...(trends.judged === 0 ? ['  too few runs yet to tell slower tests: it takes 13 passes of a test'] : []),
    ...block(`${mark} slower for five runs`, trends.regressed, trends.regressedCount, (rows) =>
      table(SLOWER, rows.map(slowerRow), width, paint),
    ),
    ...block('slower for three runs, perhaps by chance', trends.suspect, trends.suspectCount, (rows) =>
      table(SLOWER, rows.map(slowerRow), width, paint),
    ),
    ...block(
      `${mark} usually over the tier's slow threshold of ${budget}`,
      trends.overBudget,
      trends.overBudgetCount,
      (rows) => table(USUAL, rows.map(usualRow), width, paint),
    ),
    ...block(`more than 3x over ${budget}, in this run only`, trends.spiked, trends.spikedCount, (rows) =>
      table(USUAL, rows.map(usualRow), width, paint),
    ),
    ...block(`${mark} flaky: failed and passed on the same code`, trends.flaky, trends.flakyCount, (rows) =>
      rows.map(
        ({ file, name, lastAt, passes }) =>
          `  ${printable(`${file} > ${name}`)}: last on ${day(lastAt)}, ${plural(passes, 'pass', 'passes')} since`,
      ),
    ),
    '',
  ]
}

function block<T>(
  title: string,
  shown: readonly T[],
  total: number,
  lines: (rows: readonly T[]) => string[],
): string[] {
  if (total === 0) return []
  const more = total - shown.length
  return ['', `  ${title}: ${plural(total, 'test')}`, ...lines(shown), ...(more > 0 ? [`  and ${more} more`] : [])]
}

function paceWords({ pace }: TierTrends): string {
  if (pace === null) return 'too few tests to tell the speed of this machine'
  if (Math.abs(pace - 1) < 0.05) return 'this machine was as fast as usual'
  const slower = pace > 1
  const factor = (slower ? pace : 1 / pace).toFixed(1)
  return `this machine was ${factor}x as ${slower ? 'slow' : 'fast'} as usual, and times are corrected by it`
}

function slowerRow({ file, name, beforeMs, nowMs, lostMs, share, ms }: SlowerTest): string[] {
  const place = printable(`${file} > ${name}`)
  return [duration(beforeMs), duration(nowMs), duration(lostMs), percent(share), sparkline(ms), place]
}

function usualRow({ file, name, usualMs, durationMs }: UsualTime): string[] {
  return [duration(usualMs), duration(durationMs), printable(`${file} > ${name}`)]
}

const BARS = '▁▂▃▄▅▆▇█'

/** Values over time, each as a bar as high as its part of the largest. */
export function sparkline(values: readonly number[]): string {
  const most = Math.max(...values, 1)
  return values.map((value) => BARS[Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))]).join('')
}

/** "2026-11-20", in UTC. */
export function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

const NAMES = 5

/** The end of a run: only what somebody should do something about. */
export function trendBlocks({ tiers }: SlowReport, paint: Paint): string[][] {
  const { regressed, regressedCount, flaky, flakyCount } = worthSaying(tiers)
  return [
    short(
      paint('bold', `slower for five runs: ${plural(regressedCount, 'test')}`),
      regressed.map(
        ({ file, name, beforeMs, nowMs }) =>
          `${printable(`${file} > ${name}`)}: ${duration(beforeMs)}, now ${duration(nowMs)}`,
      ),
      regressedCount,
    ),
    short(
      paint('bold', `flaky in the last runs: ${plural(flakyCount, 'test')}`),
      flaky.map(
        ({ file, name, lastAt, passes }) =>
          `${printable(`${file} > ${name}`)}: last on ${day(lastAt)}, ${plural(passes, 'pass', 'passes')} since`,
      ),
      flakyCount,
    ),
  ]
}

function short(heading: string, lines: readonly string[], total: number): string[] {
  if (total === 0) return []
  const shown = lines.slice(0, NAMES)
  const more = total - shown.length
  return [heading, ...shown.map((line) => `  ${line}`), ...(more > 0 ? [`  and ${plural(more, 'more test')}`] : [])]
}
