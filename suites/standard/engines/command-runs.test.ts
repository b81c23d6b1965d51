import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { asFiles, commandSuite, makeCommandEngine, outcomesOf, runCommand } from '../../support/engines/command-rig.ts'
import {
  makeDesk,
  makeProject,
  startBatch,
  until,
  type Project,
  type RecordingDesk,
} from '../../support/engines/rig.ts'
import { isAlive } from '../../support/processes/alive.ts'
import { outsideEnvironment } from '../../support/processes/environment.ts'

const LIMIT_MS = 60_000
const NODE_TEST =
  'node --test --test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination={junit} --test-name-pattern={testName} {file}'

describe('what is filled in', () => {
  const ECHO = `
    import { writeFileSync } from 'node:fs'
    const [junit, ...rest] = process.argv.slice(2)
    console.log(JSON.stringify(rest))
    writeFileSync(junit, '<testsuite name="s"><testcase classname="c" name="n"/></testsuite>')`
  const HOSTILE = [
    'plain.py',
    'with space.py',
    "it's.py",
    '"quoted".py',
    '$(touch hacked).py',
    '`touch hacked`.py',
    'a;touch hacked;.py',
    '~/*.py',
    'back\\slash\\n.py',
    'ünï\tcode.py',
    '-v',
    '{junit}',
    '$HOME',
  ]

  test.each([
    ['a line', 'node echo.mjs {junit} {file} --at={file} {shard}'],
    ['a list', ['node', 'echo.mjs', '{junit}', '{file}', '--at={file}', '{shard}']],
  ])('is one word of the command, whatever is in it: %s', async (_, command) => {
    using project = makeProject(null, { 'echo.mjs': ECHO })
    const desk = await runCommand(project, command, HOSTILE, { shards: 2 })
    for (const name of HOSTILE) {
      const { stdout, shard } = desk.files.get(name)!
      expect(JSON.parse(stdout), name).toEqual([name, `--at=${name}`, String(shard)])
    }
    expect(existsSync(path.join(project.root, 'hacked'))).toBe(false)
  })

  test.each([
    ['a line', 'node echo.mjs {junit} -k{testName} "$SEAT"'],
    ['a list', ['node', 'echo.mjs', '{junit}', '-k{testName}', 'end']],
  ])('the word of {testName} is there only when names are asked for: %s', async (_, command) => {
    using project = makeProject(null, { 'echo.mjs': ECHO })
    const all = await runCommand(project, command, ['a'])
    expect(JSON.parse(all.files.get('a')!.stdout)).toHaveLength(1)
    const some = await runCommand(project, command, ['a'], { testName: "it's | (other)" })
    expect(JSON.parse(some.files.get('a')!.stdout)[0]).toBe("-kit's | (other)")
  })

  test('a line is bash, and fails with any part of it', async () => {
    using project = makeProject(null, { 'echo.mjs': ECHO })
    const desk = await runCommand(project, 'node echo.mjs {junit} | cat; false; touch after', ['a'])
    expect(desk.files.get('a')!.stops).toMatchObject([
      { kind: 'completed', errors: [{ message: expect.stringContaining('exit code 1,') }] },
    ])
    expect(existsSync(path.join(project.root, 'after'))).toBe(false)
  })
})

describe('real runners', () => {
  test(
    'node:test: nested suites, a skip, a failure, a selection by name',
    async () => {
      using project = makeProject(null, {
        't/a.test.mjs': `
          import assert from 'node:assert'
          import test, { describe } from 'node:test'
          describe('outer', () => {
            describe('inner', () => test('adds', () => {}))
            test('fails', () => assert.equal(1, 2))
            test.skip('later', () => {})
          })
          test('adds', () => {})`,
        't/empty.test.mjs': '',
      })
      const desk = await runCommand(project, NODE_TEST, ['t/a.test.mjs', 't/empty.test.mjs'])
      expect(outcomesOf(desk, 't/a.test.mjs')).toEqual({
        'outer > inner > adds': 'passed',
        'outer > fails': 'failed',
        'outer > later': 'skipped',
        adds: 'passed',
      })
      const [error] = desk.files.get('t/a.test.mjs')!.tests.get('outer > fails')!.errors
      expect(error).toMatchObject({ message: expect.stringContaining('1 == 2'), frames: [{ line: 6 }] })
      expect(desk.files.get('t/a.test.mjs')!.stops).toEqual([{ kind: 'completed', errors: [] }])
      expect(desk.files.get('t/empty.test.mjs')).toMatchObject({
        collected: [],
        stops: [{ kind: 'completed', errors: [] }],
      })
      const none = await runCommand(project, NODE_TEST, ['t/a.test.mjs'], { testName: 'of no test' })
      expect(none.files.get('t/a.test.mjs')!.collected).toEqual([])
      const some = await runCommand(project, NODE_TEST, ['t/a.test.mjs'], { testName: 'adds' })
      expect(outcomesOf(some, 't/a.test.mjs')).toMatchObject({ 'outer > inner > adds': 'passed', adds: 'passed' })
      expect(Object.values(outcomesOf(some, 't/a.test.mjs'))).not.toContain('failed')
    },
    LIMIT_MS,
  )
})

