export default {
  test: { include: ['tests/**/*.test.ts'], execArgv: ['--max-old-space-size=64'], hookTimeout: 500 },
}
