import path from 'node:path'
import { expect, test } from 'vitest'
import { checkConfig } from '../../../src/config/check.ts'
import type { UserConfig } from '../../../src/config/define.ts'
import { toSettings, withOverrides } from '../../../src/config/settings.ts'
import type { Settings } from '../../../src/core/settings.ts'

const root = path.resolve('/project')

function settingsOf(config: UserConfig): Settings {
  const checked = checkConfig(config, null)
  if (!checked.ok) throw new Error('the config of this test is wrong')
  return toSettings(checked.config, { root, configFile: null }, () => [])
}

test('the defaults of the built-in tiers', () => {
  const { tiers, redis, reportsDir, vitestConfig } = settingsOf({})
  const minute = 60_000
  expect(tiers).toMatchObject([
    { name: 'fast', deadlineMs: 5 * minute, testTimeoutMs: 10_000, fileTimeoutMs: minute, slowMs: 1000, retries: 0 },
    { name: 'standard', deadlineMs: 15 * minute, testTimeoutMs: 30_000, fileTimeoutMs: 5 * minute, slowMs: 5000 },
    {
      name: 'extended',
      deadlineMs: 30 * minute,
      testTimeoutMs: 2 * minute,
      fileTimeoutMs: 10 * minute,
      slowMs: 30_000,
    },
  ])
  expect(new Set(tiers.map((tier) => tier.shards)).size).toBe(1)
  expect(tiers[0]!.shards).toBeGreaterThanOrEqual(2)
  expect(tiers[0]!.shards).toBeLessThanOrEqual(8)
  expect(redis).toEqual({
    source: { kind: 'auto' },
    control: null,
    databases: null,
    waitMs: 2 * minute,
    patienceMs: minute,
    acl: 'auto',
  })
  expect(reportsDir).toBe(path.join(root, 'reports'))
  expect(vitestConfig).toBeNull()
})

test('a built-in tier is changed in part, own tiers come after the built-in ones and start from standard', () => {
  const { tiers } = settingsOf({ tiers: { smoke: { deadline: '1m' }, extended: { shards: 3 } } })
  expect(tiers.map((tier) => tier.name)).toEqual(['fast', 'standard', 'extended', 'smoke'])
  expect(tiers[2]).toMatchObject({ deadlineMs: 1_800_000, shards: 3 })
  expect(tiers[3]).toMatchObject({ deadlineMs: 60_000, fileTimeoutMs: 60_000, testTimeoutMs: 30_000, slowMs: 5000 })
})

test('whether the test timeout was given', () => {
  const { tiers } = settingsOf({ tiers: { fast: { testTimeout: 700 } } })
  expect(tiers.map((tier) => tier.testTimeoutGiven)).toEqual([true, false, false])
  expect(tiers[0]!.testTimeoutMs).toBe(700)
})

test('suites keep their order and get their defaults; paths are resolved against the root', () => {
  const settings = settingsOf({
    suites: {
      b: { tier: 'fast', files: 'b/**' },
      a: { tier: 'standard', files: ['a/**'], isolation: 'none' },
      c: { tier: 'fast', files: 'c/**', isolation: 'server', port: 'standard' },
    },
    reports: 'out/runs',
    vitest: { config: 'vite/vitest.config.ts' },
    redis: { source: 'redis://h:1/2', control: 4, wait: '5s' },
  })
  expect(settings.suites).toEqual([
    { name: 'b', tier: 'fast', files: ['b/**'], exclude: [], engine: 'vitest', isolation: 'db', env: {} },
    { name: 'a', tier: 'standard', files: ['a/**'], exclude: [], engine: 'vitest', isolation: 'none', env: {} },
    {
      name: 'c',
      tier: 'fast',
      files: ['c/**'],
      exclude: [],
      engine: 'vitest',
      isolation: 'server',
      port: 'standard',
      env: {},
    },
  ])
  expect(settings.reportsDir).toBe(path.join(root, 'out/runs'))
  expect(settings.vitestConfig).toBe(path.join(root, 'vite/vitest.config.ts'))
  expect(settings.redis).toEqual({
    source: { kind: 'url', url: 'redis://h:1/2', from: 'config' },
    control: 4,
    databases: null,
    waitMs: 5000,
    acl: 'auto',
    patienceMs: 60_000,
  })
})

test('overrides win in every tier, and a short deadline shortens what it contains', () => {
  const before = settingsOf({ tiers: { fast: { testTimeout: '2s' } } })
  const after = withOverrides(before, {
    shards: 7,
    retries: 2,
    deadlineMs: 5000,
    redis: { kind: 'local' },
    reportsDir: '/r',
  })
  for (const tier of after.tiers) {
    expect(tier).toMatchObject({ shards: 7, retries: 2, deadlineMs: 5000, fileTimeoutMs: 5000 })
    expect(tier.testTimeoutMs).toBe(tier.name === 'fast' ? 2000 : 5000)
  }
  expect(after.redis.source).toEqual({ kind: 'local' })
  expect(after.reportsDir).toBe('/r')
})

test('no overrides change nothing', () => {
  const settings = settingsOf({})
  expect(withOverrides(settings, {})).toEqual(settings)
})
