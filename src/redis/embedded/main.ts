/**
 * The process of the embedded server. Its parent tells it over IPC where to listen, it answers with the port, and ends with
 * the channel: when the parent is gone, however that happened, nobody needs the data any more.
 */
import { once } from 'node:events'
import type { Place } from '../own.ts'
import { EmbeddedValkey } from './valkey.ts'

/** What this process says to its parent. */
export type EmbeddedMessage = { readonly kind: 'ready'; readonly port: number } | { readonly kind: 'taken' }

const [place] = (await once(process, 'message')) as [Place]
const server = new EmbeddedValkey({
  ...place,
  onCrash: (error) => {
    // Printed by Node, and the process ends: the parent reports both.
    setImmediate(() => {
      throw error
    })
  },
})
process.on('disconnect', () => void server.stop())
try {
  await server.start()
  answer({ kind: 'ready', port: server.port })
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
  answer({ kind: 'taken' })
}

function answer(message: EmbeddedMessage): void {
  process.send?.(message)
}
