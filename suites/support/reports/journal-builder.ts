import type { Cause, Ending, NotRunReason } from '../../../src/core/ending.ts'
import {
  JOURNAL_VERSION,
  type CollectedTest,
  type ErrorRecord,
  type Event,
  type LeakedProcess,
  type LeftBehind,
  type PlannedFile,
  type RunMeta,
  type ServerFacts,
  type Stamped,
  type TestResult,
  type TierEnd,
} from '../../../src/core/events.ts'
import { forecast, order } from '../../../src/core/plan.ts'
import { foldAll, type RunRecord } from '../../../src/core/record.ts'
import type { SuiteSettings, TierSettings, VitestSuite } from '../../../src/core/settings.ts'
import { exitCode } from '../../../src/core/verdict.ts'
import { aCause, anError, aServer, aSuite, aTier, type ErrorLike } from './facts.ts'

export { aCause, anError, aServer, aSuite, aTier }

/**
 * Makes the journal of a run that never took place, with the events in the order and with the times a real run of
 * this shape would have: attempts occupy the shard that is free first, one after the other.
 *
 *     const { record, events } = journal()
 *       .tier('standard')
 *       .file('suites/standard/storm.test.ts', (file) => file.attempt((it) => it.passed('adds', 12).failed('breaks', 30, 'boom')))
 *       .file('suites/standard/late.test.ts', (file) => file.notRun('tier-deadline'))
 *       .tierEnds('deadline')
 *       .build()
 */
export function journal(meta: Partial<RunMeta> = {}): JournalBuilder {
  return new JournalBuilder(meta)
}

/** 2026-11-20T06:00:00.000Z: the moment at which every built run starts. */
export const START = Date.UTC(2026, 10, 20, 6, 0, 0)

export interface Built {
  readonly events: Stamped[]
  readonly record: RunRecord
}

interface FileOptions {
  readonly suite?: string
  readonly project?: string
  readonly expectedMs?: number | null
  /** What else the plan says of it. */
  readonly plan?: Partial<PlannedFile>
}

/** One tier as it is being described. */
interface DraftTier {
  readonly settings: TierSettings
  readonly suites: SuiteSettings[]
  readonly files: { readonly plan: PlannedFile; readonly draft: FileDraft }[]
  readonly strays: ErrorRecord[]
  end: TierEnd
}

export class JournalBuilder {
  readonly #meta: RunMeta
  readonly #tiers: DraftTier[] = []
  readonly #notes: Event[] = []
  readonly #timed: Stamped[] = []
  #server: ServerFacts | null = aServer()
  #signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | null = null
  #killed = false

