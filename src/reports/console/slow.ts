import { duration, percent, plural, printable } from '../format.ts'
import type { SlowReport, SlowTest, SlowTier, TierMove } from '../slow.ts'
import { plainPaint, type Paint } from './paint.ts'
import { table, type Column } from './table.ts'
import { trendLines } from './trends.ts'

/** The text of `tiershard slow`: where the time of each tier went, and which files are in the wrong tier. */
export function renderSlow(report: SlowReport, width: number, paint: Paint = plainPaint): string {
  if (report.tiers.length === 0) return 'nothing ran\n'
  return `${report.tiers.map((tier) => tierLines(tier, width, paint).join('\n')).join('\n\n')}\n`
}

function tierLines(tier: SlowTier, width: number, paint: Paint): string[] {
  const { name, testMs, fileMs } = { name: printable(tier.tier), ...tier }
  const heading =
    `${paint('bold', `tier ${name}`)}: ${duration(testMs)} in tests, ${duration(fileMs)} in files ` +
    `(process start and imports included)`
  if (tier.files.length === 0) return [heading, '  nothing ran']
  return [
    heading,
    '',
    '  slowest tests',
    ...testTable(tier.tests, width, paint),
    '',
    '  slowest files',
    ...fileTable(tier, width, paint),
    '',
    ...trendLines(tier, width, paint),
    ...overLines(tier, width, paint),
    ...moveLines(tier, width, paint),
  ]
}

const TESTS: readonly Column[] = [
  { header: 'time', align: 'right' },
  { header: 'share', align: 'right' },
  { header: 'test', shrink: 'start' },
]
const FILES: readonly Column[] = [
  { header: 'time', align: 'right' },
  { header: 'share', align: 'right' },
  { header: 'tests', align: 'right' },
  { header: 'file', shrink: 'start' },
]

function testTable(tests: readonly SlowTest[], width: number, paint: Paint): string[] {
  if (tests.length === 0) return ['  none']
  const rows = tests.map(({ file, line, name, durationMs, share }) => {
    const place = line === null ? file : `${file}:${line}`
    return [duration(durationMs), percent(share), printable(`${place} > ${name}`)]
  })
  return table(TESTS, rows, width, paint)
}

function fileTable({ files }: SlowTier, width: number, paint: Paint): string[] {
  const rows = files.map(({ file, durationMs, share, tests }) => [
    duration(durationMs),
    percent(share),
    String(tests),
    printable(file),
  ])
  return table(FILES, rows, width, paint)
}

function overLines({ over, overCount, slowMs }: SlowTier, width: number, paint: Paint): string[] {
  const threshold = `the tier's slow threshold of ${duration(slowMs)}`
  if (overCount === 0) return [`  no test is over ${threshold}`]
  const heading = `${plural(overCount, 'test is', 'tests are')} over ${threshold}`
  const more = overCount - over.length
  return [
    `  ${paint('yellow', '!')} ${heading}`,
    ...testTable(over, width, paint),
    ...(more > 0 ? [`  and ${plural(more, 'more test')}`] : []),
  ]
}

const MOVES: readonly Column[] = [
  { header: 'time', align: 'right' },
  { header: 'slowest test', align: 'right' },
  { header: 'advice' },
  { header: 'file', shrink: 'start' },
]

function moveLines({ tooSlow, movable, movableCount, tier }: SlowTier, width: number, paint: Paint): string[] {
  const name = printable(tier)
  const more = movableCount - movable.length
  return [
    ...(tooSlow.length === 0
      ? [`  every file that passed fits ${name}`]
      : [
          `  ${paint('yellow', '!')} ${plural(tooSlow.length, 'file does', 'files do')} not fit ${name}`,
          ...table(MOVES, tooSlow.map(moveRow), width, paint),
        ]),
    ...(movableCount === 0
      ? []
      : [
          `  ${plural(movableCount, 'file')} would fit a faster tier`,
          ...table(MOVES, movable.map(moveRow), width, paint),
          ...(more > 0 ? [`  and ${plural(more, 'more file')}`] : []),
        ]),
  ]
}

function moveRow({ file, to, durationMs, slowestTestMs }: TierMove): string[] {
  return [
    duration(durationMs),
    duration(slowestTestMs),
    to === null ? 'split it' : `move to ${printable(to)}`,
    printable(file),
  ]
}
