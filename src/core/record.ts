import { unreachable, type Cause, type Ending, type TestOutcome } from './ending.ts'
import type {
  AttemptRef,
  CollectedTest,
  ErrorRecord,
  Forecast,
  LeakedProcess,
  Leftovers,
  PlannedFile,
  RunMeta,
  ServerFacts,
  ServerSample,
  Stamped,
  TestResult,
  TierEnd,
} from './events.ts'
import { addStart, type ServiceRecord } from './service-record.ts'
import type { SuiteSettings, TierSettings } from './settings.ts'

/** The state of a run: what its journal says so far. Only {@link fold} writes it; everything else reads. */
export interface RunRecord {
  readonly meta: RunMeta | null
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly server: ServerFacts | null
  /** The services that were started, in the order of their first start. */
  readonly services: readonly ServiceRecord[]
  readonly tiers: ReadonlyMap<string, TierRecord>
  readonly notices: readonly { level: 'info' | 'warning'; code: string; message: string }[]
  readonly causes: readonly Cause[]
  /** The server while the run went on, about one a second. */
  readonly samples: readonly (ServerSample & { readonly at: number })[]
  /** Times in which nothing was started because the server was not fit. */
  readonly outages: readonly Outage[]
  readonly interrupted: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | null
  /** null while the run goes on, or when it was killed and {@link RunRecord} was not settled. */
  readonly exitCode: number | null
  /** The time of the last event, ms since 1970. */
  readonly lastAt: number | null
  /** What is known to be missing and shows in no file: each counts as one thing without a result. */
  readonly missing: readonly Missing[]
  /** The runs of several nodes that this record puts together, in the order of their shards; absent: it is of one run. */
  readonly nodes?: readonly NodeRecord[]
}

/** One node of a CI matrix: see core/matrix.ts. */
export interface NodeRecord {
  /** For people, and unique among the nodes: "slice 2/4", or "node 1" for a run that is no slice. */
  readonly name: string
  /** Its shard 0 has this number in the record of all nodes. */
  readonly firstShard: number
  readonly shards: number
  /** The node's own account, with its own clock. */
  readonly record: RunRecord
}

export interface Missing {
  /**
   * - `killed`: the journal has no end.
   * - `journal`: a part of the journal is damaged, or speaks of files that are in no plan.
   * - `run`: the journal of a run that belongs to this one is not there.
   * - `matrix`: of the runs of several nodes one is missing, or they do not fit together.
   */
  readonly kind: 'killed' | 'journal' | 'run' | 'matrix'
  /** One sentence for people, without a full stop. */
  readonly message: string
}

export interface Outage {
  readonly cause: Cause
  readonly from: number
  /** null: it lasted until the end of the run. */
  readonly pausedMs: number | null
}

export interface TierRecord {
  readonly name: string
  readonly settings: TierSettings
  readonly suites: readonly SuiteSettings[]
  readonly forecast: Forecast
  /** Shards in use: fewer than planned when databases were scarce. */
  readonly shards: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly end: TierEnd | null
  readonly files: ReadonlyMap<string, FileRecord>
  readonly strayErrors: readonly ErrorRecord[]
}

export interface FileRecord {
  readonly plan: PlannedFile
  /** In order; empty when the file never started. Which one decides, `decidingAttempt` says. */
  readonly attempts: readonly AttemptRecord[]
  /** Why it never started, once that is known. */
  readonly notRun: Ending | null
}

export interface AttemptRecord {
  readonly attempt: number
  readonly shard: number
  readonly database: number | null
  readonly startedAt: number
  /** When its tests became known: process start and imports lie before it. null: they never did. */
  readonly collectedAt: number | null
  readonly endedAt: number | null
  readonly durationMs: number
  /** null while the attempt runs, or when the run was killed. */
  readonly ending: Ending | null
  /** By name, in the order of the file. */
  readonly tests: ReadonlyMap<string, TestRecord>
  readonly errors: readonly ErrorRecord[]
  readonly output: readonly { stream: 'stdout' | 'stderr'; text: string }[]
  readonly leftovers: Leftovers | null
  /** The earlier run in which this attempt was made; absent: the run of the record itself. */
  readonly run?: string
  /** Processes that it left running; absent when it left none. */
  readonly leaked?: readonly LeakedProcess[]
}

