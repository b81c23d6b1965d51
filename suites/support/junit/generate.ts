import { closeSync, openSync, writeSync } from 'node:fs'

const FAILURE =
  '<failure message="expected 1 to be 2" type="AssertionError">AssertionError: expected 1 to be 2\n    at src/a.ts:1:2</failure>'

/** Writes a report of cases of about 170 bytes, as vitest writes them; the first of every hundred has failed. */
export function writeReport(file: string, module: number, cases: number): void {
  const handle = openSync(file, 'w')
  try {
    const path = `src/some/folder/module-${module}.test.ts`
    const totals = `tests="${cases}" failures="${Math.ceil(cases / 100)}"`
    let text = `<?xml version="1.0" encoding="UTF-8" ?>\n<testsuites name="vitest tests" ${totals}>\n<testsuite name="${path}" ${totals}>\n`
    for (let n = 0; n < cases; n++) {
      const name = `group ${n % 100} &gt; does the thing number ${n} with care`
      const rest = n % 100 === 0 ? `>${FAILURE}</testcase>` : '/>'
      text += `    <testcase classname="${path}" name="${name}" time="0.00${n % 1000}" file="${path}"${rest}\n`
      if (text.length > 1_000_000) {
        writeSync(handle, text)
        text = ''
      }
    }
    writeSync(handle, `${text}</testsuite>\n</testsuites>\n`)
  } finally {
    closeSync(handle)
  }
}
