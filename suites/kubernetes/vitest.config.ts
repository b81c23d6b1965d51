import path from 'node:path'
import { defineConfig } from 'vitest/config'

/** The tests that need a cluster: `npm run test:kubernetes`. */
export default defineConfig({
  root: path.join(import.meta.dirname, '../..'),
  test: { include: ['suites/kubernetes/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 180_000 },
})
