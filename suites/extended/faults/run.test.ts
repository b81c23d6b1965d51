import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { TTL_MS } from '../../../src/redis/lease.ts'
import { VERSIONS, type Version } from '../../support/engines/rig.ts'
import {
  account,
  inTheMiddle,
  leasesOf,
  MAIN,
  makeProject,
  nothingLeft,
  processesOf,
  recordOf,
  start,
  startRun,
  summaryExitCode,
  threeStates,
  type Cleanup,
  type FaultRun,
} from '../../support/faults/project.ts'
import { client, skipNative, startNative, type TestServer } from '../../support/redis/servers.ts'
import { sized } from '../../support/sizes.ts'

/** Processes are found through /proc. */
const SKIP = skipNative || process.platform !== 'linux'
/** How long the run is stopped, ms: 60 s outlives its leases. */
const STOP_MS = sized('FAULTS_STOP_MS', 1_000, 60_000)
const LIMIT = { timeout: 300_000 + STOP_MS }

interface Scene {
  readonly root: string
  readonly server: TestServer
  readonly run: FaultRun
  readonly id: string
}

const DONE = { ending: 'passed', tests: { first: 'passed' } }

/** What every end of a run in the middle has in common: what had finished stands, and nothing planned is missing. */
function expectAccount(root: string, running: { ending: string; test: string }, waiting: string): void {
  const inFile = { ending: running.ending, tests: { first: 'passed', runs: running.test, third: 'not-run' } }
  const never = { ending: waiting, tests: {} }
  expect(account(recordOf(root))).toEqual({ done: DONE, a: inFile, b: inFile, c: never, d: never })
}

/** Ends without the signal: every file runs to its end. */
function expectGreen(root: string): void {
  const all = { ending: 'passed', tests: { first: 'passed', runs: 'passed', third: 'passed' } }
  expect(account(recordOf(root))).toEqual({ done: DONE, a: all, b: all, c: DONE, d: DONE })
}

async function middle(
  version: Version,
  cleanup: Cleanup,
  wrap?: (url: string) => readonly string[],
  patience?: string,
): Promise<Scene> {
  const server = await startNative()
  cleanup(() => server.stop())
  const root = makeProject(version, threeStates(patience), cleanup)
  const [command, ...args] = wrap?.(server.url) ?? []
  const run = command === undefined ? startRun(root, server.url, cleanup) : start(command, args, root, cleanup)
  return { root, server, run, id: await inTheMiddle(root, run) }
}

const INTERRUPTED = { running: { ending: 'cancelled', test: 'interrupted' }, waiting: 'not-run' }
const BROKEN = { running: { ending: 'infrastructure', test: 'interrupted' }, waiting: 'not-run' }

