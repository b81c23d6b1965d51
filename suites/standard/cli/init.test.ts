import { expect, test } from 'vitest'
import { tiershard, vitestProject } from '../../support/cli/binary.ts'
import { INSTALLED } from '../../support/config/project.ts'

test('what init writes into an empty project runs, and passes', async () => {
  const cwd = vitestProject(INSTALLED)
  expect((await tiershard(cwd, ['init'])).exitCode).toBe(0)
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--redis', 'embedded'])
  expect(stdout).toContain('passed: 2 tests in 1 file')
  expect(exitCode).toBe(0)
})
