import { existsSync } from 'node:fs'
import path from 'node:path'
import type { RunSelection } from '../core/events.ts'
import type { Engine, History } from '../core/ports.ts'
import type { Settings } from '../core/settings.ts'
import type { SliceRequest } from '../core/slices.ts'
import { EXIT } from '../core/verdict.ts'
import type { RunPlan } from '../run/plan.ts'
import type { Earlier } from './again.ts'
import { tell, type Io } from './io.ts'
import { chooseTiers, openProject } from './project.ts'
import type { RunOptions } from './options.ts'

export type Prepared =
  | {
      readonly ok: true
      readonly settings: Settings
      readonly history: History
      readonly engine: Engine
      readonly anotherEngine: () => Engine
      readonly plan: RunPlan
      readonly selection: RunSelection
      /** The run that this one continues; null: it stands alone. */
      readonly earlier: Earlier | null
    }
  /** What was wrong has been said. */
  | { readonly ok: false; readonly exitCode: number }

/**
 * The common beginning of `run` and `plan`: settings, tiers, history, files. Runs no test and starts no Redis. The
 * engine that comes back is open: the caller closes it.
 *
 * @param runId what the engine's processes find in TIERSHARD_RUN
 */
export async function prepare(files: readonly string[], options: RunOptions, runId: string, io: Io): Promise<Prepared> {
  const settings = await openProject(options, io)
  if (settings === null) return { ok: false, exitCode: EXIT.usage }

  const { tellOfDeadRuns } = await import('./runs.ts')
  const again = options.resume === undefined && options.rerunFailed === undefined ? null : await import('./again.ts')
  const found = again?.findEarlier(files, options, settings, io) ?? null
  if (found && !found.ok) return wrong(found.message, io)
  for (const note of found?.notes ?? []) tell(io, `note: ${note}`)
  const earlier = found?.earlier ?? null
  tellOfDeadRuns(settings.reportsDir, earlier?.run ?? null, io)

  const chosen = earlier ? { ok: true as const, tiers: earlier.tiers } : chooseTiers(settings, options.tier)
  if (!chosen.ok) return wrong(chosen.message, io)
  const filters = earlier?.filters ?? files.map((file) => fromRoot(file, settings.root, io.cwd))
  if (typeof options.changed === 'string' && existsSync(path.resolve(io.cwd, options.changed))) {
    const advice = `Write --changed=REF, or put -- before the files.`
    return wrong(`--changed takes a commit or branch, and "${options.changed}" is a file or folder. ${advice}`, io)
  }

  const bad = options.testName === undefined ? null : regexProblem(options.testName)
  if (bad !== null) return wrong(`--test-name takes a regular expression: ${bad}`, io)

  const { openHistory } = await import('../history/index.ts')
  const { history, notes } = await openHistory(historyFile(settings))
  for (const note of notes) tell(io, `note: ${note}`)

  const { engineMaker } = await import('./engines.ts')
  const anotherEngine = await engineMaker(settings, chosen.tiers, { ...io.env, TIERSHARD_RUN: runId })
  const engine = anotherEngine()

  const { planRun } = await import('../run/plan.ts')
  const changed = options.changed ?? null
  // Of a run that was made with --test-name, the same tests.
  const testName = (earlier ? earlier.record.meta?.testName : options.testName) ?? null
  const outcome = await planRun(settings, { tiers: chosen.tiers, filters, changed, testName }, engine, history)
  if (outcome.ok) {
    const plan = earlier ? await narrowed(outcome.plan, earlier, io) : await sliced(outcome.plan, options.slice)
    const selection = earlier?.record.meta?.selection ?? { filters, changed }
    return { ok: true, settings, history, engine, anotherEngine, plan, selection, earlier }
  }
  await engine.close()
  tell(io, outcome.message)
  return { ok: false, exitCode: outcome.exitCode }
}

async function sliced(plan: RunPlan, slice: SliceRequest | undefined): Promise<RunPlan> {
  if (slice === undefined) return plan
  const { slicePlan } = await import('../run/slice.ts')
  return slicePlan(plan, slice)
}

/** The plan without what the earlier run has done, which is said. */
async function narrowed(plan: RunPlan, { run, record }: Earlier, io: Io): Promise<RunPlan> {
  const { planAgain } = await import('../run/again.ts')
  const again = planAgain(plan, record)
  const what = again.files === 0 ? 'nothing is left to run' : `${again.files} to run`
  tell(
    io,
    `continues the run ${run}: ${what}, ${again.kept} passed before and ${again.kept === 1 ? 'stays' : 'stay'} so`,
  )
  return again.plan
}

/** Where the timings of past runs are: beside the runs, so that one folder is all that a CI cache has to keep. */
export function historyFile(settings: Settings): string {
  return path.join(settings.reportsDir, 'history.json')
}

function wrong(message: string, io: Io): Prepared {
  tell(io, message)
  return { ok: false, exitCode: EXIT.usage }
}

function regexProblem(source: string): string | null {
  try {
    void new RegExp(source)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** A path as it was typed in the working directory, seen from the root; anything that is no path stays as it is. */
function fromRoot(filter: string, root: string, cwd: string): string {
  const absolute = path.resolve(cwd, filter)
  if (!existsSync(absolute)) return filter
  const relative = path.relative(root, absolute)
  return relative.startsWith('..') ? filter : relative.split(path.sep).join('/')
}
