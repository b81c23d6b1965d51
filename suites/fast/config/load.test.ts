import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadSettings } from '../../../src/config/load.ts'
import type { Settings } from '../../../src/core/settings.ts'
import { IMPORT_DEFINE_CONFIG, tempProject } from '../../support/config/project.ts'

async function settingsIn(cwd: string, configPath: string | null = null): Promise<Settings> {
  const loaded = await loadSettings({ cwd, configPath })
  if (!loaded.ok) throw new Error(loaded.report)
  return loaded.settings
}

async function reportOf(
  config: string,
  name = 'tiershard.config.ts',
  more: Record<string, string> = {},
): Promise<string> {
  const cwd = tempProject({ [name]: config, ...more })
  const loaded = await loadSettings({ cwd, configPath: name })
  return loaded.ok ? 'it loaded' : loaded.report
}

describe('which config', () => {
  test('none: defaults, and suites from folders', async () => {
    const cwd = tempProject({ 'suites/fast/a/x.test.ts': '' })
    const settings = await settingsIn(cwd)
    expect(settings).toMatchObject({ root: cwd, configFile: null, suites: [{ name: 'fast/a' }] })
  })

  test.for(['ts', 'mts', 'js', 'mjs'])('tiershard.config.%s', async (ending) => {
    const type = ending.endsWith('ts') ? 'const shards: number = 3' : 'const shards = 3'
    const cwd = tempProject({
      [`tiershard.config.${ending}`]: `${type}\nexport default { tiers: { fast: { shards } } }`,
    })
    const settings = await settingsIn(cwd)
    expect(settings.tiers[0]).toMatchObject({ name: 'fast', shards: 3 })
    expect(settings.configFile).toBe(path.join(cwd, `tiershard.config.${ending}`))
  })

  test('the root is the folder of the config; own tiers find their suites in folders too', async () => {
    const cwd = tempProject({
      'app/tiershard.config.ts': `${IMPORT_DEFINE_CONFIG}\nexport default defineConfig({ tiers: { smoke: {} } })`,
      'app/suites/smoke/x.test.ts': '',
    })
    const settings = await settingsIn(cwd, 'app/tiershard.config.ts')
    expect(settings.root).toBe(path.join(cwd, 'app'))
    expect(settings.suites).toMatchObject([{ name: 'smoke', tier: 'smoke' }])
  })

  test('a config in a folder above is not used, and not passed over in silence', async () => {
    const cwd = tempProject({ 'tiershard.config.ts': 'export default { reports: "elsewhere" }' })
    const below = path.join(cwd, 'below')
    mkdirSync(below)
    const loaded = await loadSettings({ cwd: below, configPath: null })
    expect(loaded).toMatchObject({ ok: true, settings: { configFile: null, reportsDir: path.join(below, 'reports') } })
    expect(loaded.ok && loaded.notes).toEqual([
      `no config here; there is one in ${cwd}: run tiershard there, or give --config`,
    ])
  })

  test('two configs, and one of a kind that is not read', async () => {
    const two = tempProject({ 'tiershard.config.ts': 'export default {}', 'tiershard.config.js': 'export default {}' })
    expect(await loadSettings({ cwd: two, configPath: null })).toMatchObject({
      notes: ['tiershard.config.ts is used; tiershard.config.js beside it is ignored'],
    })
    const odd = tempProject({ 'tiershard.config.json': '{}' })
    expect(await loadSettings({ cwd: odd, configPath: null })).toMatchObject({
      notes: [expect.stringContaining('tiershard.config.json is not read')],
    })
  })

  test('--config that names nothing', async () => {
    const cwd = tempProject({})
    expect(await loadSettings({ cwd, configPath: 'x.ts' })).toMatchObject({
      ok: false,
      report: expect.stringContaining('There is no config file'),
    })
  })
})

test('five mistakes at once, each with file:line:column, a code frame and a hint', async () => {
  const report = await reportOf(`${IMPORT_DEFINE_CONFIG}

const slow = { deadline: '90' }

export default defineConfig({
  tiers: { fast: { shards: 0 }, standard: { ...slow } },
  suites: {
    main: { tier: 'fsat', files: '../x/**' },
  },
  rapports: 'out',
} as object)
`)
  const heads = report.split('\n').filter((line) => line.startsWith('tiershard.config.ts:'))
  expect(heads).toEqual([
    'tiershard.config.ts:3:26 tiers.standard.deadline is not right',
    'tiershard.config.ts:6:28 tiers.fast.shards is not right',
    'tiershard.config.ts:8:19 there is no such tier',
    'tiershard.config.ts:8:34 suites.main.files[0] is not right',
    'tiershard.config.ts:10:3 unknown option "rapports"',
  ])
  expect(report.split('\n')[0]).toBe('5 mistakes in tiershard.config.ts')
  expect(report).toContain(`  > 8 |     main: { tier: 'fsat', files: '../x/**' },\n      |                   ^^^^^^\n`)
  expect(report).toContain(
    `  expected  one of fast, standard, extended\n  found     'fsat'\n  hint      did you mean 'fast'?`,
  )
})

test('a password in the config is in no part of the report', async () => {
  const report = await reportOf(
    `export default {\n  redis: { source: 'redis://user:hunter2@host/x' },\n  redsi: {},\n}`,
  )
  expect(report).toContain('redis.source')
  expect(report).not.toContain('hunter2')
  expect(report).not.toContain('user')
})

test('loading a config leaves the warnings of the process as they were', async () => {
  const cwd = tempProject({ 'package.json': '{}' })
  writeFileSync(path.join(cwd, 'tiershard.config.ts'), 'export default {}')
  const seen: string[] = []
  const listen = (warning: Error): void => void seen.push(warning.message)
  process.on('warning', listen)
  try {
    await settingsIn(cwd)
    process.emitWarning('still heard')
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('warning', listen)
  }
  expect(seen).toEqual(['still heard'])
})
