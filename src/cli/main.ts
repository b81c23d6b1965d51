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
const { crashOf } = await import('./crash.ts')

/** What stdout or stderr could not take. */
let lost: string | null = null
// A reader that goes away (`tiershard plan | head`, a terminal that is closed) is no reason to stop; the reports are written
// all the same. So they are when the output goes to a full disk, but that is no success.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') lost ??= error.message
  })
}
process.on('uncaughtException', (error) => crash(error))

let ended = false
process.on('exit', (code) => {
  // 13: Node waits for something that never comes, and says so.
  if (ended || code === 13) return
  process.stderr.write(
    `The config, or something that it imports, ended the process (process.exit, with ${code}) before tiershard was through. ` +
      'A config must not do that; throw an error instead.\n',
  )
  process.exitCode = 2
})

const exitCode = await answer().catch((error: unknown) => crash(error))
// Output first, and what became of it; then the end, whatever a config may have left open.
process.stdout.write('', () => process.stderr.write('', () => setImmediate(finish)))

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
  const cwd = workingFolder()
  if (cwd === null) {
    process.stderr.write(
      'The working directory cannot be used: it was removed, or may not be entered, or its path is not UTF-8. ' +
        'Change into another folder, and start tiershard there.\n',
    )
    return 2
  }
  const { tiershard } = await import('./program.ts')
  return tiershard({
    argv,
    cwd,
    env: process.env,
    // Opened when it is asked for: most commands read none.
    get stdin() {
      return process.stdin as AsyncIterable<Buffer>
    },
    stdout: process.stdout,
    stderr: process.stderr,
    // At once: for the second signal, when nobody wants to wait any longer.
    exit: end,
  })
}

/** null: there is none that Node could name. */
function workingFolder(): string | null {
  try {
    const cwd = process.cwd()
    return existsSync(cwd) ? cwd : null
  } catch {
    return null
  }
}

/** An error that nobody expected. Not 1: a test has not failed. */
function crash(error: unknown): never {
  const { message, exitCode: code } = crashOf(error)
  process.stderr.write(`${message}\n`)
  end(code)
}

/** Output that was lost is infrastructure, unless the command ended with something that says more. */
function finish(): never {
  if (lost === null) end(exitCode)
  process.stderr.write(`! the output could not be written: ${lost}\n`)
  end(exitCode === 2 || exitCode >= 130 ? exitCode : 3)
}

function end(code: number): never {
  ended = true
  process.exit(code)
}
