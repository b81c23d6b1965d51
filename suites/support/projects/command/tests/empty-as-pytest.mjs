import { write } from '../junit.mjs'
write()
process.exitCode = 5
