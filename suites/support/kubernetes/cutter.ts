import { once } from 'node:events'
import net from 'node:net'

/** A port in front of another one that resets every connection through it now and then, or answers none at all. */
export interface Cutter {
  readonly port: number
  /** How many connections have been cut. */
  readonly cuts: number
  /** How many connections there are now, with those that wait. */
  readonly connections: number
  /** How many wait. */
  readonly held: number
  cutEvery(ms: number): void
  /** What connects from now on waits until the returned function is called. */
  hold(): () => void
  /** From now on nothing gets through. */
  shut(): void
  close(): void
}

export async function startCutter(target: { readonly host: string; readonly port: number }): Promise<Cutter> {
  const pairs = new Set<net.Socket>()
  let timer: NodeJS.Timeout | undefined
  let cuts = 0
  let open = true
  let held: (() => void)[] | null = null
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
    pairs.add(socket)
    socket.on('error', () => {}).once('close', () => pairs.delete(socket))
    if (held) held.push(() => lead(socket, target))
    else lead(socket, target)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as net.AddressInfo).port,
    get cuts() {
      return cuts
    },
    get connections() {
      return pairs.size
    },
    get held() {
      return held?.length ?? 0
    },
    cutEvery: (ms) => (timer = setInterval(cut, ms)),
    hold() {
      const waiting: (() => void)[] = (held = [])
      return () => {
        held = null
        for (const go of waiting) go()
      }
    },
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

function lead(socket: net.Socket, target: { readonly host: string; readonly port: number }): void {
  if (socket.destroyed) return
  const there = net.connect(target)
  there.on('error', () => {}).once('close', () => socket.destroy())
  socket.once('close', () => there.destroy())
  socket.pipe(there).pipe(socket)
}