  constructor(meta: Partial<RunMeta>) {
    this.#meta = {
      run: '20261120-060000-k3f9',
      tiershard: '0.1.0',
      node: 'v24.21.0',
      engine: 'vitest 5.1.0',
      platform: 'linux x64',
      cpus: 4,
      ci: null,
      commit: '4d1f0c2e9a7b',
      command: ['tiershard', 'run', '--tier', 'standard'],
      ...meta,
    }
  }

  /** Opens a tier: what follows belongs to it. */
  tier(name: string, settings: Partial<TierSettings> = {}): this {
    this.#tiers.push({ settings: { ...aTier(name), ...settings }, suites: [], files: [], strays: [], end: 'completed' })
    return this
  }

  /** A suite of the open tier; suites that files name are made by themselves. */
  suite(name: string, settings: Partial<VitestSuite> = {}): this {
    const tier = this.#tier()
    tier.suites.push({ ...aSuite(name, tier.settings.name), ...settings })
    return this
  }

  /** A planned file of the open tier. With neither an attempt nor a reason for not running it is lost. */
  file(path: string, describe: (file: FileDraft) => unknown = () => {}, options: FileOptions = {}): this {
    const tier = this.#tier()
    const { suite = tier.settings.name, project = '', expectedMs = null, plan } = options
    if (!tier.suites.some(({ name }) => name === suite)) this.suite(suite)
    const draft = new FileDraft()
    describe(draft)
    const id = project === '' ? path : `[${project}] ${path}`
    tier.files.push({ plan: { id, path, project, suite, expectedMs, ...plan }, draft })
    return this
  }

  server(facts: Partial<ServerFacts> | null): this {
    this.#server = facts && { ...aServer(), ...facts }
    return this
  }

  notice(level: 'info' | 'warning', code: string, message: string): this {
    this.#notes.push({ type: 'notice', level, code, message })
    return this
  }

  cause(cause: Partial<Cause> = {}): this {
    this.#notes.push({ type: 'infrastructure', cause: aCause(cause) })
    return this
  }

  /** Something that happens beside the files, so many ms after the start of the run: a sample of the server, a pause. */
  meanwhile(afterMs: number, event: Event): this {
    this.#timed.push({ ...event, at: START + afterMs })
    return this
  }

  /** An error of the engine that belongs to no file of the open tier. */
  stray(error: ErrorLike): this {
    this.#tier().strays.push(anError(error))
    return this
  }

  tierEnds(end: TierEnd): this {
    this.#tier().end = end
    return this
  }

  interrupted(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): this {
    this.#signal = signal
    return this
  }

  /** The run was killed: no tier of it ended, and neither did the run. */
  killed(): this {
    this.#killed = true
    return this
  }

  build(): Built {
    const events: Stamped[] = [{ type: 'run-started', version: JOURNAL_VERSION, ...this.#meta, at: START }]
    let at = START + 40
    for (const tier of this.#tiers) events.push({ ...planned(tier), at })
    for (const note of this.#notes) events.push({ ...note, at })
    if (this.#server) events.push({ type: 'server-ready', server: this.#server, at: (at += 120) })
    for (const tier of this.#tiers) {
      const ran = runTier(tier, at, this.#killed, this.#server !== null)
      for (const event of ran) events.push(event)
      at = ran.reduce((latest, event) => Math.max(latest, event.at), at)
    }
    events.push(...this.#timed)
    events.sort((a, b) => a.at - b.at)
    at = Math.max(at, events.at(-1)!.at)
    if (this.#signal) events.push({ type: 'interrupted', signal: this.#signal, at })
    if (!this.#killed) events.push({ type: 'run-ended', exitCode: exitCode(foldAll(events)), at: at + 15 })
    return { events, record: foldAll(events) }
  }

  #tier(): DraftTier {
    const tier = this.#tiers.at(-1)
    if (!tier) throw new Error('open a tier first: journal().tier(name)')
    return tier
  }
}

/** What happens to one planned file. */
export class FileDraft {
  readonly attempts: AttemptDraft[] = []
  ending: Ending | null = null

  attempt(describe: (attempt: AttemptDraft) => unknown): this {
    const attempt = new AttemptDraft()
    describe(attempt)
    this.attempts.push(attempt)
    return this
  }

  /** It never started, and the journal says why. */
  notRun(why: NotRunReason | Ending): this {
    this.ending = typeof why === 'string' ? { kind: 'not-run', why } : why
    return this
  }
}

/** What happens in one attempt at a file. Tests run one after the other, in the order in which they are written here. */
export class AttemptDraft {
  readonly steps: ({ at: number } & (
    | { readonly test: TestResult }
    | { readonly stream: 'stdout' | 'stderr'; readonly text: string }
  ))[] = []
  readonly collected: CollectedTest[] = []
  readonly underWay: string[] = []
  readonly errors: ErrorRecord[] = []
  leftovers: number | null = 0
  detail: LeftBehind | null = null
  readonly processes: LeakedProcess[] = []
  /** Process start and imports, ms; then the tests follow. */
  #clock = 80
  #durationMs: number | null = null
  #ending: Ending | null | 'by result' = 'by result'

  passed(name: string, durationMs = 5, more: Partial<TestResult> = {}): this {
    return this.test({ name, outcome: 'passed', durationMs, ...more })
  }

  failed(name: string, durationMs = 5, error: ErrorLike = 'expected 1 to be 2'): this {
    return this.test({ name, outcome: 'failed', durationMs, errors: [anError(error)] })
  }

  timedOut(name: string, durationMs = 30_000): this {
    const error = anError({ name: 'Error', message: `Test timed out in ${durationMs}ms.` })
    return this.test({ name, outcome: 'timed-out', durationMs, errors: [error] })
  }

  skipped(name: string, note: string | null = null): this {
    return this.test({ name, outcome: 'skipped', durationMs: 0, note })
  }

  /** Passed at the engine's own second try, inside the process. */
  retried(name: string, durationMs = 10, error: ErrorLike = 'expected 1 to be 2'): this {
    return this.test({ name, outcome: 'passed', durationMs, retries: 1, errors: [anError(error)] })
  }

  test(result: Partial<TestResult> & Pick<TestResult, 'name' | 'outcome'>): this {
    const line = result.line === undefined ? 10 + 4 * this.collected.length : result.line
    const test: TestResult = { durationMs: 5, retries: 0, errors: [], note: null, ...result, line }
    this.collected.push({ name: test.name, line })
    this.#clock += test.durationMs
    this.steps.push({ at: this.#clock, test })
    return this
  }

  /** Started, and still running when the file ended. */
  running(name: string): this {
    this.underWay.push(name)
    return this.pending(name)
  }

  /** Known to exist, never started. */
  pending(name: string): this {
    this.collected.push({ name, line: 10 + 4 * this.collected.length })
    return this
  }

  output(text: string, stream: 'stdout' | 'stderr' = 'stdout'): this {
    this.steps.push({ at: this.#clock, stream, text })
    return this
  }

  /** An error of the file itself: an import, a hook, an unhandled rejection. */
  error(error: ErrorLike): this {
    this.errors.push(anError(error))
    return this
  }

  leaves(keys: number, detail: Partial<LeftBehind> | null = null): this {
    this.leftovers = keys
    this.detail = detail && { sampled: keys, withoutTtl: keys, bytes: 64 * keys, groups: [], clients: [], ...detail }
    return this
  }

  /** A process that it started and left running. */
  leaks(pid: number, command: string): this {
    this.processes.push({ pid, command })
    return this
  }

  /** The duration of the attempt, ms; by default the sum of its tests and 100 ms more. */
  takes(durationMs: number): this {
    this.#durationMs = durationMs
    return this
  }

  /** How it ended; by default as its tests say. null: nothing more was heard of it, because the run was killed. */
  ends(ending: Ending | null): this {
    this.#ending = ending
    return this
  }

  get durationMs(): number {
    return this.#durationMs ?? this.#clock + 20
  }

  get ending(): Ending | null {
    if (this.#ending !== 'by result') return this.#ending
    const failed = this.steps.some((step) => 'test' in step && ['failed', 'timed-out'].includes(step.test.outcome))
    if (failed || this.errors.length > 0) return { kind: 'failed' }
    return { kind: this.collected.length === 0 ? 'no-tests' : 'passed' }
  }
}

function planned(tier: DraftTier): Event {
  const files = order(tier.files.map(({ plan }) => plan))
  const { settings, suites } = tier
  return {
    type: 'tier-planned',
    tier: settings.name,
    settings,
    suites,
    files,
    forecast: forecast(files, settings.shards, settings.deadlineMs),
  }
}

/** The events of a tier from its start, by time. */
function runTier(tier: DraftTier, from: number, killed: boolean, withRedis: boolean): Stamped[] {
  const name = tier.settings.name
  const events: Stamped[] = []
  const add = (at: number, event: Event): void => void events.push({ ...event, at })
  const shards = Array.from({ length: tier.settings.shards }, () => from + 10)
  if (withRedis) {
    for (const shard of shards.keys()) {
      add(from, { type: 'lease-granted', shard, database: shard + 1, fence: 1 })
    }
  }
  add(from + 10, { type: 'tier-started', tier: name, shards: tier.settings.shards, attempt: 1 })
  const { isolation } = tier.suites[0] ?? { isolation: 'db' }
  for (const { plan, draft } of tier.files) {
    for (const [index, attempt] of draft.attempts.entries()) {
      const shard = shards.indexOf(Math.min(...shards))
      const database = withRedis && isolation === 'db' ? shard + 1 : null
      const ref = { tier: name, file: plan.id, attempt: index + 1 }
      shards[shard] = runAttempt(attempt, ref, { shard, database }, shards[shard]!, add)
    }
  }
  const end = Math.max(...shards)
  for (const { plan, draft } of tier.files) {
    if (draft.ending === null) continue
    const ref = { tier: name, file: plan.id, attempt: draft.attempts.length + 1 }
    add(end, { type: 'file-ended', ...ref, ending: draft.ending, durationMs: 0, running: [], errors: [] })
  }
  for (const error of tier.strays) add(end, { type: 'stray-error', tier: name, error })
  if (!killed) add(end + 5, { type: 'tier-ended', tier: name, end: tier.end })
  return events.sort((a, b) => a.at - b.at)
}

/** Adds one attempt's events and returns when its shard is free again. */
function runAttempt(
  attempt: AttemptDraft,
  ref: { readonly tier: string; readonly file: string; readonly attempt: number },
  seat: { readonly shard: number; readonly database: number | null },
  from: number,
  add: (at: number, event: Event) => void,
): number {
  const { collected, durationMs, ending, errors, leftovers, detail, processes } = attempt
  add(from, { type: 'file-started', ...ref, ...seat })
  if (collected.length > 0) add(from + 80, { type: 'file-collected', ...ref, tests: collected })
  for (const step of attempt.steps) {
    const at = from + step.at
    if ('test' in step) add(at, { type: 'test-ended', ...ref, test: step.test })
    else add(at, { type: 'file-output', ...ref, stream: step.stream, text: step.text })
  }
  // Never before the last thing that it did, whatever `takes` says.
  const end = from + Math.max(durationMs, attempt.steps.at(-1)?.at ?? 0)
  if (ending === null) return end
  add(end, { type: 'file-ended', ...ref, ending, durationMs, running: attempt.underWay, errors })
  if (seat.database !== null && leftovers !== null) {
    add(end + 1, { type: 'file-cleaned', ...ref, leftovers: { keys: leftovers, ...(detail && { detail }) } })
  }
  if (processes.length > 0) add(end + 1, { type: 'file-leaked', ...ref, processes })
  return end + 2
}
