import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'vitest'

test('first', async () => {
  // The shell ends, and what it started has neither its group nor a parent.
  const code = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000, 'the daemon')`
  const shell = spawn('sh', ['-c', `setsid "$0" -e "$1" >/dev/null 2>&1 </dev/null &`, process.execPath, code])
  await once(shell, 'exit')
})
