import { EXIT } from '../core/verdict.ts'
import type { RunPlan } from '../run/plan.ts'
import { printJson, type Io } from './io.ts'
import { prepare } from './prepare.ts'
import type { PlanOptions } from './options.ts'
import { newRunId } from './run-folder.ts'

/** `tiershard plan`: returns the exit code. */
export async function planCommand(files: readonly string[], options: PlanOptions, io: Io): Promise<number> {
  const prepared = await prepare(files, options, newRunId(), io)
  if (!prepared.ok) return prepared.exitCode
  await prepared.engine.close()
  return printPlan(prepared.plan, options.json ?? false, io)
}

/** Prints a plan with every file of it. */
export async function printPlan(plan: RunPlan, json: boolean, io: Io): Promise<number> {
  const { place, renderPlan } = await import('../reports/console/plan.ts')
  if (json) {
    printJson(io, {
      version: 1,
      engine: plan.engine,
      tiers: plan.tiers.map(({ settings, suites, files, forecast }) => ({
        tier: settings.name,
        settings,
        suites,
        forecast,
        files: place(files, settings.shards).map(({ file, shard, startMs }) => ({ ...file, shard, startMs })),
      })),
      warnings: plan.warnings,
      ...(plan.slice ? { slice: { ...plan.slice.mark, expectedMs: plan.slice.expectedMs } } : {}),
    })
    return EXIT.passed
  }
  const { createPaint } = await import('../reports/console/paint.ts')
  const paint = createPaint(io.stdout, io.env)
  io.stdout.write(renderPlan(plan, io.stdout.columns ?? 120, { full: true, paint }))
  return EXIT.passed
}
