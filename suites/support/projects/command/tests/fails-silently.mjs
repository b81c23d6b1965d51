import { failed, write } from '../junit.mjs'
write(failed('is red, and the command says it is green'))
