import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunMeta } from '../core/events.ts'
import type { RunRecord } from '../core/record.ts'
import type { Settings } from '../core/settings.ts'
import { continued, settle } from '../core/settle.ts'
import { EXIT, firstExitCode, JOURNAL_FAILED } from '../core/verdict.ts'
import type { Console } from '../reports/console/index.ts'
import type { Journal } from '../reports/journal.ts'
import { openCluster } from './cluster.ts'
import { tell, type Io } from './io.ts'
import { ciName, runMeta } from './meta.ts'
import { printPlan } from './plan.ts'
import { prepare, type Prepared } from './prepare.ts'
import type { RunOptions } from './options.ts'
import { createRunFolder, createScratchFolder, newRunId, pointLatest, removeScratchFolder } from './run-folder.ts'
import type { RunFolder } from './run-folder.ts'
import { openServices } from './services.ts'
import { listenForStop, signalExitCode, type Stop } from './signals.ts'

/** So long may what comes before the first test go on after a signal, ms: a config that is code may wait for anything. */
const PREPARE_LIMIT_MS = 1_000

type Ready = Extract<Prepared, { ok: true }>

/** `tiershard run`: returns the exit code. */
export async function runCommand(files: readonly string[], options: RunOptions, io: Io): Promise<number> {
  const runId = newRunId()
  let view: Console | null = null
  const stop = listenForStop({
    first: (signal) => {
      if (view === null) tell(io, `\n${signal}: ending; once more ends at once`)
    },
    again: (first) => {
      view?.interrupt()
      io.exit(signalExitCode(first))
    },
  })
  try {
    const prepared = await Promise.race([prepare(files, options, runId, io), givenUp(stop.signal)])
    if (prepared === null) return signalExitCode(stop.received!)
    if (!prepared.ok) return stop.received ? signalExitCode(stop.received) : prepared.exitCode
    const { settings, engine, plan } = prepared

    if (stop.received || options.dryRun) {
      await engine.close()
      if (stop.received) return signalExitCode(stop.received)
      return await printPlan(plan, options.json ?? false, io)
    }

    const opened = await openPlaces(settings, runId)
    if (!opened.ok) {
      await engine.close()
      tell(io, opened.message)
      return EXIT.usage
    }
    const { folder, journal, note, scratch } = opened
    if (note !== null) tell(io, `note: ${note}`)

    // Git answers while the rest is loaded.
    const meta = metaOf(prepared, runId, io)
    view = await openConsole(settings, options, io)
    const own = await execute(prepared, { runId, meta, journal, scratch, view, stop, io })
    // Settled once more: the journal may have failed at its last line.
    const record = settle(prepared.earlier ? continued(prepared.earlier.record, own) : own)
    const { writeReports } = await import('./write-reports.ts')
    const written = await writeReports(record, { ...prepared, owns: [own] }, folder, options.json ?? false, io)
    view.finish(record, written.slow, [...written.files, path.basename(folder.journal)])

    const problems = [...(journal.failure === null ? [] : [journal.failure]), ...written.problems]
    for (const problem of [...problems, ...written.gaps]) tell(io, `! ${problem}`)
    // A report that got lost: the tests may have passed, and the run still is not what was asked for.
    const kept = journal.failure === null ? EXIT.passed : EXIT.infrastructure
    return firstExitCode([record.exitCode ?? EXIT.incomplete, kept, ...written.exitCodes])
  } finally {
    stop.close()
  }
}

/** What the preparation has started ends with this process. */
async function givenUp(signal: AbortSignal): Promise<null> {
  await once(signal, 'abort')
  await sleep(PREPARE_LIMIT_MS)
  return null
}

interface Places {
  readonly folder: RunFolder
  /** Open, in that folder. */
  readonly journal: Journal
  readonly note: string | null
  /** A folder for scratch files. */
  readonly scratch: string
}

type Opened<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly message: string }

