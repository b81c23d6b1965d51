import { addAbortSignal, Duplex } from 'node:stream'
import type { KubeConfig } from '@kubernetes/client-node'
import { WebSocket, type ClientOptions } from 'ws'
import { failureOf, statusMessage, type Failure } from './causes.ts'
import { limited } from './limit.ts'

const DIAL_LIMIT_MS = 5_000
/** A credential plugin may have to ask a cloud, and takes seconds for it. */
const ACCESS_LIMIT_MS = 10_000
/** Tokens live for minutes at least, and a refused one ends the forward. */
const ACCESS_MS = 10_000
const PING_MS = 10_000
/** After the client has said that it sends no more: how long the pod may be silent before the tunnel is closed. */
const LINGER_MS = 500
/** The protocol has a data and an error channel for each port; each begins with the number of the port, 2 bytes. */
const DATA = 0
const ERROR = 1

export interface PodPort {
  readonly namespace: string
  readonly pod: string
  readonly port: number
}

export type Dialled =
  | { readonly ok: true; readonly stream: PodStream }
  | { readonly ok: false; readonly failure: Failure }

/**
 * One connection to a port of a pod, through the API server: a WebSocket of its own.
 *
 * @param signal ends the dial, and the stream
 */
export async function dialPod(
  config: KubeConfig,
  { namespace, pod, port }: PodPort,
  signal: AbortSignal,
): Promise<Dialled> {
  const server = config.getCurrentCluster()?.server ?? ''
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`
  let options: ClientOptions
  try {
    options = await limited(() => accessTo(config), ACCESS_LIMIT_MS, signal)
  } catch (error) {
    return { ok: false, failure: failureOf(error) }
  }
  const socket = new WebSocket(`${server.replace(/^http/, 'ws').replace(/\/$/, '')}${path}`, ['v4.channel.k8s.io'], {
    ...options,
    handshakeTimeout: DIAL_LIMIT_MS,
    perMessageDeflate: false,
  })
  // Before it is open: the first frames come with the answer to the handshake.
  const stream = addAbortSignal(signal, new PodStream(socket))
  return new Promise((resolve) => {
    const fail = (failure: Failure): void => {
      stream.destroy()
      resolve({ ok: false, failure })
    }
    socket.once('open', () => resolve({ ok: true, stream }))
    socket.once('error', (error) => fail({ status: null, message: error.message }))
    socket.once('unexpected-response', (_, response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.once('close', () => fail({ status: response.statusCode ?? null, message: statusMessage(body) }))
    })
  })
}

const accesses = new WeakMap<KubeConfig, { readonly since: number; readonly options: Promise<ClientOptions> }>()

/** Credentials and agent, kept for a while: a new agent would make a full TLS handshake for every tunnel. */
function accessTo(config: KubeConfig): Promise<ClientOptions> {
  const kept = accesses.get(config)
  if (kept && performance.now() - kept.since < ACCESS_MS) return kept.options
  const options: ClientOptions = {}
  const asked = config.applyToHTTPSOptions(options).then(() => options)
  accesses.set(config, { since: performance.now(), options: asked })
  asked.catch(() => accesses.delete(config))
  return asked
}

/** The bytes of one tunnel, with backpressure both ways. It ends when the pod ends it, and fails when the tunnel does. */
export class PodStream extends Duplex {
  readonly #socket: WebSocket
  readonly #greeted = new Set<number>()
  #ping: NodeJS.Timeout | undefined
  #linger: NodeJS.Timeout | undefined
  #answered = true

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: true })
    // A tunnel may break before anybody listens; whoever takes it looks at `errored`.
    this.on('error', () => {})
    this.#socket = socket
    socket.on('message', (data) => this.#receive(data as Buffer))
    socket.on('open', () => (this.#ping = setInterval(() => this.#beat(), PING_MS).unref()))
    socket.on('pong', () => (this.#answered = true))
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', (code) => {
      if (code === 1000) this.push(null)
      else this.destroy(new Error(`the tunnel broke (${code})`))
    })
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return done(new Error('the tunnel is closed'))
    this.#socket.send(Buffer.concat([Buffer.of(DATA), chunk]), (error) => done(error ?? null))
  }

  /** The protocol cannot close one direction only, so the other one gets the time to say what it still has to. */
  override _final(done: () => void): void {
    this.#linger = setTimeout(() => this.#socket.close(1000), LINGER_MS)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearInterval(this.#ping)
    clearTimeout(this.#linger)
    if (error === null && this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000)
    else this.#socket.on('error', () => {}).terminate()
    done(error)
  }

  #receive(frame: Buffer): void {
    const channel = frame[0] ?? DATA
    if (!this.#greeted.has(channel)) {
      this.#greeted.add(channel)
      return
    }
    const bytes = frame.subarray(1)
    if (channel === ERROR) {
      this.destroy(new Error(bytes.toString()))
      return
    }
    this.#linger?.refresh()
    if (bytes.length > 0 && !this.push(bytes)) this.#socket.pause()
  }

  #beat(): void {
    if (!this.#answered && !this.#socket.isPaused) {
      this.destroy(new Error(`the tunnel did not answer for ${PING_MS / 1000} s`))
      return
    }
    this.#answered = false
    this.#socket.ping()
  }
}
