import { passed, write } from '../junit.mjs'
write(passed('finishes first'))
process.kill(process.pid, 'SIGKILL')
