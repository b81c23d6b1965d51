import { spawn } from 'node:child_process'
import { passed, write } from '../junit.mjs'
const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', detached: true })
console.log(`pid ${child.pid}`)
write(passed('daemonises'))
process.exit()
