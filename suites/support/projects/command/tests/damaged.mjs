import { writeFileSync } from 'node:fs'
import { failed, passed, REPORT } from '../junit.mjs'
writeFileSync(REPORT, `<testsuites><testsuite name="runner">${passed('whole')}${failed('red')}<testcase classname="c" name="cut"><system-o`)
