import path from 'node:path'
import { freePort, startNative } from './servers.ts'

/** Absolute path of a file in `certificates/`. */
export function certificate(name: string): string {
  return path.join(import.meta.dirname, 'certificates', name)
}

/** A native server that speaks TLS only, and wants a client certificate. */
export async function startTls(name: 'server' | 'expired') {
  // Its plain port is only there because the helper waits for one; the tests use the other.
  const port = await freePort()
  const files = ['--tls-cert-file', certificate(`${name}.pem`), '--tls-key-file', certificate(`${name}.key`)]
  const server = await startNative(['--tls-port', String(port), ...files, '--tls-ca-cert-file', certificate('ca.pem')])
  return { port, url: `rediss://localhost:${port}`, stop: () => server.stop() }
}
