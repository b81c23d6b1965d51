import { spawn } from 'node:child_process'
import { test } from 'vitest'

test('starts a child and forgets it', () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
  child.unref()
  console.log(`pid ${child.pid}`)
})