describe('the life of processes', () => {
  /** Says who it is and is then busy for ever; a child of the shell's, which ends by SIGTERM before it does. */
  const BUSY = `
    process.on('SIGTERM', () => {})
    process.stdout.write('pid ' + process.pid + '\\n')
    setInterval(() => {}, 1000)`
  const COMMAND = 'node {file} {junit}; true'
  const FILES = ['a.mjs', 'b.mjs', 'later.mjs']
  const busyProject = (): Project => makeProject(null, Object.fromEntries(FILES.map((file) => [file, BUSY])))
  const pids = (text: string): number[] => [...text.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid))
  const said = (desk: RecordingDesk): number[] => [...desk.files.values()].flatMap(({ stdout }) => pids(stdout))

  test.each(['stop', 'close'] as const)(
    '%s() ends everything, and every started file is stopped',
    async (how) => {
      using project = busyProject()
      const engine = makeCommandEngine(project, [commandSuite({ run: COMMAND })])
      const desk = makeDesk({ shards: 2 })
      const execution = startBatch(engine, project, asFiles(...FILES), desk, { shards: 3 })
      await until('two commands are busy', () => said(desk).length === 2)
      if (how === 'stop') execution.stop()
      else await engine.close()
      expect(await execution.done).toEqual({ kind: 'completed' })
      expect(said(desk).filter(isAlive)).toEqual([])
      expect([...desk.files.keys()]).toEqual(FILES.slice(0, 2))
      for (const { stops } of desk.files.values()) expect(stops).toMatchObject([{ kind: 'died', errors: [] }])
      expect(desk.seats.filter(({ left }) => !left)).toEqual([])
      await engine.close()
    },
    LIMIT_MS,
  )

  test('a file that waits for a seat does not keep the end waiting', async () => {
    using project = busyProject()
    const engine = makeCommandEngine(project, [commandSuite({ run: COMMAND })])
    const desk = makeDesk({ shards: 0 })
    const execution = startBatch(engine, project, asFiles(...FILES), desk)
    await until('it has asked', () => desk.asked.length === 2)
    await engine.close()
    expect(await execution.done).toEqual({ kind: 'completed' })
    expect(desk.files.size).toBe(0)
  })

  test.skipIf(process.platform !== 'linux')(
    'when the orchestrator is killed, its commands end',
    async () => {
      using project = busyProject()
      const pidFile = path.join(project.root, 'pids')
      const support = path.join(import.meta.dirname, '../../support/engines')
      project.write(
        'orchestrator.ts',
        `import { appendFileSync } from 'node:fs'
         import { makeDesk, startBatch } from '${support}/rig.ts'
         import { asFiles, commandSuite, makeCommandEngine } from '${support}/command-rig.ts'
         const project = { root: ${JSON.stringify(project.root)} }
         const engine = makeCommandEngine(project, [commandSuite({ run: '${COMMAND}' })])
         const desk = makeDesk({ shards: 2, onOutput: (_, text) => appendFileSync(${JSON.stringify(pidFile)}, text) })
         startBatch(engine, project, asFiles('a.mjs', 'b.mjs'), desk, { shards: 2 })`,
      )
      const orchestrator = spawn(process.execPath, [path.join(project.root, 'orchestrator.ts')], {
        env: outsideEnvironment(),
        stdio: 'ignore',
      })
      const known = (): number[] => (existsSync(pidFile) ? pids(readFileSync(pidFile, 'utf8')) : [])
      await until('two commands are busy', () => known().length === 2)
      orchestrator.kill('SIGKILL')
      await once(orchestrator, 'exit')
      await until('they are gone', () => !known().some(isAlive))
    },
    LIMIT_MS,
  )
})
