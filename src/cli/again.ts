import { realpathSync } from 'node:fs'
import path from 'node:path'
import type { RunRecord } from '../core/record.ts'
import type { Settings } from '../core/settings.ts'
import { readRun } from '../reports/read-run.ts'
import type { Io } from './io.ts'
import { presence } from './process-mark.ts'
import { noSuchTier } from './project.ts'
import type { RunOptions } from './options.ts'
import { findRun } from './runs.ts'

/** The run that a new one continues. */
export interface Earlier {
  readonly run: string
  /** Settled, with everything that it continues itself. */
  readonly record: RunRecord
  /** The tiers that run again. */
  readonly tiers: readonly string[]
  readonly filters: readonly string[]
}

export type FoundEarlier =
  | { readonly ok: true; readonly earlier: Earlier; readonly notes: readonly string[] }
  | { readonly ok: false; readonly message: string }

/** The run that `--resume` or `--rerun-failed` names; null when there is neither. What cannot be continued is said. */
export function findEarlier(
  files: readonly string[],
  options: RunOptions,
  settings: Settings,
  io: Io,
): FoundEarlier | null {
  const { resume, rerunFailed } = options
  if (resume === undefined && rerunFailed === undefined) return null
  const option = resume === undefined ? '--rerun-failed' : '--resume'
  if (resume !== undefined && rerunFailed !== undefined) {
    return wrong('--resume and --rerun-failed do the same with the run they are given: name one of them.')
  }
  if (files.length > 0) {
    return wrong(
      `${option} runs what the earlier run left undone: it takes no FILES (${files[0]}). \`tiershard run FILES...\` runs them afresh.`,
    )
  }
  if (options.testName !== undefined) {
    return wrong(`${option} runs the tests that the earlier run was asked for, and --test-name does not go with it.`)
  }
  if (options.changed !== undefined) {
    return wrong(`${option} takes its files from the earlier run, and --changed does not go with it.`)
  }
  if (options.slice !== undefined) {
    return wrong(
      `${option} goes on with the slice that the earlier run was, if it was one, and --slice does not go with it.`,
    )
  }
  if (options.repeat !== undefined || options.untilFailure) {
    return wrong(`${option} completes an earlier run, and --repeat and --until-failure do not go with it.`)
  }

  const named = resume ?? (typeof rerunFailed === 'string' ? rerunFailed : null)
  const found = findRun(named, settings.reportsDir, io.cwd)
  if (!found.ok) return found
  // A later report looks for it beside the new run.
  if (path.dirname(found.folder) !== realpathSync(settings.reportsDir)) {
    return wrong(
      `The run ${found.folder} is not in the reports folder ${settings.reportsDir}: copy it there, or name its folder with --reports.`,
    )
  }
  const { whole, notes, writer, ended } = readRun(found.folder)
  if (!ended && writer !== null && presence(writer) === 'alive') {
    return wrong(`The run ${found.run} is still going on (process ${writer.pid}).`)
  }
  const names = [...whole.tiers.keys()]
  if (names.length === 0) {
    return wrong(
      `The journal of the run ${found.run} holds no plan: nothing of it can be continued. \`tiershard run\` starts afresh.`,
    )
  }
  const tiers = options.tier ?? names
  const strange = tiers.filter((tier) => !names.includes(tier))
  if (strange.length > 0) {
    return wrong(
      [...strange.map((tier) => noSuchTier(tier, names)), `The run ${found.run} has ${names.join(', ')}.`].join('\n'),
    )
  }
  if ([...whole.tiers.values()].some(({ settings }) => settings.stress)) {
    return wrong(
      `The run ${found.run} repeated its files (--repeat, --until-failure), and such a run cannot be continued: repeat them afresh.`,
    )
  }
  const filters = whole.meta?.selection?.filters ?? []
  return { ok: true, earlier: { run: found.run, record: whole, tiers, filters }, notes }
}

function wrong(message: string): FoundEarlier {
  return { ok: false, message }
}
