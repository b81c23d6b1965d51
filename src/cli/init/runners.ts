/** What runs the test files that `tiershard init` finds. */

export interface Runner {
  readonly name: string
  /** The suite's `run`, as docs/engines.md has it; null: vitest, which has an engine of its own. */
  readonly run: string | null
  /** The packages that it needs. */
  readonly packages: readonly string[]
}

export const VITEST: Runner = { name: 'vitest', run: null, packages: ['vitest'] }

const NODE_TEST: Runner = {
  name: 'node:test',
  run: [
    'node --test --test-reporter=spec --test-reporter-destination=stdout',
    '--test-reporter=junit --test-reporter-destination={junit} --test-name-pattern={testName} {file}',
  ].join(' '),
  packages: [],
}

export const PLAYWRIGHT: Runner = {
  name: 'Playwright',
  run: 'PLAYWRIGHT_JUNIT_OUTPUT_FILE={junit} playwright test {file} --reporter=junit --grep={testName}',
  packages: ['@playwright/test'],
}

const JEST: Runner = {
  name: 'jest',
  run: 'JEST_JUNIT_OUTPUT_FILE={junit} jest --reporters=default --reporters=jest-junit --testNamePattern={testName} --runTestsByPath {file}',
  packages: ['jest', 'jest-junit'],
}

const MOCHA: Runner = {
  name: 'mocha',
  run: 'mocha --reporter=xunit --reporter-option=output={junit} --grep={testName} {file}',
  packages: ['mocha'],
}

/** How a file imports its runner; of several the first counts. */
const IMPORTS: readonly (readonly [RegExp, Runner])[] = [
  [importOf('vitest'), VITEST],
  [importOf('node:test'), NODE_TEST],
  [importOf('@playwright/test'), PLAYWRIGHT],
  [importOf('@jest/globals'), JEST],
  [importOf('mocha'), MOCHA],
]

/** What runs a test file: the runner that it imports; of those with global functions, the one that the project has. */
export function runnerOf(text: string, dependencies: Readonly<Record<string, unknown>>): Runner {
  const imported = IMPORTS.find(([pattern]) => pattern.test(text))
  if (imported) return imported[1]
  if ('vitest' in dependencies) return VITEST
  return 'jest' in dependencies ? JEST : 'mocha' in dependencies ? MOCHA : VITEST
}

/** @param module a name without characters that mean something in a pattern */
function importOf(module: string): RegExp {
  return new RegExp(String.raw`(?:\bfrom|\bimport|\brequire\()\s*(['"])${module}\1`)
}
