import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { reportLoadFailure } from '../../../src/config/failure.ts'
import { tempProject } from '../../support/config/project.ts'

// How a config that Node cannot load is reported is tested with the real command: suites/standard/cli/config.test.ts.

test('a Node whose type stripping is switched off', () => {
  const cwd = tempProject({ 'tiershard.config.ts': 'const a: number = 1\nexport default {}' })
  const error = Object.assign(new Error('Unknown file extension ".ts"'), { code: 'ERR_UNKNOWN_FILE_EXTENSION' })
  const report = reportLoadFailure(path.join(cwd, 'tiershard.config.ts'), error, cwd)
  expect(report).toContain('tiershard.config.ts this Node does not read TypeScript')
  expect(report).toContain('use tiershard.config.mjs')
})

test('a password in what a config throws is in no part of the report', () => {
  const cwd = tempProject({ 'tiershard.config.ts': "export default connect('redis://user:hunter2@host')" })
  const file = path.join(cwd, 'tiershard.config.ts')
  const error = new Error('no answer from redis://user:hunter2@host')
  error.stack = `Error: ${error.message}\n    at ${pathToFileURL(file).href}:1:16`
  const report = reportLoadFailure(file, error, cwd)
  expect(report).toContain('tiershard.config.ts:1:16 Error: no answer from redis://')
  expect(report).toContain('> 1 | export default connect(')
  expect(report).not.toContain('hunter2')
})
