/**
 * This process's environment without what a run, a test runner, a CI service or a git hook around it has put there: what a
 * test starts begins like a command in a terminal of its own, wherever the suites run.
 */
export function outsideEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name)))
}

const FOREIGN =
  /^(?:TIERSHARD_|REDIS_|VITEST|GITHUB_|GIT_|STRANGERS_|NODE_OPTIONS$|NODE_ENV$|TEST$|CI$|FORCE_COLOR$|NO_COLOR$|COLUMNS$|LINES$)/
