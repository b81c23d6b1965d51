import type { Stamped } from '../../../src/core/events.ts'
import { forecast } from '../../../src/core/plan.ts'
import type { RunRecord } from '../../../src/core/record.ts'
import type { TierSettings } from '../../../src/core/settings.ts'
import { openLedger } from '../../../src/run/ledger.ts'
import { run } from '../../../src/run/run.ts'
import { fakeEngine, planned, suite, tier, type Act } from './fakes.ts'

/** What a file of {@link runScripted} is, beside its script. */
export type Plan = Parameters<typeof planned>[1]

/** Runs files without Redis on scripted engines; `tiers` in their order, each with the scripts of its files by id. */
export async function runScripted(
  tiers: readonly {
    readonly settings?: Partial<TierSettings>
    readonly suite?: Parameters<typeof suite>[0]
    readonly files: Readonly<Record<string, Act>>
    readonly plans?: Readonly<Record<string, Plan>>
  }[],
  whole = true,
): Promise<{ readonly record: RunRecord; readonly events: Stamped[] }> {
  const events: Stamped[] = []
  const ledger = openLedger({ append: () => {}, close: () => {} }, [(event) => events.push(event)])
  const scripts = new Map(tiers.flatMap(({ files }) => Object.entries(files)))
  const engine = () => fakeEngine((file) => scripts.get(file)!)
  const plans = tiers.map(({ settings = {}, suite: ofSuite = {}, files, plans = {} }, at) => {
    const name = `tier-${at + 1}`
    const list = Object.keys(files).map((id) =>
      planned(id, { ...(settings.stress ? { repeated: settings.stress } : {}), ...plans[id] }),
    )
    const full = tier({ name, ...settings })
    const suites = [suite({ tier: name, isolation: 'none', ...ofSuite })]
    return { settings: full, suites, files: list, forecast: forecast(list, full.shards, full.deadlineMs) }
  })
  const record = await run(
    { engine: 'fake 1', tiers: plans, warnings: [], testName: null, whole },
    {
      meta: {
        run: 'r1',
        tiershard: '0',
        node: 'v24',
        engine: 'fake 1',
        platform: 'linux x64',
        cpus: 2,
        ci: null,
        commit: null,
        command: [],
      },
      engine: engine(),
      anotherEngine: engine,
      ledger,
      resolveRedis: async () => {
        throw new Error('no file needs Redis')
      },
      openServers: async () => {
        throw new Error('no file needs a server')
      },
      scratch: '(no engine of these tests needs one)',
      waitMs: 0,
      patienceMs: 0,
      signal: new AbortController().signal,
    },
  )
  return { record, events }
}

/** Does one thing after the other, attempt by attempt; the last one again and again. */
export function inTurn(...acts: Act[]): Act {
  let attempt = 0
  return (...args) => acts[Math.min(attempt++, acts.length - 1)]!(...args)
}
