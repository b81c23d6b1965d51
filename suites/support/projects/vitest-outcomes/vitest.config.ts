import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    retry: 0,
    // All of this is the user's own, and either stays or does not matter under tiershard.
    setupFiles: ['./setup.ts'],
    env: { FROM_CONFIG: 'kept', SEAT: 'from the config', REDIS_URL: 'redis://from-the-config' },
    reporters: ['./reporter.ts'],
    fileParallelism: false,
  },
})
