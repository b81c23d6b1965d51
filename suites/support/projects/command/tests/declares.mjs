import { writeFileSync } from 'node:fs'
import { passed, REPORT } from '../junit.mjs'
writeFileSync(REPORT, `<testsuite name="runner" tests="3">${passed('the only one')}</testsuite>`)
