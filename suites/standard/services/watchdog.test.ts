import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempProject } from '../../support/config/project.ts'
import { isAlive } from '../../support/processes/alive.ts'
import { firstOf } from '../../support/processes/first.ts'

const WATCHDOG = new URL('../../../src/services/watchdog.ts', import.meta.url).href

/** Starts what ignores SIGTERM under a watchdog, says its process id, and stays. */
const SOURCE = `
import { spawn } from 'node:child_process'
const { Watchdog } = await import(process.env.WATCHDOG)
const watchdog = new Watchdog(process.env.FOLDER)
const source = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)"
const child = spawn(process.execPath, ['-e', source], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
watchdog.add(child.pid, 'TERM')
child.stdout.once('data', () => console.log(child.pid))
setInterval(() => {}, 1000)`

test('the watchdog kills what ignores its signal, and removes the folder', { timeout: 60_000 }, async () => {
  const root = tempProject({ 'private/secret': '' })
  const folder = path.join(root, 'private')
  const env = { PATH: process.env['PATH'], WATCHDOG, FOLDER: folder }
  const run = spawn(process.execPath, ['--input-type=module', '-e', SOURCE], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void run.kill('SIGKILL'))
  const [line] = (await firstOf(run, 'data', run.stdout)) as [Buffer]
  const pid = Number(String(line))
  expect(isAlive(pid)).toBe(true)
  run.kill('SIGKILL')
  try {
    await expect.poll(() => isAlive(pid) || existsSync(folder), { timeout: 30_000 }).toBe(false)
  } finally {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  }
})
