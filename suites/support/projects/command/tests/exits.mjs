import { passed, write } from '../junit.mjs'
write(passed('adds'))
process.exitCode = 3
