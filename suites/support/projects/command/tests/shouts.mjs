import { passed, write } from '../junit.mjs'
write(passed('shouts'))
process.stdout.write(`${'x'.repeat(1000)}\n`.repeat(1200))
