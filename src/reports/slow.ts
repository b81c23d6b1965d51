import type { History, Past, TierPast } from '../core/ports.ts'
import { median } from '../core/quantile.ts'
import type { AttemptRecord, FileRecord, RunRecord, TestRecord, TierRecord } from '../core/record.ts'
import type { TierSettings } from '../core/settings.ts'
import { decidingAttempt, testVerdicts } from '../core/verdict.ts'
import { duration } from './format.ts'
import { analyseTrends, type TierTrends } from './trends.ts'

/** Where the time of a run went, and what is in the wrong tier. One entry a tier, in the order of the run. */
export interface SlowReport {
  readonly tiers: readonly SlowTier[]
}

export interface SlowTier {
  readonly tier: string
  /** The tier's slow threshold, ms. */
  readonly slowMs: number
  /** The time of all tests of the tier added up, ms: tests' shares are shares of this. */
  readonly testMs: number
  /** The time of all files added up, process start and imports included, ms: files' shares are shares of this. */
  readonly fileMs: number
  /** The slowest tests, slowest first, `top` at most. */
  readonly tests: readonly SlowTest[]
  /** The slowest files, slowest first, `top` at most. */
  readonly files: readonly SlowFile[]
  /** Tests over the slow threshold, slowest first, `top` at most; `overCount` is how many there are. */
  readonly over: readonly SlowTest[]
  readonly overCount: number
  /** Files that are too slow for their tier: all of them, slowest first. */
  readonly tooSlow: readonly TierMove[]
  /** Files that would fit into a faster tier, slowest first, `top` at most; `movableCount` is how many there are. */
  readonly movable: readonly TierMove[]
  readonly movableCount: number
  /** What past runs say; absent when none is known, or none was asked. */
  readonly trends?: TierTrends
}

export interface SlowTest {
  readonly tier: string
  readonly suite: string
  /** The file's id. */
  readonly file: string
  readonly name: string
  readonly line: number | null
  /** Of the deciding attempt, ms. */
  readonly durationMs: number
  /** Of the tier's test time, 0 to 1. */
  readonly share: number
  /** Its last passes on machines of this class, whole ms divided by the pace of their runs, newest last: for a sparkline. */
  readonly past?: readonly number[]
}

export interface SlowFile {
  readonly tier: string
  readonly suite: string
  readonly file: string
  /** Of the deciding attempt, ms. */
  readonly durationMs: number
  /** Of the tier's file time, 0 to 1. */
  readonly share: number
  readonly tests: number
}

export interface TierMove {
  readonly file: string
  readonly from: string
  /** The fastest tier in which it fits; null: it fits in none and should be split. */
  readonly to: string | null
  /** What was judged, ms: the median of past runs where there are at least three, else this run's duration. */
  readonly durationMs: number
  /** Its slowest test by the same measure, ms. */
  readonly slowestTestMs: number
  /** For the user: "belongs in extended: 49s", "fits in fast: 400ms". */
  readonly text: string
}

/** So many runs of history are believed over a single one, and are needed before a faster tier is suggested. */
const ENOUGH_RUNS = 3

/** A file fits a tier when it takes no more than this part of the tier's deadline: fast 15 s, standard 45 s, extended 90 s. */
const FILE_PART_OF_DEADLINE = 1 / 20

/**
 * Finds the slowest tests and files of a run, and the files that do not fit their tier: a file fits when its slowest
 * test is within the tier's slow threshold and the file itself within 1/20 of the tier's deadline. Only files that
 * passed are judged, since a failure changes how long a file takes.
 *
 * @param top how many entries a list has at most
 * @param ladder all tiers of the config, so that a move to a tier that is not part of the run can be suggested
 * @param pasts what is known up to and with this run; of the runs of several nodes, up to and with each of them
 */
export function analyseSlow(
  record: RunRecord,
  history: History,
  top: number,
  ladder: readonly TierSettings[] = [...record.tiers.values()].map((tier) => tier.settings),
  pasts: readonly Past[] = [],
): SlowReport {
  const byDeadline = ladder.toSorted((a, b) => a.deadlineMs - b.deadlineMs)
  return {
    tiers: [...record.tiers.values()].map((tier) => {
      const slow = analyseTier(tier, history, top, byDeadline)
      const [known, ...others] = pasts.flatMap((past) => pastOfTier(past, tier.name, pasts.length) ?? [])
      if (!known) return slow
      const trends = analyseTrends(tier, [known, ...others], slow.testMs, top)
      return { ...slow, tests: withPast(slow.tests, [known, ...others]), trends }
    }),
  }
}

