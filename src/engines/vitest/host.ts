/**
 * The vitest host: a child process of the orchestrator, in a process group of its own. It holds one vitest server and
 * speaks protocol.ts over IPC. It must not outlive the orchestrator, and its workers must not outlive it.
 */
import { existsSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { unreachable } from '../../core/ending.ts'
import { toErrorRecord } from '../errors.ts'
import type { FromHost, ToHost } from './protocol.ts'
import { Session, type VitestNode } from './session.ts'

const SETUP_FILE = fileURLToPath(new URL(`./setup${path.extname(import.meta.url)}`, import.meta.url))
/** A config error that carries a whole code frame is shown; a novel is not, UTF-16 units. */
const CONFIG_ERROR_LIMIT = 4_000
/** How long a global teardown may take when everything was told to stop, ms. */
const STOPPED_CLOSE_LIMIT_MS = 1_000

let session: Session | null = null
let outbox: FromHost[] = []

process.on('message', (message) => void handle(message as ToHost))
process.once('disconnect', endNow)
process.on('SIGTERM', endNow)

async function handle(message: ToHost): Promise<void> {
  switch (message.type) {
    case 'open':
      return open(message)
    case 'discover':
      return session!.discover(message.changed).catch((error: unknown) => {
        // With `changed`, vitest follows imports; a file that cannot be parsed ends that.
        post({ type: 'refused', message: `vitest cannot find out what to run: ${toErrorRecord(error).message}` })
      })
    case 'execute': {
      const outcome = await session!.execute(message.batch)
      const stopping = session!.floor!.stopping
      if (!session!.reusable) await session!.close(stopping ? STOPPED_CLOSE_LIMIT_MS : undefined)
      return post({ type: 'done', outcome })
    }
    case 'seat':
      return session!.floor?.answer(message.ask, message.seat)
    case 'kill':
      return session!.floor?.kill(message.file, message.how)
    case 'stop':
      return session!.floor?.stop()
    case 'close':
      await session?.close()
      // The host is killed once it has answered, and would leave nothing for the next one.
      flushCompileCache()
      return post({ type: 'closed' })
    default:
      return unreachable(message)
  }
}

async function open({ root, configFile, vitest }: Extract<ToHost, { type: 'open' }>): Promise<void> {
  try {
    const vitestNode = (await import(pathToFileURL(vitest).href)) as VitestNode
    session = await Session.open({ root, configFile, vitestNode, setupFile: SETUP_FILE, post })
    post({ type: 'opened', version: vitestNode.version, reusable: session.reusable })
  } catch (error) {
    post({ type: 'refused', message: configError(error, root, configFile) })
  }
}

/** Queues a message. Messages of one turn of the event loop travel together: a file may have 10,000 tests. */
function post(message: FromHost): void {
  if (outbox.length === 0) setImmediate(flush)
  outbox.push(message)
  // The orchestrator must know of a process even if this one is killed right after it was started.
  if (message.type === 'spawned') flush()
}

function flush(): void {
  if (outbox.length === 0) return
  const messages = outbox
  outbox = []
  if (process.connected) process.send!(messages)
}

/** What is wrong with the user's vitest config, in the words of whoever found it, without a stack of vitest's. */
function configError(error: unknown, root: string, configFile: string | null): string {
  // Several projects may be wrong at once; the error that carries theirs says only that.
  const errors = error instanceof AggregateError && error.errors.length > 0 ? error.errors : [error]
  const records = errors.map(toErrorRecord)
  const config = configFile ?? findConfig(root)
  const at = records.flatMap(({ frames }) => frames).find(({ file }) => file === config)
  const where = config === null ? root : `${config}${at ? `:${at.line}:${at.column}` : ''}`
  const messages = [...new Set(records.map(({ message }) => stripVTControlCharacters(message).trim()))]
  const text = messages.join('\n').slice(0, CONFIG_ERROR_LIMIT)
  return `vitest does not start with ${where}:\n${text}`
}

/** vitest's own search, for the message. */
function findConfig(root: string): string | null {
  for (const name of ['vitest.config', 'vite.config']) {
    for (const ending of ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs']) {
      const file = path.join(root, `${name}.${ending}`)
      if (existsSync(file)) return file
    }
  }
  return null
}

function endNow(): void {
  session?.floor?.stop('now')
  process.kill(process.pid, 'SIGKILL')
}
