import { unreachable } from '../../core/ending.ts'
import type { ServerFacts, ServicePart, SliceMark, Stamped } from '../../core/events.ts'
import type { FileRecord, RunRecord, TierRecord } from '../../core/record.ts'
import { countFile, isFlakyFile } from '../../core/verdict.ts'
import { duration, elapsed, plural, printable } from '../format.ts'
import { endingWords, sliceName } from '../words.ts'
import { symbolStyle, type Paint } from './paint.ts'
import type { Snapshot } from './progress.ts'

/** The permanent lines that are not failures: what runs, on which Redis, who is waited for, which files have ended. */

/** `run 20261120-060000-k3f9: tier standard, 31 files on 4 shards, about 2m 10s (deadline 15m)` */
export function plannedLine(record: RunRecord, tier: TierRecord, paint: Paint): string {
  const { makespanMs, unknown } = tier.forecast
  const files = plural(tier.files.size, 'file')
  const expected = makespanMs === null ? 'time unknown (no history yet)' : `about ${duration(makespanMs)} expected`
  const without = makespanMs !== null && unknown > 0 ? `, ${unknown} without history` : ''
  const shards = plural(tier.settings.shards, 'shard')
  const deadline = `deadline ${duration(tier.settings.deadlineMs)}`
  const run = printable(record.meta?.run ?? '?')
  const slice = record.meta?.slice
  if (slice && tier.files.size === 0) {
    const nothing = `no file in slice ${sliceName(slice)} of ${plural(slice.files, 'file')}: nothing to run`
    return `${paint('bold', `run ${run}`)}: tier ${printable(tier.name)}, ${nothing}`
  }
  return `${paint('bold', `run ${run}`)}: tier ${printable(tier.name)}, ${files} on ${shards}, ${expected}${without}, ${deadline}`
}

/** `slice 2/4 of 47 files, plan 3f2a9c12ab01, history 91bb0c447d10`: what the lines of all nodes have to agree on. */
export function sliceLine(slice: SliceMark): string {
  const digests = `plan ${printable(slice.plan)}, history ${printable(slice.history)}`
  return `slice ${sliceName(slice)} of ${plural(slice.files, 'file')}, ${digests}`
}

/** `redis 7.0.15 at 127.0.0.1:6379, 16 databases: REDIS_URL is set` */
export function serverLine(server: ServerFacts): string {
  const product = server.product === 'unknown' ? 'a server that speaks Redis' : server.product
  const where = `${product} ${printable(server.version)} at ${printable(server.address)}`
  return `${where}, ${plural(server.databases, 'database')}, ${server.source}: ${printable(server.reason)}`
}

/** `isolation is enforced by the server: a user of its own for each shard`; nothing for journals that do not say. */
export function isolationLines({ enforcement }: ServerFacts): string[] {
  if (enforcement === undefined) return []
  const reason = printable(enforcement.reason)
  switch (enforcement.by) {
    case 'acl':
      return [`isolation is enforced by the server: ${reason}`]
    case 'server':
      return [`isolation: ${reason}`]
    case 'convention':
      return [`isolation is by convention, test code has to stay in its database: ${reason}`]
    default:
      return unreachable(enforcement.by)
  }
}

/**
 * `service api: node server.js at http://127.0.0.1:41234, ready after 214ms, a new one for every file`; of those that
 * start again and again, the first.
 */
export function serviceLines(part: ServicePart, record: RunRecord): string[] {
  const { service, what, where, per, readyMs } = part
  const known = record.services.find((one) => one.service === service && one.part === part.part)
  if (known && known.starts > 1) return []
  const at = where === null ? '' : ` at ${printable(where)}`
  const again = per === 'run' ? '' : `, a new one for every ${per}`
  return [`service ${printable(service)}: ${printable(what)}${at}, ready after ${duration(readyMs)}${again}`]
}

const HOLDERS = 8

export function waitingLines(holders: readonly string[], limitMs: number): string[] {
  const more = holders.length - HOLDERS
  return [
    `waiting up to ${duration(limitMs)} for a free Redis database; held by:`,
    ...holders.slice(0, HOLDERS).map((holder) => `    ${printable(holder)}`),
    ...(more > 0 ? [`    and ${more} more`] : []),
  ]
}

/** Said at a tier's start only where the plan has not said it: which of several tiers, which attempt. */
export function startedLine(record: RunRecord, event: Extract<Stamped, { type: 'tier-started' }>): string | null {
  const tier = record.tiers.get(event.tier)
  if (!tier) return null
  const name = printable(event.tier)
  if (event.attempt > 1) return `tier ${name}: trying failed files again (attempt ${event.attempt})`
  const fewer = event.shards < tier.settings.shards
  if (record.tiers.size === 1) return null
  const shards = `${plural(event.shards, 'shard')}${fewer ? ` of ${tier.settings.shards} planned` : ''}`
  return `tier ${name} starts on ${shards}`
}

/** `✓ passed  suites/standard/storm.test.ts  12 tests  3.2s  shard 0 db 3`; null for a file that never started. */
export function fileLine(
  event: Extract<Stamped, { type: 'file-ended' }>,
  record: RunRecord,
  paint: Paint,
): string | null {
  const file = record.tiers.get(event.tier)?.files.get(event.file)
  const attempt = file?.attempts.findLast((one) => one.attempt === event.attempt)
  if (!file || !attempt) return null
  const { symbol, word } = endingWords(event.ending, event.tier)
  const { repeated: _, ...plan } = file.plan
  const { passed, failed, skipped, notRun } = countFile({ ...file, plan, attempts: [attempt] })
  const amounts = [
    plural(passed + failed + skipped + notRun, 'test'),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(notRun > 0 ? [`${notRun} not run`] : []),
  ].join(', ')
  const place = `shard ${attempt.shard}${attempt.database === null ? '' : ` db ${attempt.database}`}`
  const flaky = !file.plan.repeated && event.ending.kind === 'passed' && isFlaky(file) ? ', flaky' : ''
  const again = event.attempt > 1 ? `  attempt ${event.attempt}${flaky}` : ''
  const head = paint(symbolStyle(symbol), `${symbol} ${word}`)
  return `${head}  ${printable(event.file)}  ${amounts}  ${duration(event.durationMs)}  ${paint('gray', place)}${again}`
}

function isFlaky(file: FileRecord): boolean {
  return countFile(file).flaky > 0 || isFlakyFile(file)
}

/** What each shard runs and for how long, when nothing has ended for a while. */
export function heartbeatLines(view: Snapshot, silentMs: number): string[] {
  const { passed, failed, skipped } = view.counts
  const busy = view.shards.flatMap(({ shard, database, running }) => {
    if (!running) return []
    const expected =
      running.expectedMs === null ? '' : ` of ~${duration(running.expectedMs)}${running.over ? ', over' : ''}`
    const place = `shard ${shard}${database === null ? '' : ` db ${database}`}`
    return [`    ${place}: ${printable(running.file)} for ${elapsed(running.elapsedMs)}${expected}`]
  })
  const eta = view.etaMs === null ? '' : `, about ${elapsed(view.etaMs)} left`
  return [
    `still running tier ${printable(view.tier)} after ${elapsed(view.elapsedMs)} (deadline ${duration(view.deadlineMs)}${eta}): ` +
      `nothing ended for ${elapsed(silentMs)}; ${passed} passed, ${failed} failed, ${skipped} skipped, ` +
      `${view.filesLeft} of ${plural(view.files, 'file')} left`,
    ...(busy.length > 0 ? busy : ['    no shard runs a file']),
  ]
}
