import type { FoundSuite } from './suites.ts'
import type { Project } from './survey.ts'

/** The files that `tiershard init` writes. */

/** A config that says where the tests are. What is left out has its default. */
export function configText({ suites, reports }: Project): string {
  const width = Math.max(...suites.map(({ name }) => key(name).length), 0)
  const lines =
    suites.length === 0
      ? ["    redis: { tier: 'standard', files: 'suites/standard/**/*.test.*' },"]
      : suites.map((suite) => `    ${suiteLine(suite, width)}`)
  const folder =
    reports === 'reports' ? '' : `  // The folder "reports" is somebody else's.\n  reports: ${quote(reports)},\n`
  return `import { defineConfig } from 'tiershard'

// Tiers have defaults: fast 5 minutes, standard 15, extended 30. All options: docs/configuration.md of tiershard.
export default defineConfig({
${folder}  suites: {
    // Suites with isolation 'none' get no Redis; the others (isolation 'db') an empty database for each file.
${lines.join('\n')}
  },
})
`
}

function suiteLine({ name, tier, files, exclude, usesRedis, runner }: FoundSuite, width: number): string {
  const parts = [`tier: '${tier}'`, `files: ${list(files)}`]
  if (exclude.length > 0) parts.push(`exclude: ${list(exclude)}`)
  if (!usesRedis) parts.push("isolation: 'none'")
  if (runner.run === null) return `${`${key(name)}:`.padEnd(width + 1)} { ${parts.join(', ')} },`
  return `${key(name)}: {
      ${parts.join(', ')},
      engine: 'command', // ${runner.name}, a process for each file: docs/engines.md
      run: ${quote(runner.run)},
    },`
}

function list(globs: readonly string[]): string {
  return globs.length === 1 ? quote(globs[0]!) : `[${globs.map(quote).join(', ')}]`
}

function key(name: string): string {
  return /^[a-z_]\w*$/i.test(name) ? name : quote(name)
}

function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`
}

/** A suite that shows what a test finds. */
export function firstSuite({ client, isTypeScript }: Project): { readonly file: string; readonly text: string } {
  const text = client === 'redis' ? NODE_REDIS : IOREDIS
  return { file: `suites/standard/redis.test.${isTypeScript ? 'ts' : 'js'}`, text }
}

const IOREDIS = `import { Redis } from 'ioredis'
import { afterAll, expect, test } from 'vitest'

// tiershard sets REDIS_URL: a database that no other shard can touch, empty when this file starts.
const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379')

afterAll(() => redis.quit())

test('the database is empty', async () => {
  expect(await redis.dbsize()).toBe(0)
})

test('what is written can be read', async () => {
  await redis.set('greeting', 'hello')
  expect(await redis.get('greeting')).toBe('hello')
})
`

const NODE_REDIS = `import { createClient } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'

// tiershard sets REDIS_URL: a database that no other shard can touch, empty when this file starts.
const redis = createClient({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' })

beforeAll(() => redis.connect())
afterAll(() => redis.quit())

test('the database is empty', async () => {
  expect(await redis.dbSize()).toBe(0)
})

test('what is written can be read', async () => {
  await redis.set('greeting', 'hello')
  expect(await redis.get('greeting')).toBe('hello')
})
`

/** When each tier runs; null: always. */
const TRIGGERS = {
  fast: null,
  standard: "github.event_name != 'push' || github.ref_name == github.event.repository.default_branch",
  extended: "github.event_name == 'schedule' || github.event_name == 'workflow_dispatch'",
} as const

/** Minutes: above the deadline of the tier, so that tiershard ends by itself and leaves its reports. */
const TIMEOUTS = { fast: 15, standard: 25, extended: 45 } as const

/** A workflow for GitHub Actions: fast on every push, standard on pull requests, extended at night. */
export function workflow({ tiers, packages, reports }: Project): string {
  const nightly = tiers.includes('extended') ? "  schedule:\n    - cron: '17 2 * * *'\n" : ''
  const setup = packages.name === 'npm' ? '' : '      - run: corepack enable\n'
  const jobs = tiers.map(
    (tier) => `  ${tier}:
${TRIGGERS[tier] === null ? '' : `    if: ${TRIGGERS[tier]}\n`}    runs-on: ubuntu-latest
    timeout-minutes: ${TIMEOUTS[tier]}
    steps:
      - uses: actions/checkout@v6
${setup}      - uses: actions/setup-node@v6
        with:
          node-version: 24
          cache: ${packages.name}
      - run: ${packages.install}
      # Timings of earlier runs: files are handed out longest first.
      - uses: actions/cache/restore@v5
        with:
          path: ${reports}/history.json
          key: timings-${tier}-\${{ github.run_id }}-\${{ github.run_attempt }}
          restore-keys: timings-${tier}-
      - run: ${packages.exec} tiershard run --tier ${tier}
      - uses: actions/cache/save@v5
        if: always() && hashFiles('${reports}/history.json') != ''
        with:
          path: ${reports}/history.json
          key: timings-${tier}-\${{ github.run_id }}-\${{ github.run_attempt }}
      - uses: actions/upload-artifact@v6
        if: always()
        with:
          name: reports-${tier}-\${{ github.run_attempt }}
          path: |
            ${reports}/
            !${reports}/latest
`,
  )
  return `name: tests

on:
  push:
  pull_request:
  workflow_dispatch:
${nightly}
permissions:
  contents: read

jobs:
${jobs.join('\n')}`
}
