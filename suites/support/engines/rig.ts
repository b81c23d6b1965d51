import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { CollectedTest, ErrorRecord, LeakedProcess, TestResult } from '../../../src/core/events.ts'
import type { Batch, Desk, DiscoveredFile, Engine, Execution, FileStop, Seat } from '../../../src/core/ports.ts'
import { createVitestEngine } from '../../../src/engines/vitest/index.ts'
import { outsideEnvironment } from '../processes/environment.ts'

const checkout = path.resolve(import.meta.dirname, '../../..')

/** The versions of vitest that the engine supports; every contract test runs with each. */
export const VERSIONS = [
  { vitest: '5.1', folder: path.join(checkout, 'node_modules/vitest') },
  { vitest: '4.1', folder: path.join(checkout, 'suites/support/vitest-4/node_modules/vitest') },
] as const

export type Version = (typeof VERSIONS)[number]

/** A project of a user, in a temporary folder, with this version of vitest installed. */
export interface Project extends Disposable {
  readonly root: string
  write(file: string, text: string): void
}

/** @param from the name of a project in suites/support/projects, or its files */
export function makeProject(version: Version | null, from: string | Record<string, string>): Project {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'tiershard-engine-')))
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
    writeFileSync(path.join(root, file), text)
  }
  if (typeof from === 'string') cpSync(path.join(checkout, 'suites/support/projects', from), root, { recursive: true })
  else for (const [file, text] of Object.entries(from)) write(file, text)
  if (version) {
    mkdirSync(path.join(root, 'node_modules'))
    symlinkSync(version.folder, path.join(root, 'node_modules/vitest'))
  }
  return { root, write, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) }
}

export function makeEngine(
  project: Pick<Project, 'root'>,
  options: { readonly env?: NodeJS.ProcessEnv; readonly configFile?: string } = {},
): Engine {
  const { env = outsideEnvironment(), configFile = null } = options
  return createVitestEngine({ root: project.root, configFile, env })
}

/** What the desk has heard of one file. */
export interface FileRecord {
  readonly file: string
  readonly shard: number
  collected: readonly CollectedTest[] | null
  readonly tests: Map<string, TestResult>
  stdout: string
  stderr: string
  readonly leaked: LeakedProcess[]
  /** Every stop that was reported; a sound engine reports one. */
  readonly stops: FileStop[]
}

export interface RecordingDesk extends Desk {
  readonly files: Map<string, FileRecord>
  /** Files in the order in which they asked for a seat, and how. */
  readonly asked: { readonly how: 'sit' | 'next'; readonly file: string }[]
  readonly seats: { readonly file: string; readonly seat: Seat; left: boolean }[]
  readonly strays: ErrorRecord[]
}

export interface DeskOptions {
  readonly shards?: number
  readonly env?: (file: string) => Seat['env']
  /** Files that get no seat. */
  readonly refuse?: (file: string, how: 'sit' | 'next') => boolean
  readonly onStarted?: (file: string) => void
  readonly onOutput?: (file: string, text: string) => void
  readonly onLeave?: (record: FileRecord | undefined) => void
}

/** A desk that gives out numbered shards, first come first served, and writes everything down. */
export function makeDesk(options: DeskOptions = {}): RecordingDesk {
  const free = Array.from({ length: options.shards ?? 2 }, (_, shard) => shard)
  const waiting: ((shard: number) => void)[] = []
  const files = new Map<string, FileRecord>()
  const at = (file: string): FileRecord => {
    const record = files.get(file)
    if (!record) throw new Error(`report on ${file}, which was not started`)
    if (record.stops.length > 0) throw new Error(`report on ${file}, which was stopped`)
    return record
  }
  const seat = (file: string, shard: number): Seat => {
    const taken = { shard, env: { SEAT: String(shard), ...options.env?.(file) } }
    desk.seats.push({ file, seat: taken, left: false })
    return taken
  }
  const desk: RecordingDesk = {
    files,
    asked: [],
    seats: [],
    strays: [],
    async sit(file) {
      desk.asked.push({ how: 'sit', file })
      if (options.refuse?.(file, 'sit')) return null
      return seat(file, free.shift() ?? (await new Promise<number>((resolve) => waiting.push(resolve))))
    },
    async next(held, file) {
      desk.asked.push({ how: 'next', file })
      const place = desk.seats.find((one) => one.seat === held)
      if (!place || place.left) throw new Error('next() for a seat that nobody holds')
      if (options.refuse?.(file, 'next')) return null
      place.left = true
      return seat(file, held.shard)
    },
    leave(held) {
      const place = desk.seats.find((one) => one.seat === held)
      if (!place || place.left) throw new Error('leave() for a seat that nobody holds')
      place.left = true
      options.onLeave?.(files.get(place.file))
      const next = waiting.shift()
      if (next) next(held.shard)
      else free.push(held.shard)
    },
    started(file, taken) {
      if (files.has(file)) throw new Error(`${file} was started twice`)
      files.set(file, {
        file,
        shard: taken.shard,
        collected: null,
        tests: new Map(),
        stdout: '',
        stderr: '',
        leaked: [],
        stops: [],
      })
      options.onStarted?.(file)
    },
    collected: (file, tests) => void (at(file).collected = tests),
    tested(file, result) {
      const { tests } = at(file)
      if (tests.has(result.name)) throw new Error(`${result.name} was reported twice`)
      tests.set(result.name, result)
    },
    output(file, stream, text) {
      at(file)[stream] += text
      options.onOutput?.(file, text)
    },
    leaked: (file, processes) => void at(file).leaked.push(...processes),
    stopped: (file, stop) => void at(file).stops.push(stop),
    stray: (error) => void desk.strays.push(error),
  }
  return desk
}

export async function discoverFiles(engine: Engine): Promise<readonly DiscoveredFile[]> {
  const found = await engine.discover({ changed: null })
  if (!found.ok) throw new Error(found.kind === 'usage' ? found.message : found.cause.message)
  return found.files
}

export interface RunOptions {
  readonly testName?: string
  readonly shards?: number
  readonly testTimeoutMs?: number
  readonly testTimeoutGiven?: boolean
}

/** Starts a batch in a scratch folder of its own, which goes with the project. */
export function startBatch(
  engine: Engine,
  project: Pick<Project, 'root'>,
  files: readonly Pick<DiscoveredFile, 'id' | 'path' | 'project'>[],
  desk: Desk,
  options: RunOptions = {},
): Execution {
  const scratch = mkdtempSync(path.join(project.root, 'scratch-'))
  const batch: Batch = {
    tier: {
      name: 'standard',
      deadlineMs: 60_000,
      fileTimeoutMs: 30_000,
      testTimeoutMs: options.testTimeoutMs ?? 20_000,
      testTimeoutGiven: options.testTimeoutGiven ?? false,
      shards: options.shards ?? 2,
      retries: 0,
      slowMs: 1_000,
    },
    files: files.map((file) => ({ ...file, suite: 'all', expectedMs: null })),
    shards: options.shards ?? 2,
    scratch,
    testName: options.testName ?? null,
  }
  return engine.execute(batch, desk)
}

/** Resolves when `holds` does; rejects, saying what was awaited, after a generous limit. */
export async function until(what: string, holds: () => boolean, limitMs = 60_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
