import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['suites/{fast,standard,extended}/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'suites/support/**'],
    globalSetup: ['suites/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
