import type { Stamped } from '../../../src/core/events.ts'
import { forecast } from '../../../src/core/plan.ts'
import type { Engine, OwnServers, Resolved } from '../../../src/core/ports.ts'
import type { Services } from '../../../src/core/service-ports.ts'
import { fileEnding } from '../../../src/core/verdict.ts'
import type { RunRecord } from '../../../src/core/record.ts'
import { openLedger } from '../../../src/run/ledger.ts'
import type { TierPlan } from '../../../src/run/plan.ts'
import { run } from '../../../src/run/run.ts'
import { type Act, fakeEngine, fakeLease, fakeRedis, planned, suite, tier } from './fakes.ts'

const META = {
  run: 'r1',
  tiershard: '0',
  node: '24',
  engine: 'fake 1',
  platform: 'linux',
  cpus: 2,
  ci: null,
  commit: null,
  command: [],
}

const NO_SERVERS = { code: 'redis-start-failed', message: 'no server', remedy: 'install one' } as const

interface Options {
  readonly files?: readonly string[]
  readonly settings?: Parameters<typeof tier>[0]
  readonly redis?: ReturnType<typeof fakeRedis>
  readonly resolved?: Resolved
  readonly servers?: OwnServers
  readonly services?: Services
  readonly onEvent?: (event: Stamped) => void
  readonly signal?: AbortSignal
  readonly patienceMs?: number
  readonly suites?: TierPlan['suites']
  readonly testName?: string
  /** What is done to the engine before the run gets it. */
  readonly engine?: (engine: Engine) => Engine
}

/** Runs scripted files of one tier, each with a database. */
export async function play(script: Record<string, Act> | ((file: string) => Act), options: Options = {}) {
  const events: Stamped[] = []
  const ledger = openLedger({ append: (line) => events.push(JSON.parse(line) as Stamped), close() {} }, [
    (event) => options.onEvent?.(event),
  ])
  const names = options.files ?? (typeof script === 'function' ? [] : Object.keys(script))
  const settings = tier(options.settings)
  const repeated = options.settings?.stress ? { repeated: options.settings.stress } : {}
  const files = names.map((name) => planned(name, repeated))
  const plan: TierPlan = { settings, suites: options.suites ?? [suite()], files, forecast: forecast(files, 2, 1) }
  const redis = options.redis ?? fakeRedis([fakeLease(1), fakeLease(2)])
  const scriptOf = typeof script === 'function' ? script : (file: string) => script[file]!
  const engine = fakeEngine(scriptOf)
  const record = await run(
    { engine: 'fake 1', tiers: [plan], warnings: [], testName: options.testName ?? null },
    {
      meta: options.testName === undefined ? META : { ...META, testName: options.testName },
      engine: options.engine?.(engine) ?? engine,
      anotherEngine: () => fakeEngine(scriptOf),
      ledger,
      resolveRedis: async () => options.resolved ?? { ok: true, server: redis },
      openServers: async () =>
        options.servers ? { ok: true, servers: options.servers } : { ok: false, cause: NO_SERVERS },
      ...(options.services ? { openServices: async () => options.services! } : {}),
      scratch: '(no engine of these tests needs one)',
      waitMs: 1000,
      patienceMs: options.patienceMs ?? 0,
      signal: options.signal ?? new AbortController().signal,
    },
  )
  return { record, events, engine, redis }
}

/** The kind of every file's ending. */
export const endings = (record: RunRecord): Record<string, string> =>
  Object.fromEntries(
    [...record.tiers.values()].flatMap((t) => [...t.files].map(([id, file]) => [id, fileEnding(file).kind] as const)),
  )
