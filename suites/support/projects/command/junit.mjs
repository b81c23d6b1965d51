import { writeFileSync } from 'node:fs'

/** The path that the command was given for its report. */
export const REPORT = process.argv[2]

export const passed = (name) => `<testcase classname="tests.runner" name="${name}" time="0.25"/>`
export const failed = (name, message = 'boom') =>
  `<testcase classname="tests.runner" name="${name}" time="0.5"><failure type="Mistake" message="${message}">Mistake: ${message}\n    at check (/project/tests/a.mjs:3:7)</failure></testcase>`
export const skipped = (name) => `<testcase classname="tests.runner" name="${name}"><skipped message="not now"/></testcase>`

export function write(...cases) {
  writeFileSync(REPORT, `<?xml version="1.0"?>\n<testsuites><testsuite name="runner">${cases.join('')}</testsuite></testsuites>\n`)
}
