import { passed, skipped, write } from '../junit.mjs'
write(passed('adds'), passed('adds'), skipped('later'))
