import { once } from 'node:events'
import net from 'node:net'

/** A port in front of another one that resets every connection through it now and then, or answers none at all. */
export interface Cutter {
  readonly port: number
  /** How many connections have been cut. */
  readonly cuts: number
  cutEvery(ms: number): void
  /** From now on nothing gets through. */
  shut(): void
  close(): void
}

export async function startCutter(target: { readonly host: string; readonly port: number }): Promise<Cutter> {
  const pairs = new Set<net.Socket>()
  let timer: NodeJS.Timeout | undefined
  let cuts = 0
  let open = true
  const cut = (): void => {
    for (const socket of pairs) {
      cuts++
      socket.resetAndDestroy()
    }
  }
  const server = net.createServer((socket) => {
    if (!open) {
      socket.resetAndDestroy()
      return
    }
    const there = net.connect(target)
    pairs.add(socket)
    for (const end of [socket, there]) end.on('error', () => {})
    socket.once('close', () => {
      pairs.delete(socket)
      there.destroy()
    })
    there.once('close', () => socket.destroy())
    socket.pipe(there).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as net.AddressInfo).port,
    get cuts() {
      return cuts
    },
    cutEvery: (ms) => (timer = setInterval(cut, ms)),
    shut: () => {
      open = false
      cut()
    },
    close: () => {
      clearInterval(timer)
      cut()
      server.close()
    },
  }
}
