import { expect, onTestFailed, test } from 'vitest'
import type { Stamped } from '../../../src/core/events.ts'
import { start, TIERSHARD, type Running } from '../../support/isolation/commands.ts'
import { writeStrangersProject, type StrangersProject } from '../../support/isolation/project.ts'
import { ROUNDS } from '../../support/isolation/visit.ts'
import { skipNative, startNative } from '../../support/redis/servers.ts'

const FILES = 24
const LIMIT_MS = 360_000

type EventOf<T extends Stamped['type']> = Extract<Stamped, { type: T }>

function eventsOf<T extends Stamped['type']>(journal: readonly Stamped[], type: T): EventOf<T>[] {
  return journal.filter((event): event is EventOf<T> => event.type === type)
}

interface Arena {
  readonly project: StrangersProject
  readonly run: () => Running
}

/** A project whose files wait at a gate, and a server with that many databases for its runs. */
async function prepare(stack: AsyncDisposableStack, databases: number, shards: number): Promise<Arena> {
  const server = await startNative(['--databases', String(databases)])
  stack.defer(() => server.stop())
  const project = writeStrangersProject({ files: FILES, workers: shards, gate: true })
  stack.defer(() => project.remove())
  const args = ['run', '--tier', 'standard', '--shards', String(shards), '--redis', server.url]
  return {
    project,
    run: () => stack.use(start(TIERSHARD, args, { cwd: project.folder, env: project.env })),
  }
}

/** Resolves when so many runs have so many events of a type in their journals. */
async function until(project: StrangersProject, type: Stamped['type'], runs: number): Promise<void> {
  const seen = () => project.journals().filter((journal) => journal.some((event) => event.type === type)).length
  await expect
    .poll(seen, { timeout: 120_000, interval: 50, message: `runs with "${type}"` })
    .toBeGreaterThanOrEqual(runs)
}

/** Both runs to their ends: green, complete, and not a single stranger. */
async function expectBothGreen(project: StrangersProject, runs: readonly Running[]): Promise<string[]> {
  const ends = await Promise.all(runs.map((run) => run.finished))
  onTestFailed(() => void process.stderr.write(ends.map((end) => `${end.stdout}\n${end.stderr}`).join('\n---\n')))
  expect(ends.map((end) => end.code)).toEqual([0, 0])
  const visits = project.visits()
  expect(visits.flatMap((visit) => visit.strangers)).toEqual([])
  expect(visits).toHaveLength(2 * FILES * ROUNDS)
  expect(new Set(visits.map((visit) => visit.run)).size).toBe(2)
  return ends.map((end) => end.stdout + end.stderr)
}

interface Tenure {
  readonly run: number
  readonly database: number
  readonly from: number
  readonly to: number
}

/**
 * The time for which a run had a database. A fence is the server's clock at the grant, in ms, or higher; the end is
 * the last file that the run had cleaned up there. (The journal's lease-released comes after the release itself, when
 * the next holder may be in already.)
 */
function tenures(journals: readonly (readonly Stamped[])[]): Tenure[] {
  return journals.flatMap((journal, run) => {
    const files = eventsOf(journal, 'file-started')
    const ends = eventsOf(journal, 'file-ended')
    return eventsOf(journal, 'lease-granted').map(({ database, fence }) => {
      const mine = new Set(files.filter((file) => file.database === database).map((file) => file.file))
      const to = Math.max(fence, ...ends.filter((end) => mine.has(end.file)).map((end) => end.at))
      return { run, database, from: fence, to }
    })
  })
}

function expectNothingShared(project: StrangersProject): void {
  const journals = project.journals()
  expect(journals).toHaveLength(2)
  const all = tenures(journals)
  const shared = all.flatMap((a) =>
    all.filter((b) => a !== b && a.database === b.database && a.from <= b.from && b.from < a.to).map((b) => [a, b]),
  )
  expect(shared).toEqual([])
  // The control database is nobody's.
  expect(all.filter((tenure) => tenure.database === 0)).toEqual([])
  // What the tests themselves saw: never two runs in one database at a time.
  const visits = project.visits()
  const met = visits.filter((a) =>
    visits.some((b) => a.run < b.run && a.database === b.database && a.from < b.to && b.from < a.to),
  )
  expect(met).toEqual([])
}

test.skipIf(skipNative)(
  'two runs on 16 databases: the second takes what the first has left, and says so',
  { timeout: LIMIT_MS },
  async () => {
    await using stack = new AsyncDisposableStack()
    const { project, run } = await prepare(stack, 16, 8)
    const first = run()
    await until(project, 'file-started', 1)
    const second = run()
    await until(project, 'file-started', 2)
    // Both hold databases now, and no file of either has ended.
    project.openGate()
    const outputs = await expectBothGreen(project, [first, second])
    expectNothingShared(project)

    const granted = project.journals().map((journal) => eventsOf(journal, 'lease-granted').length)
    expect(granted[0]).toBe(8)
    expect(granted[1]).toBe(7)
    const fewer = eventsOf(project.journals()[1]!, 'notice').find((notice) => notice.code === 'fewer-shards')
    expect(fewer?.message).toContain('7 of 8 shards')
    expect(fewer?.message).toContain(eventsOf(project.journals()[0]!, 'run-started')[0]!.run)
    expect(outputs[1]).toContain('7 of 8 shards')
  },
)

test.skipIf(skipNative)(
  'two runs on three databases: the second waits for the first, and says for whom',
  { timeout: LIMIT_MS },
  async () => {
    await using stack = new AsyncDisposableStack()
    const { project, run } = await prepare(stack, 3, 2)
    const first = run()
    await until(project, 'file-started', 1)
    const second = run()
    // The first run holds both databases until the second one has said that it waits.
    await until(project, 'lease-waiting', 1)
    project.openGate()
    const outputs = await expectBothGreen(project, [first, second])
    expectNothingShared(project)

    const [holder, waiter] = project.journals()
    expect(eventsOf(holder!, 'lease-granted')).toHaveLength(2)
    expect(eventsOf(holder!, 'lease-waiting')).toEqual([])
    const [waiting] = eventsOf(waiter!, 'lease-waiting')
    const run1 = eventsOf(holder!, 'run-started')[0]!.run
    expect(waiting?.holders).toHaveLength(2)
    for (const line of waiting!.holders) expect(line).toContain(run1)
    expect(outputs[1]).toMatch(/wait/i)
    expect(outputs[1]).toContain(run1)
  },
)

test.skipIf(skipNative)(
  'five runs at once on four databases, all in a hurry: nobody waits in vain, nothing is shared',
  { timeout: LIMIT_MS },
  async () => {
    await using stack = new AsyncDisposableStack()
    const { project, run } = await prepare(stack, 4, 2)
    project.openGate()
    const runs = Array.from({ length: 5 }, run)
    const ends = await Promise.all(runs.map((each) => each.finished))
    onTestFailed(() => void process.stderr.write(ends.map((end) => `${end.stdout}\n${end.stderr}`).join('\n---\n')))
    expect(ends.map((end) => end.code)).toEqual([0, 0, 0, 0, 0])
    const visits = project.visits()
    expect(visits.flatMap((visit) => visit.strangers)).toEqual([])
    expect(visits).toHaveLength(5 * FILES * ROUNDS)
    const all = tenures(project.journals())
    const shared = all.filter((a) =>
      all.some((b) => a !== b && a.database === b.database && a.from <= b.from && b.from < a.to),
    )
    expect(shared).toEqual([])
  },
)
