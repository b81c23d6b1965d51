/** The gateway as a process: settings from the environment, one line of JSON when it listens, SIGTERM to stop. */
import { readConfig } from './config.ts'
import { startGateway } from './service.ts'

const read = readConfig(process.env)
if (read.ok) {
  try {
    const gateway = await startGateway(read.config)
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void gateway.close())
    // Started by a test: it must not outlive one that was killed. The channel itself keeps nobody alive.
    process.once('disconnect', () => void gateway.close())
    process.channel?.unref()
    if ('connected' in process && !process.connected) void gateway.close()
    // Only now: whoever reads it may send a signal at once.
    process.stdout.write(`${JSON.stringify({ listening: gateway.url })}\n`)
  } catch (error) {
    fail([error instanceof Error ? error.message : String(error)])
  }
} else {
  fail(read.problems)
}

function fail(problems: readonly string[]): void {
  for (const problem of problems) process.stderr.write(`gateway: ${problem}\n`)
  process.exitCode = 1
}
