import { writeFileSync } from 'node:fs'
import { passed, REPORT } from '../junit.mjs'
writeFileSync(REPORT, `<testsuites><testsuite name="runner">${passed('whole')}`)
process.exitCode = 70
