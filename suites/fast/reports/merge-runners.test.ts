import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { merging } from '../../support/junit/merging.ts'

/** What suites/support/junit/capture.ts has kept of real runners. */
const captured = path.resolve(import.meta.dirname, '../../support/junit/captured')

/** tests, failures, errors, skipped, as the tests of capture.ts ask for. */
const TOTALS: Readonly<Record<string, readonly [number, number, number, number]>> = {
  'vitest-4.xml': [4, 1, 0, 1],
  'vitest-5.xml': [4, 1, 0, 1],
  'jest.xml': [4, 1, 0, 1],
  // mocha-junit-reporter counts skipped tests and leaves them out, unless it is asked for them.
  'mocha.xml': [3, 1, 0, 0],
  // mocha's own xunit reporter writes <failure>, and counts it as an error.
  'mocha-xunit.xml': [4, 1, 0, 1],
  'node.xml': [4, 1, 0, 1],
  // An exception is an error to Playwright, an assertion a failure.
  'playwright.xml': [4, 0, 1, 1],
  'pytest.xml': [6, 2, 1, 1],
  // Its second package does not compile, which its version of Debian says in a total only.
  'gotestsum.xml': [4, 2, 0, 1],
}

/** Reports that declare what they do not hold: a package that does not compile, and the skipped test with its suite. */
const DIFFERENCES: Readonly<Record<string, number>> = { 'gotestsum.xml': 1, 'mocha.xml': 2 }

test('every captured report is in the table', () => {
  expect(readdirSync(captured).toSorted()).toEqual(Object.keys(TOTALS).toSorted())
})

test.for(Object.entries(TOTALS))('%s is whole, with the right totals', async ([file, totals]) => {
  const { result } = await merging({ [file]: readFileSync(path.join(captured, file)) })
  const [found] = result.inputs
  const { tests, failures, errors, skipped } = found!.totals
  expect([tests, failures, errors, skipped]).toEqual(totals)
  expect([found!.state, found!.problems]).toEqual(['whole', []])
  expect(found!.differenceCount).toBe(DIFFERENCES[file] ?? 0)
})

test('all of them in one merge', async () => {
  const files = Object.keys(TOTALS).map((file) => [file, readFileSync(path.join(captured, file))] as const)
  const { result } = await merging(Object.fromEntries(files))
  expect(result.totals.tests).toBe(Object.values(TOTALS).reduce((sum, [tests]) => sum + tests, 0))
})
