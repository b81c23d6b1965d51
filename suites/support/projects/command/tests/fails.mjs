import { failed, passed, write } from '../junit.mjs'
write(passed('adds'), failed('subtracts'))
process.exitCode = 1
