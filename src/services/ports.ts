import { once } from 'node:events'
import net from 'node:net'

/** Ports that were handed out lately: the system may give one twice before the first taker listens. */
const given: number[] = []
const REMEMBERED = 256

/** A port of the loopback interface on which nobody listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    server.close()
    await once(server, 'close')
    if (given.includes(port)) continue
    given.push(port)
    if (given.length > REMEMBERED) given.shift()
    return port
  }
}

/** Whether somebody listens on a port of the loopback interface. */
export async function isTaken(port: number): Promise<boolean> {
  const server = net.createServer()
  const taken = new Promise<boolean>((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'))
    server.once('listening', () => server.close(() => resolve(false)))
  })
  server.listen(port, '127.0.0.1')
  return taken
}
