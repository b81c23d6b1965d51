import { beforeAll, describe, expect, test } from 'vitest'
import type { FileStop } from '../../../src/core/ports.ts'
import { commandSuite, makeCommandEngine } from '../../support/engines/command-rig.ts'
import {
  discoverFiles,
  makeDesk,
  makeProject,
  startBatch,
  type FileRecord,
  type RecordingDesk,
} from '../../support/engines/rig.ts'
import { isAlive } from '../../support/processes/alive.ts'
import { outsideEnvironment } from '../../support/processes/environment.ts'

/** Every way in which a command can end and a report can look, all in one run: no file must disturb another one. */
describe('what becomes of a file that a command runs', () => {
  let desk: RecordingDesk
  let end: unknown
  let root = ''
  let found = 0
  /** Processes that were still there when their seat was left. */
  const survivors: string[] = []

  beforeAll(async () => {
    using project = makeProject(null, 'command')
    root = project.root
    const suite = commandSuite({ run: [process.execPath, '{file}', '{junit}'], files: ['tests/*.mjs'] })
    const engine = makeCommandEngine(project, [suite], { ...outsideEnvironment(), KEPT: 'yes', TAKEN: 'no' })
    try {
      const files = await discoverFiles(engine)
      found = files.length
      desk = makeDesk({
        shards: 3,
        env: () => ({ TAKEN: null }),
        onOutput: (file, text) => text.includes('hanging') && execution.kill(file),
        onLeave: (record) => {
          const pid = Number(/^pid (\d+)$/m.exec(record?.stdout ?? '')?.[1])
          if (pid && isAlive(pid)) survivors.push(record!.file)
        },
      })
      const execution = startBatch(engine, project, files, desk, { shards: 3 })
      end = await execution.done
    } finally {
      await engine.close()
    }
  }, 60_000)

  const file = (name: string): FileRecord => desk.files.get(`tests/${name}.mjs`)!
  const outcomes = (name: string): Record<string, string> =>
    Object.fromEntries([...file(name).tests].map(([one, result]) => [one, result.outcome]))
  const stop = (name: string): FileStop => file(name).stops[0]!
  const errors = (name: string): string[] => stop(name).errors.map((error) => error.message)
  const GREEN = { kind: 'completed', errors: [] }

  test('the run goes on to its end, every file is stopped once, every seat is left when its process is gone', () => {
    expect(end).toEqual({ kind: 'completed' })
    expect(desk.files.size).toBe(found)
    for (const record of desk.files.values()) expect(record.stops, record.file).toHaveLength(1)
    expect(desk.seats.filter((seat) => !seat.left)).toEqual([])
    expect(survivors).toEqual([])
    expect(desk.strays).toEqual([])
  })

  test('tests are told with unique names, times, reasons and stacks', () => {
    expect(outcomes('passes')).toEqual({
      'tests.runner > adds': 'passed',
      'tests.runner > adds #2': 'passed',
      'tests.runner > later': 'skipped',
    })
    expect(file('passes').tests.get('tests.runner > adds')!.durationMs).toBe(250)
    expect(file('passes').tests.get('tests.runner > later')!.note).toBe('not now')
    expect(file('passes').collected!.map(({ name }) => name)).toEqual(Object.keys(outcomes('passes')))
    expect(stop('passes')).toEqual(GREEN)
    const [error] = file('fails').tests.get('tests.runner > subtracts')!.errors
    expect(error).toMatchObject({ name: 'Mistake', message: 'boom', stack: expect.stringContaining('at check') })
    expect(error!.frames).toEqual([{ method: 'check', file: '/project/tests/a.mjs', line: 3, column: 7 }])
  })

  test('a failed test is enough, whatever the exit code is', () => {
    expect(stop('fails')).toEqual(GREEN)
    expect(outcomes('fails-silently')).toEqual({
      'tests.runner > is red, and the command says it is green': 'failed',
    })
    expect(stop('fails-silently')).toEqual(GREEN)
    expect(file('counts-failures').tests.size).toBe(137)
    expect(stop('counts-failures')).toEqual(GREEN)
  })

  test('an exit code that no failed test explains is an error of the file', () => {
    expect(outcomes('exits')).toEqual({ 'tests.runner > adds': 'passed' })
    expect(stop('exits').kind).toBe('completed')
    expect(errors('exits')).toEqual(['The command ended with exit code 3, and no test in its report has failed.'])
  })

  test('a pass after failures keeps them', () => {
    expect(file('flaky').tests.get('c > settles')).toMatchObject({
      outcome: 'passed',
      retries: 1,
      errors: [{ message: 'at first' }],
    })
  })

  test('without a report, a file has failed or crashed', () => {
    expect(stop('no-report').kind).toBe('completed')
    expect(errors('no-report')).toEqual([
      'The command ended with exit code 0; it left no JUnit report where {junit} says (there is no such file).',
    ])
    expect(stop('no-report-exits')).toMatchObject({ kind: 'died', exitCode: 2, signal: null })
    expect(errors('no-report-exits')).toEqual([
      'The command ended with exit code 2; it left no JUnit report where {junit} says (there is no such file).',
    ])
  })

  test('of a damaged report everything that can be read is kept, and a test that is cut off has no result', () => {
    expect(outcomes('damaged')).toEqual({ 'tests.runner > whole': 'passed', 'tests.runner > red': 'failed' })
    expect(file('damaged').collected!.map(({ name }) => name)).toContain('c > cut')
    expect(stop('damaged').kind).toBe('completed')
    expect(errors('damaged')).toEqual([
      expect.stringMatching(/^The command ended with exit code 0; .*damaged \(line 2: /),
    ])
    expect(outcomes('damaged-exits')).toEqual({ 'tests.runner > whole': 'passed' })
    expect(stop('damaged-exits')).toMatchObject({ kind: 'died', exitCode: 70 })
    expect(errors('strange')).toEqual([expect.stringContaining('damaged (line 1: text outside of the root element)')])
  })

  test('a report that holds less than it declares is named in the output', () => {
    expect(stop('declares')).toEqual(GREEN)
    expect(file('declares').stderr).toContain('suite "runner" declares 3 tests and holds 1 tests')
  })

  test('a command that a signal has ended is not taken for one that passed', () => {
    expect(stop('killed')).toMatchObject({ kind: 'died', exitCode: null, signal: 'SIGKILL', outOfMemory: false })
    expect(stop('killed-late')).toMatchObject({ kind: 'died', signal: 'SIGKILL' })
    expect(outcomes('killed-late')).toEqual({ 'tests.runner > finishes first': 'passed' })
    expect(stop('behind-a-wrapper')).toMatchObject({ kind: 'died', exitCode: null, signal: 'SIGSEGV' })
    expect(stop('out-of-memory')).toMatchObject({ kind: 'died', signal: 'SIGABRT', outOfMemory: true })
  })

  test('a file without tests is told apart from one that fails', () => {
    for (const name of ['empty', 'empty-as-pytest']) {
      expect(file(name).collected, name).toEqual([])
      expect(stop(name), name).toEqual(GREEN)
    }
    expect(errors('empty-exits')).toEqual(['The command ended with exit code 1, and its report holds no test.'])
  })

  test('what hangs can be killed, and what it writes after that does not count', () => {
    expect(stop('hangs')).toMatchObject({ kind: 'died', signal: 'SIGKILL', errors: [] })
    expect(outcomes('hangs')).toEqual({ 'tests.runner > first': 'passed' })
    expect(file('hangs').collected!.map(({ name }) => name)).toEqual(['tests.runner > first'])
  })

  test.skipIf(process.platform !== 'linux')('what a file leaves running is named, also a daemon, and ended', () => {
    for (const name of ['forgets-a-child', 'daemonises']) {
      const pid = Number(/^pid (\d+)$/m.exec(file(name).stdout)![1])
      expect(file(name).leaked, name).toEqual([{ pid, command: expect.stringContaining('setInterval') }])
    }
    expect(file('talks').leaked).toEqual([])
  })

  test('output comes in whole lines, up to a limit, and the environment is that of the seat', () => {
    const { stdout, stderr, shard } = file('talks')
    expect(stdout).toContain(`seat ${shard}, kept yes, taken undefined, cwd ${root}\n`)
    expect(stdout).toContain('half of a line')
    expect(stderr).toBe('to stderr, with ünïcode')
    expect(file('shouts').stdout).toContain('[tiershard: the file wrote more than 1 MB; the rest was left out]')
    expect(file('shouts').stdout.length).toBeLessThan(1024 * 1024 + 200)
  })
})
