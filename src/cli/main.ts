#!/usr/bin/env node
/**
 * The command. It stays small so that an old Node can say that it is too old: everything else is imported after the
 * check of the version. This is the only place that ends the process.
 */
import { existsSync } from 'node:fs'
import module from 'node:module'
import { tmpdir } from 'node:os'
import process from 'node:process'

const NEEDED = [22, 19] as const

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.stderr.write(
    `tiershard needs Node ${NEEDED.join('.')} or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
      'Install a newer Node, or add the npm package "node" to the devDependencies and start tiershard with npx.\n',
  )
  process.exit(2)
}

// Node never comes back from making a folder where none can be made (/proc): then there is no cache.
if (existsSync(tmpdir())) module.enableCompileCache()
// A reader that goes away (`tiershard plan | head`, a terminal that is closed) is no reason to stop; the reports are written
// all the same.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
  })
}
process.on('uncaughtException', (error) => bug(error))

const exitCode = await answer().catch((error: unknown) => bug(error))
// Output first; then the end, whatever a config may have left open.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)))

/** The manual and the version at once, without what parsing needs; everything else by the program. Returns the exit code. */
async function answer(): Promise<number> {
  const argv = process.argv.slice(2)
  const { manualAskedFor, manualPage } = await import('./help.ts')
  const { tiershard: root } = await import('./manuals.ts')
  const manual = manualAskedFor(argv, root)
  if (manual) {
    process.stdout.write(manualPage(manual, manual === root, process.stdout.columns ?? 80))
    return 0
  }
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    const { version } = await import('./version.ts')
    process.stdout.write(`${version()}\n`)
    return 0
  }
  const { tiershard } = await import('./program.ts')
  return tiershard({
    argv,
    cwd: process.cwd(),
    env: process.env,
    // Opened when it is asked for: most commands read none.
    get stdin() {
      return process.stdin as AsyncIterable<Buffer>
    },
    stdout: process.stdout,
    stderr: process.stderr,
    // At once: for the second signal, when nobody wants to wait any longer.
    exit: (code) => process.exit(code),
  })
}

/** An error that nobody expected. Not 1: a test has not failed. */
function bug(error: unknown): never {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`tiershard itself failed. This is a bug; please report it with these lines:\n${text}\n`)
  process.exit(3)
}