export interface TestRecord {
  readonly name: string
  readonly line: number | null
  /** null while nothing is known. */
  readonly outcome: TestOutcome | null
  readonly durationMs: number
  readonly retries: number
  readonly errors: readonly ErrorRecord[]
  readonly note: string | null
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type OpenAttempt = Mutable<Omit<AttemptRecord, 'tests' | 'errors' | 'output'>> & {
  tests: Map<string, TestRecord>
  errors: ErrorRecord[]
  output: { stream: 'stdout' | 'stderr'; text: string }[]
}
type OpenFile = Mutable<Omit<FileRecord, 'attempts'>> & { attempts: OpenAttempt[] }
type OpenTier = Mutable<Omit<TierRecord, 'files' | 'strayErrors'>> & {
  files: Map<string, OpenFile>
  strayErrors: ErrorRecord[]
}
type OpenRun = Mutable<
  Omit<RunRecord, 'tiers' | 'services' | 'notices' | 'causes' | 'samples' | 'outages' | 'missing'>
> & {
  samples: (ServerSample & { at: number })[]
  outages: Mutable<Outage>[]
  services: ServiceRecord[]
  tiers: Map<string, OpenTier>
  notices: { level: 'info' | 'warning'; code: string; message: string }[]
  causes: Cause[]
  missing: Missing[]
}

/** An empty record and the function that adds one event to it. */
export function startFold(): { readonly record: RunRecord; readonly fold: (event: Stamped) => void } {
  const run: OpenRun = {
    meta: null,
    startedAt: null,
    endedAt: null,
    server: null,
    services: [],
    tiers: new Map(),
    notices: [],
    causes: [],
    samples: [],
    outages: [],
    interrupted: null,
    exitCode: null,
    lastAt: null,
    missing: [],
  }
  return { record: run, fold: (event) => apply(run, event) }
}

/** The record of a whole journal. */
export function foldAll(events: Iterable<Stamped>): RunRecord {
  const { record, fold } = startFold()
  for (const event of events) fold(event)
  return record
}

function apply(run: OpenRun, event: Stamped): void {
  run.lastAt = event.at
  switch (event.type) {
    case 'run-started': {
      const { type: _, version: __, at, ...meta } = event
      run.meta = meta
      run.startedAt = at
      return
    }
    case 'tier-planned':
      run.tiers.set(event.tier, {
        name: event.tier,
        settings: event.settings,
        suites: event.suites,
        forecast: event.forecast,
        shards: event.settings.shards,
        startedAt: null,
        endedAt: null,
        end: null,
        files: new Map(event.files.map((plan) => [plan.id, { plan, attempts: [], notRun: null }])),
        strayErrors: [],
      })
      return
    case 'server-ready':
      run.server = event.server
      return
    case 'service-ready': {
      const { type: _, at: __, ...part } = event
      addStart(run.services, part)
      return
    }
    case 'tier-started': {
      const tier = run.tiers.get(event.tier)
      if (tier) {
        // A later round, of a few files, may need fewer.
        tier.shards = tier.startedAt === null ? event.shards : Math.max(tier.shards, event.shards)
        tier.startedAt ??= event.at
      }
      return
    }
    case 'tier-ended': {
      const tier = run.tiers.get(event.tier)
      if (tier) {
        tier.end = event.end
        tier.endedAt = event.at
      }
      return
    }
    case 'file-started':
      fileOf(run, event)?.attempts.push({
        attempt: event.attempt,
        shard: event.shard,
        database: event.database,
        startedAt: event.at,
        collectedAt: null,
        endedAt: null,
        durationMs: 0,
        ending: null,
        tests: new Map(),
        errors: [],
        output: [],
        leftovers: null,
      })
      return
    case 'file-collected': {
      const attempt = attemptOf(run, event)
      if (attempt) attempt.collectedAt ??= event.at
      for (const test of event.tests)
        if (!attempt?.tests.has(test.name)) attempt?.tests.set(test.name, unknownTest(test))
      return
    }
    case 'test-ended':
      attemptOf(run, event)?.tests.set(event.test.name, testRecord(event.test))
      return
    case 'file-output':
      attemptOf(run, event)?.output.push({ stream: event.stream, text: event.text })
      return
    case 'file-ended':
      endAttempt(run, event)
      return
    case 'file-cleaned': {
      const attempt = attemptOf(run, event)
      if (attempt) attempt.leftovers = event.leftovers
      return
    }
    case 'file-leaked': {
      const attempt = attemptOf(run, event)
      if (attempt) attempt.leaked = event.processes
      return
    }
    case 'stray-error':
      run.tiers.get(event.tier)?.strayErrors.push(event.error)
      return
    case 'notice':
      run.notices.push({ level: event.level, code: event.code, message: event.message })
      return
    case 'infrastructure':
      run.causes.push(event.cause)
      return
    case 'server-sampled': {
      const { type: _, ...sample } = event
      run.samples.push(sample)
      return
    }
    case 'dispatch-paused':
      run.outages.push({ cause: event.cause, from: event.at, pausedMs: null })
      return
    case 'dispatch-resumed': {
      const outage = run.outages.at(-1)
      if (outage) outage.pausedMs = event.pausedMs
      return
    }
    case 'interrupted':
      run.interrupted ??= event.signal
      return
    case 'run-ended':
      run.endedAt = event.at
      run.exitCode = event.exitCode
      return
    case 'lease-waiting':
    case 'lease-granted':
    case 'lease-lost':
    case 'lease-released':
      return
    default:
      unreachable(event)
  }
}

function attemptOf(run: OpenRun, ref: AttemptRef): OpenAttempt | undefined {
  return fileOf(run, ref)?.attempts.findLast((attempt) => attempt.attempt === ref.attempt)
}

/** Of strangers so many are named: a lost plan makes strangers of all files. */
const STRANGERS_NAMED = 100

/** The planned file of an event. A result of something that was never planned says that the plan is not whole. */
function fileOf(run: OpenRun, { tier, file }: AttemptRef): OpenFile | undefined {
  const known = run.tiers.get(tier)
  const found = known?.files.get(file)
  if (found || run.missing.length >= STRANGERS_NAMED) return found
  const message = known
    ? `the journal has results of ${file}, which is in no plan of tier ${tier}`
    : `the journal has results of tier ${tier} and not its plan`
  if (!run.missing.some((missing) => missing.message === message)) run.missing.push({ kind: 'journal', message })
  return undefined
}

/**
 * A file that ends as `not-run` never had an attempt; every other ending closes the attempt it names. Where that
 * attempt is unknown, its tests are too: the file is lost, however it ended.
 */
function endAttempt(run: OpenRun, event: Extract<Stamped, { type: 'file-ended' }>): void {
  const file = fileOf(run, event)
  if (!file) return
  const attempt = attemptOf(run, event)
  if (!attempt) {
    file.notRun = event.ending.kind === 'not-run' ? event.ending : { kind: 'not-run', why: 'lost' }
    return
  }
  attempt.ending = event.ending
  attempt.endedAt = event.at
  attempt.durationMs = event.durationMs
  attempt.errors.push(...event.errors)
  const running = new Set(event.running)
  // Failed while its server was not fit, or its database was taken away: that says nothing about the test.
  const excused = event.ending.kind === 'infrastructure' || event.ending.kind === 'lease-lost'
  for (const [name, test] of attempt.tests) {
    if (excused && (test.outcome === 'failed' || test.outcome === 'timed-out')) {
      attempt.tests.set(name, { ...test, outcome: 'interrupted' })
    }
    if (test.outcome === null) {
      attempt.tests.set(name, { ...test, outcome: running.has(name) ? whileRunning(event.ending) : 'not-run' })
    }
  }
  for (const name of running) {
    if (!attempt.tests.has(name)) {
      attempt.tests.set(name, { ...unknownTest({ name, line: null }), outcome: whileRunning(event.ending) })
    }
  }
}

/** What became of a test that was running when its file ended. */
function whileRunning(ending: Ending): TestOutcome {
  switch (ending.kind) {
    case 'timed-out':
      return 'timed-out'
    case 'crashed':
      return 'crashed'
    case 'infrastructure':
    case 'lease-lost':
    case 'cancelled':
      return 'interrupted'
    case 'passed':
    case 'failed':
    case 'no-tests':
    case 'not-run':
      // The engine said the file ended and never said how this test did: it is lost, and the run is incomplete.
      return 'not-run'
    default:
      return unreachable(ending)
  }
}

function unknownTest(test: CollectedTest): TestRecord {
  return { name: test.name, line: test.line, outcome: null, durationMs: 0, retries: 0, errors: [], note: null }
}

function testRecord(test: TestResult): TestRecord {
  const { name, line, outcome, durationMs, retries, errors, note } = test
  return { name, line, outcome, durationMs, retries, errors, note }
}
