import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { resolveRedis } from '../../../src/redis/index.ts'
import { tempProject } from '../../support/config/project.ts'
import { tiershard } from '../../support/cli/binary.ts'
import { client, settingsFor, skipNative, startNative, type TestServer } from '../../support/redis/servers.ts'

interface Document {
  readonly fit: boolean
  readonly findings: readonly {
    check: string
    severity: string
    cause: string | null
    evidence: string
    remedy: string | null
  }[]
}

async function native(...options: string[]): Promise<TestServer> {
  const server = await startNative(options)
  onTestFinished(() => server.stop())
  return server
}

/** What the real command says; `of` is one check of it. */
async function doctor(...args: string[]) {
  const { exitCode, stdout, stderr } = await tiershard(tempProject({}), ['doctor', '--json', ...args])
  const document = (stdout === '' ? null : JSON.parse(stdout)) as Document
  return { exitCode, stderr, document, of: (check: string) => document.findings.find((found) => found.check === check) }
}

describe.skipIf(skipNative)('tiershard doctor, on a native server', () => {
  test('fit: exit 0, and every check has its evidence; nothing is left behind', async () => {
    const server = await native()
    const { exitCode, document } = await doctor('--redis', server.url)
    expect(exitCode).toBe(0)
    expect(document.fit).toBe(true)
    const checks = document.findings.map(({ check }) => check)
    for (const check of ['connection', 'write', 'role', 'databases', 'memory', 'clients', 'latency'])
      expect(checks).toContain(check)
    expect(document.findings.every(({ evidence }) => evidence !== '')).toBe(true)
    const redis = client(server)
    expect(await redis.dbsize()).toBe(0)
    redis.disconnect()
  })

  test('no database that the config lets shards have: exit 3, as a run would', async () => {
    const server = await native('--databases', '4')
    const only = async (databases: number[]) => {
      const redis = { source: server.url, databases }
      const cwd = tempProject({ 'tiershard.config.mjs': `export default ${JSON.stringify({ redis })}\n` })
      const { exitCode, stdout } = await tiershard(cwd, ['doctor', '--json'])
      const { findings } = JSON.parse(stdout) as Document
      return { exitCode, found: findings.filter(({ check }) => check === 'databases') }
    }
    const none = { severity: 'error', cause: 'redis-too-few-databases' }
    expect(await only([4])).toMatchObject({
      exitCode: 3,
      found: [{ ...none, evidence: expect.stringContaining('no database 4 to lease') }],
    })
    expect(await only([0])).toMatchObject({
      exitCode: 3,
      found: [{ ...none, evidence: expect.stringContaining('besides the control database 0') }],
    })
    expect(await only([3])).toMatchObject({ exitCode: 0, found: [{ severity: 'ok' }] })
  })

  test('a read-only replica: exit 3, and the address of the master', async () => {
    const master = await native()
    const replica = await native('--replicaof', '127.0.0.1', String(master.port))
    const { exitCode, document, of } = await doctor('--redis', replica.url)
    expect(exitCode).toBe(3)
    expect(document.fit).toBe(false)
    expect(of('role')).toMatchObject({
      severity: 'error',
      cause: 'redis-read-only',
      evidence: expect.stringContaining(`follows the master at 127.0.0.1:${master.port}`),
      remedy: expect.stringContaining(`127.0.0.1:${master.port}`),
    })
    expect(of('write')).toBeUndefined()
  })

  test('a unix socket, and the port of a Sentinel', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tiershard-test-doctor-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const socket = path.join(folder, 'redis.sock')
    await native('--unixsocket', socket)
    const fit = await doctor('--redis', `unix://${socket}`)
    expect(fit.exitCode).toBe(0)
    expect(fit.document).toMatchObject({ fit: true, address: `unix://${pathToFileURL(socket).pathname}` })

    const config = path.join(folder, 'sentinel.conf')
    await writeFile(config, '')
    const sentinel = await startNative([], { config, until: 'Sentinel ID' })
    onTestFinished(() => sentinel.stop())
    const unfit = await doctor('--redis', sentinel.url)
    expect(unfit.exitCode).toBe(3)
    expect(unfit.of('role')).toMatchObject({ severity: 'error', cause: 'redis-sentinel-port' })
  })

  test('what can be found out before a connection: exit 3, one finding', async () => {
    const { exitCode, document } = await doctor('--redis', 'redis+sentinel://127.0.0.1:1/mymaster')
    expect(exitCode).toBe(3)
    expect(document.findings).toMatchObject([{ check: 'connection', cause: 'sentinel-unreachable' }])
  })

  test('a full server: exit 3, and how full it is', async () => {
    const server = await native('--maxmemory', '1')
    const { exitCode, of } = await doctor('--redis', server.url)
    expect(exitCode).toBe(3)
    expect(of('write')).toMatchObject({ cause: 'redis-out-of-memory' })
    expect(of('memory')).toMatchObject({
      severity: 'error',
      cause: 'redis-out-of-memory',
      evidence: expect.stringContaining('%'),
    })
  })

  test('a server that is nearly full takes the write, and a run refuses it all the same', async () => {
    const server = await native()
    const redis = client(server, 2)
    // Allocated by the server: a large value on the wire would leave large buffers, for a while.
    await redis.setrange('ballast', 40 * 1024 * 1024 - 1, 'x')
    const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))![1])
    await redis.config('SET', 'maxmemory', Math.ceil(used / 0.97))
    expect(await resolveRedis(settingsFor(server.url), {}, new AbortController().signal)).toMatchObject({
      ok: false,
      cause: { code: 'redis-out-of-memory', message: expect.stringMatching(/9[5-9]%/) },
    })
    redis.disconnect()
  })

  test('a policy that evicts is a warning: exit 0', async () => {
    const server = await native('--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru')
    const { exitCode, of } = await doctor('--redis', server.url)
    expect(exitCode).toBe(0)
    expect(of('eviction')).toMatchObject({ severity: 'warning', evidence: expect.stringContaining('allkeys-lru') })
  })

  test('a cluster, a single database, a wrong password: exit 3 with the cause', async () => {
    const cluster = await native('--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf')
    expect((await doctor('--redis', cluster.url)).of('cluster')).toMatchObject({ cause: 'redis-cluster' })
    const single = await native('--databases', '1', '--requirepass', 'hunter2hunter2')
    const right = await doctor('--redis', `redis://:hunter2hunter2@127.0.0.1:${single.port}`)
    expect(right.of('databases')).toMatchObject({ severity: 'error', cause: 'redis-too-few-databases' })
    const wrong = await doctor('--redis', `redis://:wrong-secret@127.0.0.1:${single.port}`)
    expect(wrong.exitCode).toBe(3)
    expect(wrong.of('connection')).toMatchObject({ cause: 'redis-auth' })
    expect(JSON.stringify([right, wrong])).not.toMatch(/hunter2|wrong-secret/)
  })

  test('the server of a run that would start one: started, examined, stopped', async () => {
    const { exitCode, stdout } = await tiershard(tempProject({}), ['doctor', '--redis', 'local'])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/✓ write +database 0 takes writes\n/)
    expect(stdout).toContain('fit for a run')
  })
})

test('something that is no Redis: exit 3, one finding, no stack', async () => {
  const web = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
  onTestFinished(() => void web.close())
  await once(web, 'listening')
  const { port } = web.address() as AddressInfo
  const { exitCode, document, stderr } = await doctor('--redis', `redis://127.0.0.1:${port}`)
  expect(exitCode).toBe(3)
  expect(document.findings).toMatchObject([{ check: 'connection', severity: 'error', cause: 'redis-not-redis' }])
  expect(stderr).toBe('')
})

test('a wrong option: exit 2', async () => {
  expect((await tiershard(tempProject({}), ['doctor', '--redis', 'http://x'])).exitCode).toBe(2)
})
