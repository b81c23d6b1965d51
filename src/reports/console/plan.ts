import type { Forecast, PlannedFile, SliceMark } from '../../core/events.ts'
import type { SuiteSettings, TierSettings } from '../../core/settings.ts'
import { duration, plural, printable, printableLines } from '../format.ts'
import { sliceLine } from './lines.ts'
import { plainPaint, type Paint } from './paint.ts'
import { table, type Cell, type Column } from './table.ts'

/** A plan as `tiershard plan` shows it. */
export interface PlanView {
  /** Name and version of the engine. */
  readonly engine: string
  readonly tiers: readonly PlanTier[]
  readonly warnings: readonly string[]
  /** The files are those of one slice. `expectedMs`: the work of each slice; null when no file has history. */
  readonly slice?: { readonly mark: SliceMark; readonly expectedMs: readonly number[] | null }
}

export interface PlanTier {
  readonly settings: TierSettings
  readonly suites: readonly SuiteSettings[]
  /** In the order in which they start. */
  readonly files: readonly PlannedFile[]
  readonly forecast: Forecast
}

export interface PlanOptions {
  /** Every file, however many there are. */
  readonly full?: boolean
  readonly paint?: Paint
}

/** More files than this are cut, unless all are asked for. */
const FILES = 40

/** The text of `tiershard plan`: where every file would run and when, what it would take, and whether the deadline holds. */
export function renderPlan(
  view: PlanView,
  width: number,
  { full = false, paint = plainPaint }: PlanOptions = {},
): string {
  const files = view.tiers.reduce((sum, tier) => sum + tier.files.length, 0)
  const tiers = view.tiers.map((tier) => printable(tier.settings.name)).join(', ')
  const lines = [
    `plan: ${plural(files, 'file')} in ${plural(view.tiers.length, 'tier')} (${tiers}) for ${printable(view.engine)}`,
    ...sliceLines(view),
    ...view.tiers.flatMap((tier) => ['', ...tierLines(tier, width, full, paint)]),
    ...(view.warnings.length > 0 ? [''] : []),
    ...view.warnings.flatMap((warning) => warningLines(warning, paint)),
  ]
  return `${lines.join('\n')}\n`
}

/** Of so many slices the work is listed one by one; of more, from the least to the most. */
const SLICES_LISTED = 12

function sliceLines({ slice }: PlanView): string[] {
  if (!slice) return []
  const { expectedMs } = slice
  if (expectedMs === null) return [sliceLine(slice.mark), 'no file has history: slices have equally many files']
  const some = expectedMs.length <= SLICES_LISTED ? expectedMs : [Math.min(...expectedMs), Math.max(...expectedMs)]
  const work = some.map((ms) => duration(ms)).join(expectedMs.length <= SLICES_LISTED ? ', ' : ' to ')
  return [sliceLine(slice.mark), `expected work of the ${plural(expectedMs.length, 'slice')}: ${work}`]
}

function tierLines(
  { settings, suites, files, forecast }: PlanTier,
  width: number,
  full: boolean,
  paint: Paint,
): string[] {
  const heading =
    `${paint('bold', `tier ${printable(settings.name)}`)}: ${plural(files.length, 'file')} of ` +
    `${plural(suites.length, 'suite')} on ${plural(settings.shards, 'shard')}, deadline ${duration(settings.deadlineMs)}`
  const shown = full ? files.length : FILES
  const rows = place(files, settings.shards, shown).map((placed, at) => row(placed, at, suites.length > 1))
  const columns = COLUMNS.filter(({ header }) => header !== 'suite' || suites.length > 1)
  return [
    heading,
    ...forecastLines(forecast, settings, files.length).map((line) => `  ${line}`),
    ...deadlineWarning(forecast, settings, paint).map((line) => `  ${line}`),
    ...(rows.length > 0 ? table(columns, rows, width, paint) : []),
    ...(files.length > shown ? [`  and ${plural(files.length - shown, 'more file')}`] : []),
  ]
}

function forecastLines(forecast: Forecast, settings: TierSettings, files: number): string[] {
  const { makespanMs, floorMs, floorFile, unknown } = forecast
  if (files === 0) return []
  if (makespanMs === null || floorMs === null) return ['no file has history: the time cannot be predicted yet']
  const floor =
    floorFile === null
      ? `floor ${duration(floorMs)} (all the work spread evenly over ${plural(settings.shards, 'shard')})`
      : `floor ${duration(floorMs)} (set by ${printable(floorFile)}: more shards make nothing faster, splitting it does)`
  const known =
    unknown === 0 ? [] : [`${plural(unknown, 'file')} without history, taken for as long as the mean of the others`]
  return [`predicted ${duration(makespanMs)}, ${floor}`, ...known]
}

function deadlineWarning(forecast: Forecast, settings: TierSettings, paint: Paint): string[] {
  const { makespanMs, shardsForDeadline, floorFile } = forecast
  if (makespanMs === null || makespanMs <= settings.deadlineMs) return []
  const late = `the predicted ${duration(makespanMs)} is over the deadline of ${duration(settings.deadlineMs)}`
  const advice =
    shardsForDeadline === null
      ? `no number of shards would meet it${floorFile === null ? '' : `: split ${printable(floorFile)}`}`
      : `${plural(shardsForDeadline, 'shard')} would meet it`
  return [`${paint('yellow', '! warning')}: ${late}; ${advice}`]
}

const COLUMNS: readonly Column[] = [
  { header: '#', align: 'right' },
  { header: 'expected', align: 'right' },
  { header: 'shard', align: 'right' },
  { header: 'starts', align: 'right' },
  { header: 'suite' },
  { header: 'file', shrink: 'start' },
]

function row({ file, shard, startMs }: Placed, at: number, withSuite: boolean): Cell[] {
  const expected: Cell = file.expectedMs === null ? { text: 'unknown', style: 'yellow' } : duration(file.expectedMs)
  const starts = startMs === null ? '?' : duration(startMs)
  const suite = withSuite ? [printable(file.suite)] : []
  return [String(at + 1), expected, String(shard), starts, ...suite, printable(file.id)]
}

interface Placed {
  readonly file: PlannedFile
  readonly shard: number
  /** From the start of the tier, ms; null when nothing is known of any file. */
  readonly startMs: number | null
}

/**
 * Where the simulation puts each file: the next one goes to the shard that is free first, as in a run. Unknown files
 * count as the mean of the known ones, as in the forecast.
 *
 * @param most how many files, from the first, are placed
 */
export function place(files: readonly PlannedFile[], shards: number, most = files.length): Placed[] {
  const known = files.flatMap((file) => (file.expectedMs === null ? [] : [file.expectedMs]))
  const mean = known.length === 0 ? null : known.reduce((sum, ms) => sum + ms, 0) / known.length
  const freeAt = Array.from({ length: Math.max(1, shards) }, () => 0)
  return files.slice(0, most).map((file) => {
    const shard = freeAt.reduce((first, at, index) => (at < freeAt[first]! ? index : first), 0)
    const startMs = freeAt[shard]!
    freeAt[shard] = startMs + (file.expectedMs ?? mean ?? 1)
    return { file, shard, startMs: mean === null ? null : startMs }
  })
}

const WARNING_LINES = 10

function warningLines(warning: string, paint: Paint): string[] {
  const { lines, more } = printableLines(warning, WARNING_LINES)
  return [
    ...lines.map((line, at) => (at === 0 ? `${paint('yellow', '! warning')}: ${line}` : `  ${line}`)),
    ...(more > 0 ? [`  and ${plural(more, 'more line')}`] : []),
  ]
}
