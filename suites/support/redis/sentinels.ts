import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { vi } from 'vitest'
import { certificate } from './secure.ts'
import { client, freePort, startNative, type TestServer } from './servers.ts'

export interface Replicated {
  /** The first one was started as the master. */
  readonly servers: readonly TestServer[]
  readonly sentinels: readonly TestServer[]
  /** `redis+sentinel://...` without a database. */
  readonly url: string
  /** The same with TLS, if they have it. */
  readonly tlsUrl: string
  stop(): Promise<void>
}

/**
 * One master, two replicas and three Sentinels that know each other, with the time limits of a suite.
 *
 * @param tls servers that speak TLS only and want a client certificate; the Sentinels have a plain port, and one with TLS
 */
export async function startReplicated({ tls = false } = {}): Promise<Replicated> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tiershard-test-sentinels-'))
  const started: TestServer[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.stop()))
    await rm(folder, { recursive: true, force: true })
  }
  const add = async (server: Promise<TestServer>): Promise<TestServer> => {
    const ready = await server
    started.push(ready)
    return ready
  }
  try {
    const quick = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1']
    const start = async (options: readonly string[]): Promise<TestServer> => {
      if (!tls) return add(startNative([...quick, ...options]))
      const port = await freePort()
      return add(startNative([...quick, ...options, '--port', '0', '--tls-port', String(port), ...TLS], { port }))
    }
    const master = await start([])
    const replicaOf = ['--replicaof', '127.0.0.1', String(master.port)]
    const servers = [master, ...(await Promise.all([start(replicaOf), start(replicaOf)]))]
    const tlsPorts: number[] = []
    const sentinels = await Promise.all(
      [1, 2, 3].map(async (number) => {
        const config = path.join(folder, `sentinel-${number}.conf`)
        await writeFile(config, sentinelConfig(master.port))
        const port = tls ? await freePort() : 0
        tlsPorts.push(port)
        const secure = tls ? ['--tls-port', String(port), ...TLS] : []
        return add(startNative(secure, { config, until: '+monitor' }))
      }),
    )
    await Promise.all(sentinels.map(knowsAll))
    const hosts = (ports: readonly number[]): string => ports.map((port) => `127.0.0.1:${port}`).join(',')
    const url = `redis+sentinel://${hosts(sentinels.map(({ port }) => port))}/mymaster`
    return { servers, sentinels, url, tlsUrl: `rediss+sentinel://${hosts(tlsPorts)}/mymaster`, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Servers use it among each other as well. */
const TLS = Object.entries({
  '--tls-cert-file': certificate('server.pem'),
  '--tls-key-file': certificate('server.key'),
  '--tls-ca-cert-file': certificate('ca.pem'),
  '--tls-replication': 'yes',
}).flat()

function sentinelConfig(port: number): string {
  return [
    `sentinel monitor mymaster 127.0.0.1 ${port} 2`,
    'sentinel down-after-milliseconds mymaster 1000',
    'sentinel failover-timeout mymaster 5000',
    'sentinel parallel-syncs mymaster 2',
    '',
  ].join('\n')
}

async function knowsAll(sentinel: TestServer): Promise<void> {
  const redis = client(sentinel)
  try {
    await vi.waitFor(
      async () => {
        const fields = (await redis.call('SENTINEL', 'master', 'mymaster')) as string[]
        const value = (name: string): string | undefined => fields[fields.indexOf(name) + 1]
        const known = `${value('num-other-sentinels')} ${value('num-slaves')} ${value('flags')}`
        if (known !== '2 2 master') throw new Error(`a Sentinel knows ${known}`)
      },
      { timeout: 60_000, interval: 100 },
    )
  } finally {
    redis.disconnect()
  }
}
