import { spawn } from 'node:child_process'
import { test } from 'vitest'

test('starts a daemon that does not listen to SIGTERM', async () => {
  const code = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); process.stdout.write('ready')`
  const child = spawn(process.execPath, ['-e', code], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  child.unref()
  console.log(`pid ${child.pid}`)
})
