import { writeSync } from 'node:fs'
import { passed, write } from '../junit.mjs'
console.log(`seat ${process.env.SEAT}, kept ${process.env.KEPT}, taken ${process.env.TAKEN}, cwd ${process.cwd()}`)
process.stderr.write('to stderr, with ünïcode')
writeSync(1, 'half of a line')
write(passed('talks'))
