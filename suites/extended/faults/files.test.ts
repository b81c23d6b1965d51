import { describe, expect, test } from 'vitest'
import { VERSIONS } from '../../support/engines/rig.ts'
import { account, leasesOf, makeProject, nothingLeft, recordOf, runId, startRun } from '../../support/faults/project.ts'
import { skipNative, startNative } from '../../support/redis/servers.ts'

/** Processes are found through /proc. */
const SKIP = skipNative || process.platform !== 'linux'

/** What became of a file whose second test ended its process. */
function died(name: string, outcome: string, ending: string) {
  return { ending, tests: { first: 'passed', [name]: outcome, third: 'not-run' } }
}

/** The rows of docs/faults.md that one test file can bring about, all in one run. */
describe.skipIf(SKIP)('faults of files: all is accounted for, nothing is left, exit 1', { timeout: 300_000 }, () => {
  test.concurrent.for(VERSIONS)('under vitest $vitest', async (version, { onTestFinished }) => {
    const server = await startNative()
    onTestFinished(() => server.stop())
    const root = makeProject(version, null, onTestFinished)
    const run = startRun(root, server.url, onTestFinished)
    expect(await run.exit, run.output()).toBe(1)

    const record = recordOf(root)
    expect(account(record)).toEqual({
      finishes: { ending: 'passed', tests: { first: 'passed', second: 'passed' } },
      loops: died('loops', 'timed-out', 'timed-out'),
      exits: died('exits', 'crashed', 'crashed'),
      'asks-to-exit': { ending: 'failed', tests: { first: 'passed', 'asks to exit': 'failed', third: 'passed' } },
      killed: died('is killed', 'crashed', 'crashed'),
      'out-of-memory': died('eats', 'crashed', 'crashed'),
      rejects: { ending: 'failed', tests: { first: 'passed' } },
      hook: { ending: 'failed', tests: { first: 'passed' } },
      leaks: { ending: 'passed', tests: { first: 'passed' } },
      'ignores-sigterm': died('does not end', 'timed-out', 'timed-out'),
      daemonises: { ending: 'passed', tests: { first: 'passed' } },
    })
    const { files } = record.tiers.get('standard')!
    const attempt = (name: string) => files.get(`tests/${name}.test.ts`)!.attempts[0]!
    expect(attempt('out-of-memory').ending).toMatchObject({ outOfMemory: true })
    expect(attempt('daemonises').leaked).toEqual([
      { pid: expect.any(Number), command: expect.stringContaining('the daemon') },
    ])
    expect(attempt('finishes').leaked).toBeUndefined()
    expect(attempt('leaks').leftovers!.keys).toBeGreaterThanOrEqual(1)
    await nothingLeft(runId(root))
    expect(await leasesOf(server)).toEqual([])
  })
})
