import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'late', include: ['late/*.test.ts', 'both/*.test.ts'], sequence: { groupOrder: 2 }, maxWorkers: 3, testTimeout: 1234 } },
      { test: { name: 'early', include: ['early/*.test.ts', 'both/*.test.ts'], maxWorkers: 1, pool: 'threads' } },
      { test: { name: 'vm', include: ['vm/*.test.ts'], pool: 'vmForks' } },
    ],
  },
})
