export default {
  tiers: { standard: { fileTimeout: '20s', shards: 3 } },
  suites: { faults: { tier: 'standard', files: 'tests/**/*.test.ts' } },
}
