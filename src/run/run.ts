import { JOURNAL_VERSION, type RunMeta } from '../core/events.ts'
import type { Engine, OwnServers, OwnServersResult, RedisServer, Resolved } from '../core/ports.ts'
import type { OpenServices, Services } from '../core/service-ports.ts'
import type { RunRecord } from '../core/record.ts'
import type { Isolation } from '../core/settings.ts'
import { exitCode } from '../core/verdict.ts'
import { findingNotice, NO_GUARD, openGuard } from './guard.ts'
import type { Ledger } from './ledger.ts'
import type { RunPlan } from './plan.ts'
import { idleQuarantine } from './quarantine.ts'
import { closeFiles, runTier } from './tier.ts'

export interface RunDeps {
  readonly meta: RunMeta
  readonly engine: Engine
  readonly ledger: Ledger
  /** Finds the tests' Redis; called only if some planned file needs one. */
  readonly resolveRedis: (signal: AbortSignal) => Promise<Resolved>
  /** The record that the verdict is about: the run's own, or that together with the run that it continues. */
  readonly whole?: (own: RunRecord) => RunRecord
  /** Servers of the run's own; called only if some planned file wants one. */
  readonly openServers: () => Promise<OwnServersResult>
  /** Makes the services ready to be started; called only if some planned file needs one. Absent: there is none. */
  readonly openServices?: OpenServices
  /** A folder for scratch files; it is there as long as the run. */
  readonly scratch: string
  /** How long to wait for a free database, ms. */
  readonly waitMs: number
  /** Makes another engine like the first, for runs that repeat files; absent: there is none. */
  readonly anotherEngine?: () => Engine
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

  const redis = await findRedis(plan, deps)
  const servers = redis === 'failed' ? null : await findServers(plan, deps)
  const services = redis === 'failed' || servers === 'failed' ? null : await startServices(plan, deps)
  let enough = false
  const guard = redis && redis !== 'failed' ? openGuard(redis, ledger, deps.patienceMs) : NO_GUARD
  try {
    for (const tier of plan.tiers) {
      const broken = ledger.record.causes.length > 0
      if (
        redis === 'failed' ||
        servers === 'failed' ||
        services === 'failed' ||
        broken ||
        deps.signal.aborted ||
        enough
      ) {
        const why = deps.signal.aborted ? 'signal' : enough ? 'fail-fast' : 'infrastructure'
        closeFiles(tier.settings.name, ledger, why)
        const end = why === 'infrastructure' ? 'infrastructure' : 'cancelled'
        ledger.emit({ type: 'tier-ended', tier: tier.settings.name, end })
        continue
      }
      const outcome = await runTier(tier, {
        run: deps.meta.run,
        engine: deps.engine,
        ledger,
        redis,
        servers,
        services,
        guard,
        waitMs: deps.waitMs,
        signal: deps.signal,
        scratch: deps.scratch,
        testName: plan.testName,
        anotherEngine: deps.anotherEngine ?? (() => deps.engine),
      })
      enough ||= outcome === 'enough'
    }
  } finally {
    guard.stop()
    deps.signal.removeEventListener('abort', onSignal)
    await Promise.all([
      deps.engine.close(),
      services === 'failed' ? undefined : services?.stop(),
      redis === 'failed' ? undefined : redis?.close(),
      servers === 'failed' ? undefined : servers?.close(),
    ])
  }
  for (const message of idleQuarantine(plan, ledger.record)) {
    ledger.emit({ type: 'notice', level: 'warning', code: 'quarantine', message })
  }
  ledger.emit({ type: 'run-ended', exitCode: exitCode(deps.whole?.(ledger.record) ?? ledger.record) })
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
  if (!wants(plan, 'db')) return null
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

/** Servers for the suites that want one a shard, and a word about where they come from. */
async function findServers(plan: RunPlan, deps: RunDeps): Promise<OwnServers | null | 'failed'> {
  const { ledger } = deps
  if (!wants(plan, 'server')) return null
  const opened = await deps.openServers()
  if (!opened.ok) {
    ledger.emit({ type: 'infrastructure', cause: opened.cause })
    return 'failed'
  }
  const { facts } = opened.servers
  if (!wants(plan, 'db')) ledger.emit({ type: 'server-ready', server: facts })
  else {
    const what = `${facts.product} ${facts.version}`.trim()
    const message = `suites with isolation 'server' get servers of this run's own (${what}, ${facts.source}), a fresh one for every file`
    ledger.emit({ type: 'notice', level: 'info', code: 'own-servers', message })
  }
  return opened.servers
}

/** The services that planned files name and all that those need; what lives as long as the run is started. */
async function startServices(
  plan: RunPlan,
  { ledger, openServices, signal }: RunDeps,
): Promise<Services | null | 'failed'> {
  const names = plan.tiers.flatMap(({ suites, files }) =>
    suites.filter(({ name }) => files.some((file) => file.suite === name)).flatMap((suite) => suite.services ?? []),
  )
  if (names.length === 0 || openServices === undefined) return null
  const services = await openServices({
    conceal: (secret) => ledger.conceal(secret),
    ready: (part) => ledger.emit({ type: 'service-ready', ...part }),
    notice: (message) => ledger.emit({ type: 'notice', level: 'info', code: 'services', message }),
  })
  const started = await services.start([...new Set(names)], signal)
  if (started.ok) return services
  if (!signal.aborted) ledger.emit({ type: 'infrastructure', cause: started.cause })
  await services.stop()
  return 'failed'
}

function wants(plan: RunPlan, isolation: Isolation): boolean {
  return plan.tiers.some(({ suites, files }) =>
    files.some((file) => suites.find((suite) => suite.name === file.suite)?.isolation === isolation),
  )
}

function signalName(signal: AbortSignal): 'SIGINT' | 'SIGTERM' | 'SIGHUP' {
  return signal.reason === 'SIGTERM' || signal.reason === 'SIGHUP' ? signal.reason : 'SIGINT'
}
