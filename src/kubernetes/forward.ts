import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cause } from '../core/ending.ts'
import type { RoleOf } from '../core/ports.ts'
import type { KubernetesSettings } from '../core/settings.ts'
import type { Answer, Api } from './api.ts'
import { ask, forwardCause, masterPod } from './pods.ts'
import { dialPod, type PodStream } from './stream.ts'

/** How often a tunnel is tried for one connection. */
const TRIES = 4
const BACKOFF_MS = 50
/** For this long a pod that said it is the master is believed. */
const FRESH_MS = 1_000
/** A tunnel that breaks says nothing of the pod behind it; after so many in a row the pods are looked at. */
const BROKEN_LIMIT = 3

/** What a pod's Redis says: that it is the master, that another one is, or nothing. */
type Proof = 'master' | 'another' | 'unknown'

/**
 * A port of this machine that leads to the master pod. Every connection gets a tunnel of its own and is lost alone; the
 * next one finds the pod that is the master by then.
 */
export class Forward {
  readonly #api: Api
  readonly #settings: KubernetesSettings
  readonly #roleOf: RoleOf
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  #pod: string
  #provenAt = performance.now()
  #proof: Promise<Proof> | null = null
  #searching: Promise<void> | null = null
  /** Tunnels to this pod that broke while they were dialled, in a row. */
  #broken = 0
  #gone: Cause | null = null
  #problem: Cause | null = null
  #closing: Promise<void> | null = null
  readonly #listeners: ((cause: Cause) => void)[] = []

  private constructor(api: Api, settings: KubernetesSettings, roleOf: RoleOf, pod: string) {
    this.#api = api
    this.#settings = settings
    this.#roleOf = roleOf
    this.#pod = pod
    this.#server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => void this.#serve(socket))
  }

  /**
   * Finds the master and listens on the loopback interface.
   *
   * @param signal ends the search; a tunnel that is there has to work while a cancelled run winds up
   */
  static async open(
    api: Api,
    settings: KubernetesSettings,
    roleOf: RoleOf,
    signal: AbortSignal,
  ): Promise<Answer<Forward>> {
    const master = await masterPod(api.within(signal), settings, roleOf)
    if (!master.ok) return master
    const forward = new Forward(api, settings, roleOf, master.value)
    forward.#server.listen(0, '127.0.0.1')
    await once(forward.#server, 'listening')
    return { ok: true, value: forward }
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port
  }

  /** The pod that the last tunnel went to. */
  get pod(): string {
    return this.#pod
  }

  /** Why the last try for a tunnel failed; null: it did not. */
  get problem(): Cause | null {
    return this.#problem
  }

  /** Calls back once when no tunnel can be had any more (401, 403); at once if it is so already. */
  onGone(callback: (cause: Cause) => void): void {
    if (this.#gone) callback(this.#gone)
    else this.#listeners.push(callback)
  }

  /** Ends every connection; safe to call twice. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async #serve(socket: net.Socket): Promise<void> {
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
    for (
      let attempt = 0;
      attempt < TRIES && this.#gone === null && this.#closing === null && !socket.destroyed;
      attempt++
    ) {
      if (attempt > 0) await sleep(BACKOFF_MS * 2 ** (attempt - 1))
      const stream = await this.#dial()
      if (stream === null) continue
      join(socket, stream)
      return
    }
    // A reset, not an end: the client is to see that something broke.
    socket.resetAndDestroy()
  }

  /** A tunnel to the master, proved to be one while the tunnel is being opened. */
  async #dial(): Promise<PodStream | null> {
    const pod = this.#pod
    const [dialled, proof] = await Promise.all([
      dialPod(this.#api.config, { namespace: this.#api.namespace, pod, port: this.#settings.port }, this.#api.signal),
      this.#prove(pod),
    ])
    if (dialled.ok && proof === 'master') {
      this.#problem = null
      this.#broken = 0
      return dialled.stream
    }
    if (dialled.ok) dialled.stream.destroy()
    else this.#fail(forwardCause(this.#api, pod, dialled.failure))
    const lost = proof === 'another' || (!dialled.ok && dialled.failure.status !== null)
    if (lost || ++this.#broken >= BROKEN_LIMIT) await this.#search()
    return null
  }

  async #prove(pod: string): Promise<Proof> {
    if (performance.now() - this.#provenAt < FRESH_MS) return 'master'
    this.#proof ??= ask(this.#api, pod, this.#settings.port, this.#roleOf)
      .then((asked): Proof => {
        if (asked.kind === 'fatal') this.#fail(asked.cause)
        if (asked.kind !== 'role') return 'unknown'
        if (asked.role !== 'master') return 'another'
        this.#provenAt = performance.now()
        return 'master'
      })
      .finally(() => (this.#proof = null))
    return this.#proof
  }

  /** Looks for the master among all pods; one search at a time. */
  async #search(): Promise<void> {
    this.#searching ??= masterPod(this.#api, this.#settings, this.#roleOf)
      .then((master) => {
        if (!master.ok) return this.#fail(master.cause)
        this.#pod = master.value
        this.#broken = 0
        this.#provenAt = performance.now()
      })
      .finally(() => (this.#searching = null))
    return this.#searching
  }

  #fail(cause: Cause): void {
    this.#problem = cause
    if (cause.code !== 'kubernetes-denied' || this.#gone || this.#closing) return
    this.#gone = cause
    for (const listener of this.#listeners) listener(cause)
  }
}

/**
 * Carries bytes both ways. A clean end goes on as an end, a broken tunnel as a reset. What is gone already, since the dial
 * takes its time, would not say so again.
 */
function join(socket: net.Socket, stream: PodStream): void {
  if (stream.destroyed || socket.destroyed) {
    stream.destroy()
    socket.resetAndDestroy()
    return
  }
  stream.once('error', () => socket.resetAndDestroy())
  socket.once('close', () => stream.destroy())
  socket.pipe(stream)
  stream.pipe(socket)
}