function analyseTier(tier: TierRecord, history: History, top: number, ladder: readonly TierSettings[]): SlowTier {
  const { name, settings } = tier
  const timed = [...tier.files.values()].flatMap((file) => {
    const attempt = decidingAttempt(file)
    return attempt ? [{ file, attempt, tests: timedTests(file) }] : []
  })
  const testMs = sum(timed.flatMap(({ tests }) => tests.map((test) => test.durationMs)))
  const fileMs = sum(timed.map(({ attempt }) => attempt.durationMs))
  const tests = timed
    .flatMap(({ file, tests }) =>
      tests.map(({ name: test, line, durationMs }): SlowTest => {
        const { id, suite } = file.plan
        return { tier: name, suite, file: id, name: test, line, durationMs, share: share(durationMs, testMs) }
      }),
    )
    .sort(slowestFirst)
  const files = timed
    .map(({ file, attempt, tests }): SlowFile => {
      const { id, suite } = file.plan
      const { durationMs } = attempt
      return { tier: name, suite, file: id, durationMs, share: share(durationMs, fileMs), tests: tests.length }
    })
    .sort(slowestFirst)
  const over = tests.filter((test) => test.durationMs > settings.slowMs)
  const moves = timed
    .flatMap(({ file, attempt, tests }) => moveOf(tier, file, attempt, tests, history, ladder) ?? [])
    .sort((a, b) => slowestFirst(a.move, b.move))
  const movable = moves.filter(({ faster }) => faster).map(({ move }) => move)
  return {
    tier: name,
    slowMs: settings.slowMs,
    testMs,
    fileMs,
    tests: tests.slice(0, top),
    files: files.slice(0, top),
    over: over.slice(0, top),
    overCount: over.length,
    tooSlow: moves.filter(({ faster }) => !faster).map(({ move }) => move),
    movable: movable.slice(0, top),
    movableCount: movable.length,
  }
}

/**
 * Of several nodes each knows best of its own tests. All of them know of all tests, which is a lot to keep: what is not
 * their own is dropped before the next one is asked.
 */
function pastOfTier(past: Past, name: string, nodes: number): TierPast | null {
  const known = past.tier(name)
  return known && nodes > 1 ? { ...known, tests: known.tests.filter(({ isOfRun }) => isOfRun) } : known
}

/** A single time is no past. */
function withPast(tests: readonly SlowTest[], known: readonly TierPast[]): SlowTest[] {
  const places = new Map(tests.map((test, place) => [`${test.file}\n${test.name}`, place]))
  const found = [...tests]
  for (const { file, name, ms } of known.flatMap((one) => one.tests)) {
    const place = places.get(`${file}\n${name}`)
    if (place === undefined || ms.length < 2) continue
    found[place] = { ...found[place]!, past: ms.map(Math.round) }
  }
  return found
}

/** Tests that ran, with their deciding durations. Skipped and unfinished ones have none. */
function timedTests(file: FileRecord): TestRecord[] {
  return testVerdicts(file)
    .filter(({ outcome }) => outcome === 'passed' || outcome === 'failed' || outcome === 'timed-out')
    .map(({ last }) => last)
}

function moveOf(
  tier: TierRecord,
  file: FileRecord,
  attempt: AttemptRecord,
  tests: readonly TestRecord[],
  history: History,
  ladder: readonly TierSettings[],
): { readonly move: TierMove; readonly faster: boolean } | null {
  if (attempt.ending?.kind !== 'passed') return null
  const { id } = file.plan
  const past = history.file(tier.name, id)
  const known = past !== null && past.samples >= ENOUGH_RUNS
  const durationMs = known ? past.expectedMs : attempt.durationMs
  const slowestTestMs = tests.reduce((slowest, test) => {
    const durations = history.test(tier.name, id, test.name)
    return Math.max(slowest, durations.length >= ENOUGH_RUNS ? median(durations) : test.durationMs)
  }, 0)
  const fits = (settings: TierSettings): boolean =>
    slowestTestMs <= settings.slowMs && durationMs <= settings.deadlineMs * FILE_PART_OF_DEADLINE
  const move = { file: id, from: tier.name, durationMs, slowestTestMs }
  const { deadlineMs } = tier.settings

  if (!fits(tier.settings)) {
    const to = ladder.find((other) => other.deadlineMs > deadlineMs && fits(other))?.name ?? null
    return { move: { ...move, to, text: tooSlowText(to, durationMs) }, faster: false }
  }
  const to = known ? ladder.find((other) => other.deadlineMs < deadlineMs && fits(other))?.name : undefined
  return to === undefined
    ? null
    : { move: { ...move, to, text: `fits in ${to}: ${duration(durationMs)}` }, faster: true }
}

function tooSlowText(to: string | null, durationMs: number): string {
  return to === null
    ? `fits in no slower tier: ${duration(durationMs)}; split it`
    : `belongs in ${to}: ${duration(durationMs)}`
}

/** Slowest first; ties by name, so that a report never depends on the order in which files ended. */
function slowestFirst(
  a: { readonly durationMs: number; readonly file: string; readonly name?: string },
  b: { readonly durationMs: number; readonly file: string; readonly name?: string },
): number {
  if (a.durationMs !== b.durationMs) return b.durationMs - a.durationMs
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return (a.name ?? '') < (b.name ?? '') ? -1 : 1
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function share(part: number, total: number): number {
  return total > 0 ? part / total : 0
}
