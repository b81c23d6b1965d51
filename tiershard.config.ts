import { readdirSync } from 'node:fs'
// A project of its own writes: import { defineConfig } from 'tiershard'
import { defineConfig, type UserSuite } from './src/index.ts'

/** A suite for each folder of a tier. Only the gateway's tests use the run's Redis; the others start what they need. */
function byFolder(tier: string): Record<string, UserSuite> {
  const folders = readdirSync(new URL(`suites/${tier}/`, import.meta.url), { withFileTypes: true })
  return Object.fromEntries(
    folders
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => [
        `${tier}/${name}`,
        { tier, files: `suites/${tier}/${name}/**/*.test.ts`, isolation: name === 'gateway' ? 'db' : 'none' },
      ]),
  )
}

// At night the extended tier runs in its full size (suites/support/sizes.ts), which takes an hour.
const fullSize = process.env['TIERSHARD_FULL_SIZE'] === '1'

export default defineConfig({
  tiers: { extended: fullSize ? { deadline: '100m', fileTimeout: '80m' } : { fileTimeout: '20m' } },
  suites: {
    // It asks for a database that does not exist, which no user of a shared server may do.
    'fast/connectivity': { tier: 'fast', files: 'suites/fast/gateway/connectivity.test.ts', isolation: 'server' },
    'fast/gateway': { tier: 'fast', files: 'suites/fast/gateway/**/*.test.ts' },
    unit: { tier: 'fast', files: 'suites/fast/**/*.test.ts', exclude: 'suites/fast/gateway/**', isolation: 'none' },
    ...byFolder('standard'),
    ...byFolder('extended'),
  },
})
