import { write } from '../junit.mjs'
write()
