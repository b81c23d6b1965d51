import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import type { Cause } from '../core/ending.ts'
import type { Address } from './address.ts'
import { refusedCertificate, refusesCertificate } from './causes.ts'
import { tlsOptions } from './tls.ts'

/** Long enough for a handshake on a busy machine; a server that takes longer has no say in the cause. */
const LIMIT_MS = 2_000

/**
 * Looks at a port that did not answer as its URL promised: does it speak the other of plain and TLS?
 *
 * @returns the cause if it does; null when it does not, or is not to be seen
 */
export async function wrongScheme(address: Address): Promise<Cause | null> {
  if (address.socket !== undefined) return null
  if (address.tls) {
    const [plain, alert] = await Promise.all([speaksPlain(address), alertOf(address)])
    if (alert !== null && refusesCertificate(alert)) return refusedCertificate(address.label, alert)
    if (!plain) return null
    return {
      code: 'redis-tls',
      message: `${address.label} speaks plain Redis, not TLS.`,
      remedy: 'Use redis:// for this port, or the TLS port of the server (tls-port).',
    }
  }
  if (!(await speaksTls(address))) return null
  return {
    code: 'redis-tls',
    message: `${address.label} speaks TLS, not plain Redis.`,
    remedy: 'Use rediss:// for a port with TLS; redis.tls of the config names its authority and certificates.',
  }
}

/** The alert with which the server ends our handshake, as one does that wants a client certificate; null: none. */
async function alertOf({ host, port, secure }: Address): Promise<Error | null> {
  const socket = tls.connect({ host, port, ...tlsOptions(host, secure) })
  // With TLS 1.3 the alert comes after the handshake, and is only seen by a socket that reads and has not written.
  socket.resume()
  try {
    await once(socket, 'close', { signal: AbortSignal.timeout(LIMIT_MS) })
    return null
  } catch (error) {
    return /\balert\b/.test((error as Error).message) ? (error as Error) : null
  } finally {
    socket.on('error', () => {}).destroy()
  }
}

/** Whether it answers PING: with PONG, or with the error of a Redis that wants a password or is protected. */
async function speaksPlain({ host, port }: Address): Promise<boolean> {
  const socket = net.connect({ host, port })
  socket.write('PING\r\n')
  return firstly(socket, 'data', (data) => /^(\+PONG|-[A-Z]+ )/.test(String(data)))
}

async function speaksTls({ host, port, secure }: Address): Promise<boolean> {
  // Whether we would trust it does not matter here, and nothing is sent over it.
  const socket = tls.connect({ host, port, ...tlsOptions(host, secure), rejectUnauthorized: false })
  return firstly(socket, 'secureConnect', () => true)
}

async function firstly(socket: net.Socket, event: string, judge: (value: unknown) => boolean): Promise<boolean> {
  try {
    const [value] = (await once(socket, event, { signal: AbortSignal.timeout(LIMIT_MS) })) as [unknown]
    return judge(value)
  } catch (error) {
    // A server that wants our certificate ends the handshake with an alert of TLS.
    return event === 'secureConnect' && /alert/.test((error as Error).message)
  } finally {
    socket.on('error', () => {}).destroy()
  }
}
