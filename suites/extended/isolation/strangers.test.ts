import { expect, onTestFailed, test } from 'vitest'
import { start, TIERSHARD, VITEST, type Finished } from '../../support/isolation/commands.ts'
import { writeStrangersProject, type StrangersProject } from '../../support/isolation/project.ts'
import { ROUNDS } from '../../support/isolation/visit.ts'
import { skipNative, startNative } from '../../support/redis/servers.ts'

const FILES = 200
const SHARDS = 4
const LIMIT_MS = 600_000

function newProject(stack: DisposableStack): StrangersProject {
  const project = writeStrangersProject({ files: FILES, workers: SHARDS })
  stack.defer(() => project.remove())
  return project
}

async function runThrough(script: string, args: string[], project: StrangersProject, env = {}): Promise<Finished> {
  await using running = start(script, args, { cwd: project.folder, env: { ...project.env, ...env } })
  const finished = await running.finished
  onTestFailed(() => void process.stderr.write(`${finished.stdout.slice(-4_000)}\n${finished.stderr.slice(-4_000)}\n`))
  return finished
}

test.for(['local', 'embedded'])(
  'under tiershard --redis %s no file ever sees the key of another, however badly the others die',
  { timeout: LIMIT_MS },
  async (source, { skip }) => {
    skip(source === 'local' && skipNative, 'no redis-server on PATH')
    using stack = new DisposableStack()
    const project = newProject(stack)
    const args = ['run', '--tier', 'standard', '--shards', String(SHARDS), '--redis', source, '--json']
    const { code } = await runThrough(TIERSHARD, args, project)

    const visits = project.visits()
    expect(visits.flatMap((visit) => visit.strangers)).toEqual([])
    expect(code).toBe(0)
    // Everybody was there, and looked.
    expect(visits).toHaveLength(FILES * ROUNDS)
    expect(new Set(visits.map((visit) => visit.file)).size).toBe(FILES)
    // The shards really ran side by side, each in a database of its own.
    expect(new Set(visits.map((visit) => visit.database)).size).toBeGreaterThanOrEqual(SHARDS)
    expect(visits.some((a) => visits.some((b) => a.database !== b.database && a.from < b.to && b.from < a.to))).toBe(
      true,
    )
  },
)

test.skipIf(skipNative)(
  'the same files under plain vitest, with the pool id as the database, do see strangers: the test above can fail',
  { timeout: LIMIT_MS },
  async () => {
    await using servers = new AsyncDisposableStack()
    const server = await startNative()
    servers.defer(() => server.stop())
    using stack = new DisposableStack()
    const project = newProject(stack)
    const control = { STRANGERS_CONTROL: `redis://127.0.0.1:${server.port}` }
    const { code } = await runThrough(VITEST, ['run', '--reporter=dot'], project, control)

    const visits = project.visits()
    expect(visits).toHaveLength(FILES * ROUNDS)
    const visited = new Set(visits.filter((visit) => visit.strangers.length > 0).map((visit) => visit.file))
    expect(visited.size).toBeGreaterThan(0)
    expect(code).toBe(1)
  },
)
