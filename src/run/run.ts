import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { JOURNAL_VERSION, type RunMeta } from '../core/events.ts'
import type { Engine, RedisServer, Resolved } from '../core/ports.ts'
import type { RunRecord } from '../core/record.ts'
import { exitCode } from '../core/verdict.ts'
import { findingNotice, NO_GUARD, openGuard } from './guard.ts'
import type { Ledger } from './ledger.ts'
import type { RunPlan } from './plan.ts'
import { closeFiles, runTier } from './tier.ts'

export interface RunDeps {
  readonly meta: RunMeta
  readonly engine: Engine
  readonly ledger: Ledger
  /** Finds the tests' Redis; called only if some planned file needs one. */
  readonly resolveRedis: (signal: AbortSignal) => Promise<Resolved>
  /** How long to wait for a free database, ms. */
  readonly waitMs: number
  /** How long to wait for a server that stops being fit, ms. */
  readonly patienceMs: number
  /** Aborted when the user interrupts the run; the reason is the signal's name. */
  readonly signal: AbortSignal
}

/**
 * Runs a plan: find Redis, then tier after tier. Returns the record that the journal holds; its exit code is set.
 * Whatever happens on the way, every planned file has an ending in it.
 */
export async function run(plan: RunPlan, deps: RunDeps): Promise<RunRecord> {
  const { ledger } = deps
  open(plan, deps)
  const onSignal = (): void => ledger.emit({ type: 'interrupted', signal: signalName(deps.signal) })
  if (deps.signal.aborted) onSignal()
  else deps.signal.addEventListener('abort', onSignal, { once: true })

  const scratch = await mkdtemp(path.join(tmpdir(), 'tiershard-run-'))
  const redis = await findRedis(plan, deps)
  const guard = redis && redis !== 'failed' ? openGuard(redis, ledger, deps.patienceMs) : NO_GUARD
  try {
    for (const tier of plan.tiers) {
      if (redis === 'failed' || ledger.record.causes.length > 0 || deps.signal.aborted) {
        const why = deps.signal.aborted ? 'signal' : 'infrastructure'
        closeFiles(tier.settings.name, ledger, why)
        const end = why === 'signal' ? 'cancelled' : 'infrastructure'
        ledger.emit({ type: 'tier-ended', tier: tier.settings.name, end })
        continue
      }
      await runTier(tier, {
        run: deps.meta.run,
        engine: deps.engine,
        ledger,
        redis,
        guard,
        waitMs: deps.waitMs,
        signal: deps.signal,
        scratch,
        testName: plan.testName,
      })
    }
  } finally {
    guard.stop()
    deps.signal.removeEventListener('abort', onSignal)
    await Promise.all([deps.engine.close(), redis === 'failed' ? undefined : redis?.close()])
    await rm(scratch, { recursive: true, force: true })
  }
  ledger.emit({ type: 'run-ended', exitCode: exitCode(ledger.record) })
  return ledger.record
}

/** The head of the journal: who runs, and everything that is planned. From here on nothing planned can get lost. */
function open(plan: RunPlan, { ledger, meta }: RunDeps): void {
  ledger.emit({ type: 'run-started', version: JOURNAL_VERSION, ...meta })
  for (const message of plan.warnings) ledger.emit({ type: 'notice', level: 'warning', code: 'plan', message })
  for (const { settings, suites, files, forecast } of plan.tiers) {
    ledger.emit({ type: 'tier-planned', tier: settings.name, settings, suites, files, forecast })
  }
}

async function findRedis(plan: RunPlan, deps: RunDeps): Promise<RedisServer | null | 'failed'> {
  const { ledger } = deps
  const wanted = plan.tiers.some(({ suites, files }) =>
    files.some((file) => suites.find((suite) => suite.name === file.suite)?.isolation === 'db'),
  )
  if (!wanted) return null
  const resolved = await deps.resolveRedis(deps.signal)
  if (!resolved.ok) {
    if (!deps.signal.aborted) ledger.emit({ type: 'infrastructure', cause: resolved.cause })
    return 'failed'
  }
  ledger.emit({ type: 'server-ready', server: resolved.server.facts })
  for (const found of resolved.server.findings) {
    if (found.severity === 'warning') ledger.emit(findingNotice(found, resolved.server.facts.address))
  }
  return resolved.server
}

function signalName(signal: AbortSignal): 'SIGINT' | 'SIGTERM' | 'SIGHUP' {
  return signal.reason === 'SIGTERM' || signal.reason === 'SIGHUP' ? signal.reason : 'SIGINT'
}