/** The rows of docs/faults.md that hit a run from outside, with files finished, running and waiting. */
describe.skipIf(SKIP).for(VERSIONS)('faults of a run under vitest $vitest', LIMIT, (version) => {
  test.concurrent('SIGTERM: exit 143, leases are given back at once', async ({ onTestFinished }) => {
    const { root, server, run, id } = await middle(version, onTestFinished)
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(143)
    expectAccount(root, INTERRUPTED.running, INTERRUPTED.waiting)
    await nothingLeft(id)
    expect(await leasesOf(server)).toEqual([])
  })

  test.concurrent('SIGKILL: the journal holds what had finished, the leases expire', async ({ onTestFinished }) => {
    const { root, server, run, id } = await middle(version, onTestFinished)
    const before = account(recordOf(root))
    run.child.kill('SIGKILL')
    expect(await run.exit).toBeNull()
    await nothingLeft(id)
    const left = await leasesOf(server)
    expect(Math.max(0, ...left)).toBeLessThanOrEqual(TTL_MS)
    const after = account(recordOf(root))
    expect(after).toMatchObject({
      done: DONE,
      a: { ending: 'not-run', tests: before['a']!.tests },
      b: { ending: 'not-run', tests: before['b']!.tests },
      c: { ending: 'not-run' },
      d: { ending: 'not-run' },
    })
    expect(recordOf(root).exitCode).toBeNull()
  })

  test.concurrent('stopped for a while and continued', async ({ onTestFinished }) => {
    const { root, server, run, id } = await middle(version, onTestFinished)
    run.child.kill('SIGSTOP')
    await sleep(STOP_MS)
    if (STOP_MS < TTL_MS) writeFileSync(path.join(root, 'gate'), '')
    run.child.kill('SIGCONT')
    if (STOP_MS < TTL_MS) {
      expect(await run.exit).toBe(0)
      expectGreen(root)
    } else {
      // Its leases are over: whatever runs does not count, and nothing is said to have passed.
      expect(await run.exit).toBe(3)
      const files = account(recordOf(root))
      expect(files['done']).toEqual(DONE)
      for (const name of ['a', 'b'])
        expect(files[name]).toMatchObject({ ending: 'lease-lost', tests: { first: 'passed' } })
    }
    await nothingLeft(id)
    expect(await leasesOf(server)).toEqual([])
  })

  test.concurrent('the terminal is closed: as SIGTERM', async ({ onTestFinished }) => {
    const { root, server, run, id } = await middle(version, onTestFinished, (url) => [
      'script',
      '-qfec',
      `exec "${process.execPath}" "${MAIN}" run --redis ${url}`,
      '/dev/null',
    ])
    run.child.kill('SIGKILL')
    await vi.waitFor(() => expect(summaryExitCode(root)).toBe(143), { timeout: 120_000 })
    expectAccount(root, INTERRUPTED.running, INTERRUPTED.waiting)
    await nothingLeft(id)
    expect(await leasesOf(server)).toEqual([])
  })

  test.concurrent('whoever started it is killed: as SIGTERM', async ({ onTestFinished }) => {
    const { root, server, run, id } = await middle(version, onTestFinished, (url) => [
      'sh',
      '-c',
      `"$0" "$1" run --redis ${url} & wait`,
      process.execPath,
      MAIN,
    ])
    run.child.kill('SIGKILL')
    await vi.waitFor(() => expect(summaryExitCode(root)).toBe(143), { timeout: 120_000 })
    expectAccount(root, INTERRUPTED.running, INTERRUPTED.waiting)
    await nothingLeft(id)
    expect(await leasesOf(server)).toEqual([])
  })

  test.concurrent('the vitest host is killed: exit 3', async ({ onTestFinished }) => {
    const { root, server, run, id } = await middle(version, onTestFinished)
    const before = account(recordOf(root))
    const [host] = processesOf(id, true)
    process.kill(host!, 'SIGKILL')
    expect(await run.exit).toBe(3)
    const broken = (name: string) => ({ ending: 'infrastructure', tests: before[name]!.tests })
    const never = { ending: 'not-run', tests: {} }
    expect(account(recordOf(root))).toEqual({ done: DONE, a: broken('a'), b: broken('b'), c: never, d: never })
    await nothingLeft(id)
    expect(await leasesOf(server)).toEqual([])
  })

  test.concurrent('Redis is killed: exit 3', async ({ onTestFinished }) => {
    const { root, server, run, id } = await middle(version, onTestFinished)
    await server.stop()
    expect(await run.exit).toBe(3)
    expectAccount(root, BROKEN.running, BROKEN.waiting)
    await nothingLeft(id)
  })

  test.concurrent('Redis is started again without its data: what it spoiled runs again', async ({ onTestFinished }) => {
    const { root, server, run, id } = await middle(version, onTestFinished, undefined, '120s')
    await server.stop()
    const again = await startNative([], { port: server.port })
    onTestFinished(() => again.stop())
    writeFileSync(path.join(root, 'gate'), '')
    expect(await run.exit).toBe(0)
    expectGreen(root)
    expect(recordOf(root).outages).not.toEqual([])
    await nothingLeft(id)
    expect(await leasesOf(again)).toEqual([])
  })

  test.concurrent('somebody flushes the server: exit 3', async ({ onTestFinished }) => {
    const { root, server, run, id } = await middle(version, onTestFinished)
    const redis = client(server)
    await redis.flushall()
    redis.disconnect()
    expect(await run.exit).toBe(3)
    expectAccount(root, { ending: 'lease-lost', test: 'interrupted' }, 'not-run')
    await nothingLeft(id)
    expect(await leasesOf(server)).toEqual([])
  })
})
