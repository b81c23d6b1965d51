import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  discoverFiles,
  makeDesk,
  makeEngine,
  makeProject,
  startBatch,
  until,
  VERSIONS,
  type Project,
  type Version,
} from '../../support/engines/rig.ts'
import { isAlive } from '../../support/processes/alive.ts'
import { outsideEnvironment } from '../../support/processes/environment.ts'

/** A file that says who it is and is then busy for ever, in a way that is hard to end. */
const BUSY = (how: string): string => `
  import { writeSync } from 'node:fs'
  import { afterAll, test } from 'vitest'
  process.on('SIGTERM', () => {})
  const busy = () => writeSync(1, 'pid ' + process.pid + ' parent ' + process.ppid + '\\n')
  ${how}
`
const busyProject = (version: Version): Project =>
  makeProject(version, {
    'package.json': '{ "type": "module" }',
    'spins.test.ts': BUSY(`test('spins', () => { busy(); for (;;); })`),
    'spins-after.test.ts': BUSY(`afterAll(() => { busy(); for (;;); }); test('passes', () => {})`),
    'waits.test.ts': BUSY(`test('waits', () => new Promise(() => setInterval(() => {}, 1000, busy())), 0)`),
    'later.test.ts': `import { test } from 'vitest'; test('waits for a seat', () => {})`,
  })
const ORDER = ['spins.test.ts', 'spins-after.test.ts', 'waits.test.ts', 'later.test.ts']
const byOrder = <F extends { readonly id: string }>(files: readonly F[]): F[] =>
  files.toSorted((a, b) => ORDER.indexOf(a.id) - ORDER.indexOf(b.id))

describe.each(VERSIONS)('the life of processes under vitest $vitest', (version) => {
  test('stop() ends everything, and every started file is stopped', async () => {
    using project = busyProject(version)
    const engine = makeEngine(project)
    try {
      const desk = makeDesk({ shards: 3 })
      const files = byOrder(await discoverFiles(engine))
      const execution = startBatch(engine, project, files, desk, { shards: 3 })
      const pids = (): number[] =>
        [...desk.files.values()]
          .flatMap(({ stdout }) => [...stdout.matchAll(/pid (\d+)/g)])
          .map(([, pid]) => Number(pid))
      await until('three workers are busy', () => pids().length === 3)
      const stoppedAt = performance.now()
      execution.stop()
      await execution.done
      // Its own escalation takes up to 2.5 s; vitest's limits begin at 60 s.
      expect(performance.now() - stoppedAt).toBeLessThan(50_000)
      expect(pids().filter(isAlive)).toEqual([])
      expect(desk.seats.map((seat) => seat.left)).toEqual([true, true, true, true].slice(0, desk.seats.length))
      expect([...desk.files.keys()]).toEqual(ORDER.slice(0, 3))
      for (const { stops } of desk.files.values()) expect(stops).toMatchObject([{ kind: 'died', signal: 'SIGKILL' }])
      expect(desk.files.get('spins.test.ts')!.stops).toMatchObject([{ running: ['spins'] }])
      expect(desk.files.get('spins-after.test.ts')!.tests.get('passes')!.outcome).toBe('passed')
    } finally {
      await engine.close()
    }
  })

  test('a host that is killed ends the execution, with its workers, and every seat is left', async () => {
    using project = busyProject(version)
    const engine = makeEngine(project)
    try {
      const alive: string[] = []
      const desk = makeDesk({
        shards: 3,
        onLeave: (record) => {
          const pid = Number(/pid (\d+)/.exec(record?.stdout ?? '')?.[1])
          if (isAlive(pid)) alive.push(record!.file)
        },
      })
      const files = byOrder(await discoverFiles(engine))
      const execution = startBatch(engine, project, files, desk, { shards: 3 })
      const said = (): string[] => [...desk.files.values()].map(({ stdout }) => stdout).filter((text) => text !== '')
      await until('three workers are busy', () => said().length === 3)
      const host = Number(/parent (\d+)/.exec(said()[0]!)![1])
      process.kill(host, 'SIGKILL')
      expect(await execution.done).toMatchObject({ kind: 'died', message: expect.stringContaining('SIGKILL') })
      expect(alive).toEqual([])
      expect(desk.seats.slice(0, 3).every((seat) => seat.left)).toBe(true)
      // The engine itself goes on.
      const again = makeDesk({ shards: 1 })
      const later = files.filter((file) => file.id === 'later.test.ts')
      expect(await startBatch(engine, project, later, again, { shards: 1 }).done).toEqual({ kind: 'completed' })
      expect(again.files.get('later.test.ts')!.tests.size).toBe(1)
    } finally {
      await engine.close()
    }
  })

  test('when the orchestrator is killed, the host and its workers end', async () => {
    using project = busyProject(version)
    const pidFile = path.join(project.root, 'pids')
    project.write(
      'orchestrator.ts',
      `import { appendFileSync } from 'node:fs'
         import { makeDesk, makeEngine, startBatch, discoverFiles } from '${path.join(import.meta.dirname, '../../support/engines/rig.ts')}'
         const project = { root: ${JSON.stringify(project.root)} }
         const engine = makeEngine(project)
         const desk = makeDesk({ shards: 3, onOutput: (_, text) => appendFileSync(${JSON.stringify(pidFile)}, text) })
         startBatch(engine, project, await discoverFiles(engine), desk, { shards: 3 })`,
    )
    const orchestrator = spawn(process.execPath, [path.join(project.root, 'orchestrator.ts')], {
      env: outsideEnvironment(),
      stdio: 'ignore',
    })
    const lines = (): RegExpMatchArray[] =>
      existsSync(pidFile) ? [...readFileSync(pidFile, 'utf8').matchAll(/pid (\d+) parent (\d+)/g)] : []
    await until('three workers are busy', () => lines().length === 3)
    const pids = lines().flatMap(([, worker, host]) => [Number(worker), Number(host)])
    expect(pids.filter(isAlive)).toHaveLength(6)
    orchestrator.kill('SIGKILL')
    await once(orchestrator, 'exit')
    await until('host and workers are gone', () => !pids.some(isAlive))
  })
})
