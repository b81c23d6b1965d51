import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['suites/{fast,standard,extended}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'suites/support/**'],
    globalSetup: ['suites/support/global-setup.ts'],
    // Events are awaited, not times: a limit only ends a test that hangs, also on a machine ten times slower.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
  },
})
