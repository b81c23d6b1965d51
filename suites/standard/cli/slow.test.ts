import { existsSync, readlinkSync, rmSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { tiershard, vitestProject } from '../../support/cli/binary.ts'

const CONFIG = `export default {
  tiers: { fast: { slow: '500ms' } },
  suites: { main: { tier: 'fast', files: 'suites/**/*.test.ts', isolation: 'none' } },
}\n`
const TESTS = `import { expect, test } from 'vitest'
import { setTimeout } from 'node:timers/promises'
test('quick', () => expect(1).toBe(1))
test('slow one', async () => { expect(await setTimeout(700, 1)).toBe(1) })\n`

test('slow: of the newest run, of a named one, of one that is not there', async () => {
  const cwd = vitestProject({ 'tiershard.config.js': CONFIG, 'suites/fast/a.test.ts': TESTS })
  const before = await tiershard(cwd, ['slow'])
  expect(before).toMatchObject({ exitCode: 2, stdout: '' })
  expect(before.stderr).toContain('There is no run in')

  expect((await tiershard(cwd, ['run'])).exitCode).toBe(0)
  const run = readlinkSync(path.join(cwd, 'reports/latest'))

  const newest = await tiershard(cwd, ['slow'])
  expect(newest).toMatchObject({ exitCode: 0, stderr: '' })
  expect(newest.stdout).toMatch(/suites\/fast\/a\.test\.ts:\d+ > slow one/)
  const json = JSON.parse(
    (await tiershard(cwd, ['slow', '--json', '--top', '1', '--tier', 'fast', run])).stdout,
  ) as object
  expect(json).toMatchObject({
    version: 1,
    run,
    tiers: [
      { tier: 'fast', tests: [{ name: 'slow one' }], overCount: expect.toSatisfy((count: number) => count >= 1) },
    ],
  })

  const missing = await tiershard(cwd, ['slow', 'nope'])
  expect(missing).toMatchObject({ exitCode: 2, stdout: '' })
  expect(missing.stderr).toContain(`There is no run "nope" in ${path.join(cwd, 'reports')}. The newest is ${run}.`)
  const tier = await tiershard(cwd, ['slow', '--tier', 'fsat'])
  expect(tier.stderr).toContain('There is no tier "fsat". Did you mean "fast"?')

  rmSync(path.join(cwd, 'reports', run, 'journal.ndjson'))
  expect(existsSync(path.join(cwd, 'reports/latest'))).toBe(true)
  expect((await tiershard(cwd, ['slow'])).exitCode).toBe(2)
})
