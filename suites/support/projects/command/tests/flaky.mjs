import { write } from '../junit.mjs'
write('<testcase classname="c" name="settles"><flakyFailure type="Mistake" message="at first">stack</flakyFailure></testcase>')