/** Where the run writes: what cannot be written is found before anything runs. */
async function openPlaces(settings: Settings, runId: string): Promise<Opened<Places>> {
  const scratch = createScratchFolder()
  if (!scratch.ok) return scratch
  const reports = await openReports(settings, runId)
  if (reports.ok) return { ...reports, scratch: scratch.path }
  removeScratchFolder(scratch.path)
  return reports
}

async function openReports({ reportsDir }: Settings, runId: string): Promise<Opened<Omit<Places, 'scratch'>>> {
  const opened = createRunFolder(reportsDir, runId)
  if (!opened.ok) return opened
  const { openJournal } = await import('../reports/journal.ts')
  const journal = openJournal(opened.folder.journal)
  if (journal.failure !== null) return { ok: false, message: journal.failure }
  return { ok: true, folder: opened.folder, journal, note: pointLatest(reportsDir, runId) }
}

async function metaOf(prepared: Ready, runId: string, io: Io): Promise<RunMeta> {
  const { settings, plan, selection } = prepared
  const { engine, testName } = plan
  return await runMeta({ run: runId, root: settings.root, selection, engine, testName, ...lineage(prepared) }, io)
}

/** Runs the plan; every event goes to the journal, the record and the console. */
async function execute(
  prepared: Ready,
  {
    runId,
    meta,
    journal,
    scratch,
    view,
    stop,
    io,
  }: {
    runId: string
    meta: Promise<RunMeta>
    journal: Journal
    scratch: string
    view: Console
    stop: Stop
    io: Io
  },
): Promise<RunRecord> {
  const { settings, engine, anotherEngine, plan, earlier } = prepared
  const { openLedger } = await import('../run/ledger.ts')
  const { run } = await import('../run/run.ts')
  const ledger = openLedger(journal, [
    journal.see,
    (event, record) => view.see(event, record),
    tellOnce(journal, (message) =>
      ledger.emit({ type: 'notice', level: 'warning', code: JOURNAL_FAILED, message: `${message}; the tests go on` }),
    ),
  ])
  try {
    return await run(plan, {
      meta: await meta,
      whole: (record) => (earlier ? continued(earlier.record, record) : record),
      engine,
      anotherEngine,
      ledger,
      resolveRedis: async (signal) => {
        const { resolveRedis } = await import('../redis/index.ts')
        return resolveRedis(settings.redis, io.env, signal, openCluster)
      },
      openServers: async () => {
        const { openOwnServers } = await import('../redis/index.ts')
        return openOwnServers(settings.redis, io.env)
      },
      openServices: (hooks) => openServices(settings, runId, io, hooks),
      scratch,
      waitMs: settings.redis.waitMs,
      patienceMs: settings.redis.patienceMs,
      signal: stop.signal,
    })
  } finally {
    removeScratchFolder(scratch)
    journal.close()
  }
}

/** Which run this one continues, and which slice of which plan it is; a run that continues a slice stays that slice. */
function lineage({ plan, earlier }: Ready): Pick<RunMeta, 'continues' | 'slice'> {
  const slice = earlier ? earlier.record.meta?.slice : plan.slice?.mark
  return { ...(earlier ? { continues: earlier.run } : {}), ...(slice ? { slice } : {}) }
}

/** Calls back once when the journal cannot be written any more. */
function tellOnce(journal: Journal, tellUser: (failure: string) => void): () => void {
  let told = false
  return () => {
    if (told || journal.failure === null) return
    told = true
    tellUser(journal.failure)
  }
}

/** With `--json`, stdout belongs to the summary and people read stderr. */
async function openConsole(settings: Settings, options: RunOptions, io: Io): Promise<Console> {
  const { createConsole } = await import('../reports/console/index.ts')
  return createConsole({
    stream: options.json ? io.stderr : io.stdout,
    env: io.env,
    interactive: ciName(io.env) === null,
    root: settings.root,
    reportsDir: shownPath(settings.reportsDir, io.cwd),
  })
}

/** Relative to the working directory where that is shorter to read. */
function shownPath(folder: string, cwd: string): string {
  const relative = path.relative(cwd, folder)
  return relative.startsWith('..') ? folder : relative || '.'
}
