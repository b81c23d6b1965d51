/**
 * The process of the embedded server. It tells its parent the port over IPC, and ends with the channel: when the parent
 * is gone, however that happened, nobody needs the data any more.
 */
import { EmbeddedValkey } from './valkey.ts'

/** What this process says to its parent. */
export type EmbeddedMessage = { readonly kind: 'ready'; readonly port: number }

const server = new EmbeddedValkey({
  port: 0,
  onCrash: (error) => {
    // Printed by Node, and the process ends: the parent reports both.
    setImmediate(() => {
      throw error
    })
  },
})
process.on('disconnect', () => void server.stop())
await server.start()
process.send?.({ kind: 'ready', port: server.port } satisfies EmbeddedMessage)
