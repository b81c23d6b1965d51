import { beforeAll, describe, expect, test } from 'vitest'
import type { FileStop } from '../../../src/core/ports.ts'
import {
  discoverFiles,
  makeDesk,
  makeEngine,
  makeProject,
  startBatch,
  VERSIONS,
  type FileRecord,
  type RecordingDesk,
} from '../../support/engines/rig.ts'
import { isAlive } from '../../support/processes/alive.ts'

/**
 * Every way in which a test file can go wrong that is quick to show, all in one run: a bad file must not disturb another
 * one. The slow ones are in suites/extended/engines.
 */
describe.each(VERSIONS)('failures under vitest $vitest', (version) => {
  let desk: RecordingDesk
  let end: unknown
  /** Processes that were still there when their seat was left. */
  const survivors: string[] = []

  beforeAll(async () => {
    using project = makeProject(version, 'vitest-failures')
    const engine = makeEngine(project)
    try {
      const files = await discoverFiles(engine)
      desk = makeDesk({
        shards: 3,
        onOutput: (file, text) => text.includes('looping') && execution.kill(file),
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
  }, 240_000)

  const file = (name: string): FileRecord => desk.files.get(`tests/${name}.test.ts`)!
  const outcomes = (name: string): Record<string, string> =>
    Object.fromEntries([...file(name).tests].map(([test, result]) => [test, result.outcome]))
  const stop = (name: string): FileStop => file(name).stops[0]!
  const errors = (name: string): string[] => stop(name).errors.map((error) => error.message)

  test('the run goes on to its end, and every file is stopped once', () => {
    expect(end).toEqual({ kind: 'completed' })
    expect(desk.files.size).toBe(20)
    for (const record of desk.files.values()) expect(record.stops, record.file).toHaveLength(1)
    expect(desk.strays).toEqual([])
  })

  test('every seat is left, and only when its process is gone', () => {
    expect(desk.seats.filter((seat) => !seat.left)).toEqual([])
    expect(survivors).toEqual([])
    expect(file('dies-slowly').stdout).toMatch(/^pid \d+$/m)
    expect(file('forgets-a-child').stdout).toMatch(/^pid \d+$/m)
  })

  test.skipIf(process.platform !== 'linux')('what a file leaves running is named, also a daemon, and ended', () => {
    for (const name of ['forgets-a-child', 'daemonises']) {
      const pid = Number(/^pid (\d+)$/m.exec(file(name).stdout)![1])
      expect(file(name).leaked, name).toEqual([{ pid, command: expect.stringContaining('setInterval') }])
    }
    expect(file('talks').leaked).toEqual([])
  })

  test('an endless loop can be killed, and loses nothing that ended before', () => {
    expect(outcomes('loops')).toEqual({ 'finishes first': 'passed', 'fails first': 'failed' })
    expect(file('loops').tests.get('fails first')!.errors[0]!.message).toContain('expected 1 to be 2')
    expect(stop('loops')).toMatchObject({ kind: 'died', signal: 'SIGTERM', running: ['loops for ever'] })
    expect(file('loops').collected!.map((test) => test.name)).toContain('never starts')
  })

  test('a process that is killed is not taken for one that passed', () => {
    expect(outcomes('killed')).toEqual({ 'finishes first': 'passed' })
    expect(stop('killed')).toMatchObject({
      kind: 'died',
      exitCode: null,
      signal: 'SIGKILL',
      outOfMemory: false,
      running: ['kills its process'],
    })
  })

  test('of concurrent tests, each is told by what became of it', () => {
    expect(outcomes('concurrent')).toEqual({ 'at once > ends': 'passed', 'at once > fails': 'failed' })
    expect(file('concurrent').tests.get('at once > fails')!.errors[0]!.message).toBe('an early failure')
    expect(stop('concurrent')).toMatchObject({
      kind: 'died',
      running: ['at once > kills the process', 'at once > goes on'],
    })
  })

  test('a process that exits past vitest has died, in the middle of a retry', () => {
    expect(outcomes('exits')).toEqual({})
    expect(stop('exits')).toMatchObject({ kind: 'died', exitCode: 7, running: ['is retried and then exits'] })
  })

  test('a process that exits while it imports has died without a test', () => {
    expect(file('exits-at-import').collected).toBeNull()
    expect(stop('exits-at-import')).toMatchObject({ kind: 'died', exitCode: 3, running: [] })
  })

  test('process.exit in a test fails that test', () => {
    expect(outcomes('asks-to-exit')).toEqual({ 'calls process.exit': 'failed', 'goes on': 'passed' })
    expect(stop('asks-to-exit')).toEqual({ kind: 'completed', errors: [] })
  })

  test('an unhandled rejection is an error of its file', () => {
    expect(outcomes('unhandled')).toEqual({ 'leaves a rejection': 'passed' })
    expect(errors('unhandled')).toEqual(['nobody caught this'])
    expect(stop('unhandled').errors[0]!.frames[0]).toMatchObject({ line: 4 })
  })

  test('a failed beforeAll is an error of the file; its tests are skipped', () => {
    expect(outcomes('before-all')).toEqual({ 'a suite > needs the server': 'skipped', 'needs nothing': 'passed' })
    expect(stop('before-all').errors).toMatchObject([{ message: 'no server to be had', suite: 'a suite' }])
  })

  test('an afterAll that never ends is an error of the file', () => {
    expect(outcomes('after-all')).toEqual({ passes: 'passed' })
    expect(errors('after-all')).toEqual([expect.stringContaining('Hook timed out in 200ms')])
  })

  test('a syntax error and a missing import are errors of their files', () => {
    expect(stop('syntax').kind).toBe('completed')
    expect(errors('syntax')).toHaveLength(1)
    expect(errors('imports')).toEqual([expect.stringContaining('there-is-no-such-file')])
  })

  test('a file without a test is told apart from one that fails', () => {
    expect(file('empty').collected).toEqual([])
    expect(stop('empty')).toEqual({ kind: 'completed', errors: [] })
  })

  test('an environment that does not load is an error of the file', () => {
    expect(stop('no-environment').kind).toBe('completed')
    expect(errors('no-environment')[0]).toContain('there-is-none')
  })

  test('workers that do not want to end are ended, and their results stand', () => {
    for (const name of ['spins-at-exit', 'spins-when-stopped', 'ignores-sigterm', 'dies-slowly']) {
      expect(outcomes(name), name).toEqual({ passes: 'passed' })
      expect(stop(name), name).toEqual({ kind: 'completed', errors: [] })
    }
    expect(file('spins-when-stopped').stderr).toContain('did not stop within 1500 ms')
  })

  test('what a file writes is its own, up to a limit', () => {
    expect(file('talks').stdout).toContain('while importing\n')
    expect(file('talks').stdout).toContain('raw, with ünïcode\n')
    expect(file('talks').stderr).toContain('to stderr\n')
    expect(file('talks').stdout).toContain('[tiershard: the file wrote more than 1 MB; the rest was left out]')
    expect(file('talks').stdout.length).toBeLessThan(1024 * 1024 + 200)
  })
})
