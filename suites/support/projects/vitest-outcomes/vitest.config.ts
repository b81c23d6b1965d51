import { defineConfig } from 'vitest/config'

// Plugins look here whether they are loaded for tests.
const { VITEST, TEST, NODE_ENV } = process.env

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    retry: 0,
    // All of this is the user's own, and either stays or does not matter under tiershard.
    setupFiles: ['./setup.ts'],
    env: { FROM_CONFIG: 'kept', SEAT: 'from the config', REDIS_URL: 'redis://from-the-config' },
    provide: { seenByConfig: { VITEST, TEST, NODE_ENV } } as object,
    reporters: ['./reporter.ts'],
    fileParallelism: false,
  },
})
