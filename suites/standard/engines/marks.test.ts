import { spawn, type ChildProcess } from 'node:child_process'
import { describe, expect, onTestFinished, test } from 'vitest'
import { markBelow, MARK, ownMark } from '../../../src/core/marks.ts'
import { endOurs } from '../../../src/engines/marks.ts'
import { startWatchdog } from '../../../src/engines/watchdog.ts'
import { until } from '../../support/engines/rig.ts'
import { isAlive } from '../../support/processes/alive.ts'
import { outsideEnvironment } from '../../support/processes/environment.ts'
import { firstOf } from '../../support/processes/first.ts'

const LIMITS = { graceMs: 0, termMs: 200, killMs: 10_000 }
/** Nobody leads it. */
const NO_GROUP = process.pid

/** A process in a session of its own that does not listen to SIGTERM. */
async function stubborn(mark: string): Promise<ChildProcess> {
  const code = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); process.stdout.write('ready')`
  const child = spawn(process.execPath, ['-e', code], {
    detached: true,
    env: { ...outsideEnvironment(), [MARK]: mark },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await firstOf(child, 'data', child.stdout)
  return child
}

describe.skipIf(process.platform !== 'linux')('what carries a mark', () => {
  test('is found and ended, whatever group it is in; other marks, and longer ones, are left alone', async () => {
    const mark = `test-${process.pid}-${Date.now()}`
    const [own, below, inside, other, longer] = await Promise.all(
      [mark, `${mark}/1`, `outer-run ${mark}/1/2`, 'another-run', `${mark}0`].map(stubborn),
    )
    const leaked = await endOurs({ mark, group: NO_GROUP }, LIMITS)
    expect(leaked.map(({ pid }) => pid).toSorted((a, b) => a - b)).toEqual(
      [own!.pid!, below!.pid!, inside!.pid!].toSorted((a, b) => a - b),
    )
    expect(leaked[0]!.command).toContain('setInterval')
    for (const child of [own, below, inside]) await until('it is gone', () => !isAlive(child!.pid!))
    expect([other, longer].map((child) => isAlive(child!.pid!))).toEqual([true, true])
  })

  test('is not left behind if it ends by itself in time', async () => {
    const mark = `test-${process.pid}-${Date.now()}-grace`
    const child = await stubborn(mark)
    const ended = endOurs({ mark, group: NO_GROUP }, { ...LIMITS, graceMs: 20_000 })
    child.kill('SIGKILL')
    expect(await ended).toEqual([])
  })

  test('is ended by the watchdog when the process that started it is gone', async () => {
    const mark = `test-${process.pid}-${Date.now()}-watchdog`
    const child = await stubborn(`${mark}/1`)
    const module = new URL('../../../src/engines/watchdog.ts', import.meta.url).href
    const code = `const { startWatchdog } = await import(${JSON.stringify(module)})
      startWatchdog(${JSON.stringify(mark)}); process.kill(process.pid, 'SIGKILL')`
    spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' })
    await until('the watchdog has ended it', () => !isAlive(child.pid!))
  })

  test('outlives a watchdog that was stopped', async () => {
    const mark = `test-${process.pid}-${Date.now()}-stopped`
    const child = await stubborn(mark)
    startWatchdog(mark).stop()
    expect(await endOurs({ mark, group: NO_GROUP }, LIMITS)).toMatchObject([{ pid: child.pid }])
  })
})

test('a run inside a run adds its mark to the outer one', () => {
  expect(markBelow(undefined, 'a')).toBe('a')
  expect(markBelow('outer/1', 'a')).toBe('outer/1 a')
  expect(ownMark('outer/1 a/2')).toBe('a/2')
  expect(ownMark(undefined)).toBe('')
})
