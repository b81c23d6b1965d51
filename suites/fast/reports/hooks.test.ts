import { expect, test } from 'vitest'
import { failures, groupFailures } from '../../../src/reports/failures.ts'
import { pageError } from '../../../src/reports/html/text.ts'
import { reportXml } from '../../../src/reports/junit.ts'
import { summaryMarkdown } from '../../../src/reports/markdown.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { noHistory, replay } from '../../support/console/streams.ts'
import { anError, journal } from '../../support/reports/journal-builder.ts'
import { readJUnit } from '../../support/reports/junit-reader.ts'

/** A hook that fails in one group of tests of each file, and always for the same reason. */
const MESSAGE = 'connect ECONNREFUSED 127.0.0.1:5432'
const inSuite = (suite: string) => anError({ message: MESSAGE, suite })
const built = journal()
  .tier('fast')
  .file('orders.test.ts', (file) => file.attempt((it) => it.error(inSuite('orders'))))
  .file('gateway.test.ts', (file) => file.attempt((it) => it.error(inSuite('gateway > survives ECONNRESET'))))
  .build()

test('failed hooks of differently named groups are one group of failures', () => {
  expect(groupFailures(failures(built.record))).toMatchObject([
    { message: `Error: ${MESSAGE}`, failures: [{ file: 'gateway.test.ts' }, { file: 'orders.test.ts' }] },
  ])
})

test('the name of a group gives no cause away', () => {
  const said = anError({ message: 'no such table', suite: 'survives ECONNRESET' })
  const { record } = journal()
    .tier('fast')
    .file('a.test.ts', (file) => file.attempt((it) => it.error(said)))
    .build()
  expect(failures(record)).toMatchObject([{ message: 'Error: no such table', cause: null }])
})

test('every report says in which group it was', () => {
  expect(replay(built)).toContain(`    in suite gateway > survives ECONNRESET\n    Error: ${MESSAGE}\n`)
  expect(summaryMarkdown(built.record, analyseSlow(built.record, noHistory, 5))).toContain(
    `<pre>in suite gateway &gt; survives ECONNRESET\n${MESSAGE}`,
  )
  expect(pageError(inSuite('orders')).message).toBe(`Error: ${MESSAGE}\n\nin suite orders`)
  const failed = readJUnit(reportXml(built.record)).suites.flatMap(({ cases }) => cases[0]!.children)
  expect(failed.map(({ attributes, text }) => [attributes['message'], text])).toEqual([
    [`gateway > survives ECONNRESET: ${MESSAGE}`, expect.stringMatching(/^in suite gateway > survives ECONNRESET\n/)],
    [`orders: ${MESSAGE}`, expect.stringMatching(/^in suite orders\nError: connect/)],
  ])
})
