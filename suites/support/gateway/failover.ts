import { spawn } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { OwnProcess, ready } from '../../../src/redis/own.ts'
import { freePort, nativeServer, startNative, type TestServer } from '../redis/servers.ts'

const NAME = 'gateway'
const SENTINELS = 3
const LIMIT_MS = 60_000

/** What keeps acknowledged writes and makes a failover fast. */
const NODE = [
  // A master that is cut off from its replicas stops taking writes which would be lost.
  '--min-replicas-to-write 1',
  '--min-replicas-max-lag 2',
  '--repl-diskless-sync-delay 0',
  '--repl-ping-replica-period 1',
].flatMap((option) => option.split(' '))
/** Below a second the Sentinels take a busy machine for a dead one, and the group flaps. */
const WATCH = [
  `sentinel down-after-milliseconds ${NAME} 1000`,
  `sentinel failover-timeout ${NAME} 5000`,
  `sentinel parallel-syncs ${NAME} 2`,
]

/** One Redis of the group. */
export interface Node {
  readonly port: number
  readonly pid: number
}

/** A master, two replicas and three Sentinels, all of them real and on this machine. */
export interface Group extends AsyncDisposable {
  /** A client that finds the master by the Sentinels and follows it. */
  client(): Redis
  master(): Promise<Node>
  replicas(): Promise<Node[]>
  /** Ends a node as a crash would. */
  kill(node: Node): Promise<void>
  /** Brings a killed node back, empty, as a replica of whoever is the master now. */
  revive(node: Node): Promise<void>
  /** Stops a node without ending it: its connections stay open, and nobody answers. `resume` undoes it. */
  freeze(node: Node): void
  resume(node: Node): void
  /** Waits until every Sentinel knows a master with two replicas in good order. */
  settled(): Promise<void>
}

export async function startGroup(): Promise<Group> {
  const stack = new AsyncDisposableStack()
  const nodes = new Map<number, TestServer>()
  const sentinels: number[] = []
  // Whatever was started ends, also when the rest does not start.
  stack.defer(async () => void (await Promise.all([...nodes.values()].map((node) => node.stop()))))

  const nodeAt = (port: number): Node => ({ port, pid: nodes.get(port)!.pid! })
  const ask = async <T>(port: number, ...command: string[]): Promise<T> => {
    const redis = new Redis({
      port,
      host: '127.0.0.1',
      lazyConnect: true,
      retryStrategy: () => null,
      commandTimeout: 5_000,
    })
    redis.on('error', () => {})
    try {
      return (await redis.call(command[0]!, ...command.slice(1))) as T
    } finally {
      redis.disconnect()
    }
  }
  const masterPort = async (): Promise<number> => {
    const [, port] = await ask<[string, string]>(sentinels[0]!, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)
    return Number(port)
  }
  const isSettled = async (sentinel: number): Promise<boolean> => {
    const master = table(await ask<unknown>(sentinel, 'SENTINEL', 'MASTER', NAME))
    const replicas = (await ask<unknown[]>(sentinel, 'SENTINEL', 'REPLICAS', NAME)).map(table)
    return (
      master.get('flags') === 'master' &&
      master.get('num-other-sentinels') === String(SENTINELS - 1) &&
      Number(master.get('port')) === (await masterPort()) &&
      replicas.length === nodes.size - 1 &&
      replicas.every((replica) => replica.get('flags') === 'slave' && replica.get('master-link-status') === 'ok')
    )
  }
  const settled = (): Promise<void> =>
    until('the group to be in good order', async () => (await Promise.all(sentinels.map(isSettled))).every(Boolean))

  try {
    const first = await startNative(NODE)
    nodes.set(first.port, first)
    for (let replica = 0; replica < 2; replica++) {
      const server = await startNative([...NODE, '--replicaof', '127.0.0.1', String(first.port)])
      nodes.set(server.port, server)
    }
    for (let n = 0; n < SENTINELS; n++) sentinels.push(await startSentinel(first.port, stack))
    // Sentinels look at replicas every 10 s: in good order long before they know. Only the wait between rounds is shorter.
    for (const port of sentinels) await ask(port, 'SENTINEL', 'DEBUG', 'INFO-PERIOD', '1000').catch(() => {})
    await settled()
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }

  return {
    client() {
      const redis = new Redis({
        sentinels: sentinels.map((port) => ({ host: '127.0.0.1', port })),
        name: NAME,
        // A stopped master never closes its connections: only silence gives it away.
        socketTimeout: 2_000,
        commandTimeout: 3_000,
        connectTimeout: 1_000,
        sentinelCommandTimeout: 1_000,
        maxRetriesPerRequest: 1,
        retryStrategy: () => 100,
        sentinelRetryStrategy: () => 100,
        reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
      })
      redis.on('error', () => {})
      stack.defer(() => redis.disconnect())
      return redis
    },
    master: async () => nodeAt(await masterPort()),
    async replicas() {
      const master = await masterPort()
      return [...nodes.keys()].filter((port) => port !== master).map(nodeAt)
    },
    kill: (node) => nodes.get(node.port)!.stop(),
    async revive({ port }) {
      const options = [...NODE, '--replicaof', '127.0.0.1', String(await masterPort())]
      nodes.set(port, await startNative(options, { port }))
    },
    freeze: ({ pid }) => void process.kill(pid, 'SIGSTOP'),
    resume: ({ pid }) => void process.kill(pid, 'SIGCONT'),
    settled,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function startSentinel(master: number, stack: AsyncDisposableStack): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gateway-sentinel-'))
  const port = await freePort()
  const config = path.join(folder, 'sentinel.conf')
  const lines = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, `sentinel monitor ${NAME} 127.0.0.1 ${master} 2`]
  await writeFile(config, [...lines, ...WATCH, ''].join('\n'))
  const child = spawn(nativeServer!, [config, '--sentinel'], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const own = new OwnProcess(child, folder)
  stack.defer(() => own.stop())
  const watching = new Promise<void>((resolve) => {
    child.stdout.on('data', () => own.printed('+monitor master') && resolve())
  })
  const problem = await ready(own, watching, LIMIT_MS, new AbortController().signal)
  if (problem !== null) throw new Error(`${problem}: ${own.lastWords}`)
  return port
}

/** A reply of names and values as a table, whichever protocol it came by. */
function table(reply: unknown): Map<string, string> {
  if (!Array.isArray(reply)) return new Map(Object.entries(reply as Record<string, string>))
  const list = reply as string[]
  return new Map(list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1]!] as const] : [])))
}

/** Asks until the answer is yes; a question that cannot be asked yet counts as a no. */
export async function until(what: string, ask: () => Promise<boolean>): Promise<void> {
  for (const begun = performance.now(); performance.now() - begun < LIMIT_MS; await delay(50)) {
    if (await ask().catch(() => false)) return
  }
  throw new Error(`waited ${LIMIT_MS / 1000} s for ${what}`)
}
