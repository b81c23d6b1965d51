import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort, nativeServer } from '../redis/servers.ts'

export interface NativeServer {
  readonly port: number
  readonly url: string
  /** Ends the process and waits until it is gone. The folder stays. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** The same server again: same port, same folder, so same append-only file. */
  restart(): Promise<void>
  /** Stops it, and removes its folder. */
  remove(): Promise<void>
}

/** Starts a server on a free loopback port with a folder of its own; nothing is saved unless `args` say so. */
export async function startNative(args: readonly string[] = []): Promise<NativeServer> {
  if (nativeServer === null) throw new Error('no redis-server or valkey-server on PATH')
  const program = nativeServer
  const folder = mkdtempSync(path.join(tmpdir(), 'gateway-redis-'))
  const port = await freePort()
  const command = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...args]
  let child: ChildProcess

  // A test process that ends before its test does leaves no server behind.
  const kill = (): void => void child.kill('SIGKILL')
  const start = async (): Promise<void> => {
    child = spawn(program, command, { stdio: 'ignore' })
    process.once('exit', kill)
    await answers(child, port)
  }
  const stop = async (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
    process.off('exit', kill)
  }
  const remove = async (): Promise<void> => {
    await stop('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await start()
  } catch (error) {
    await remove()
    throw error
  }
  return { port, url: `redis://127.0.0.1:${port}/0`, stop, restart: start, remove }
}

/**
 * Fills a server of a test's own until it answers OOM, and takes away the slack that is left, so that the next
 * write is refused however small it is. Returns what makes room again.
 */
export async function fillMemory(redis: Redis, key: string): Promise<() => Promise<void>> {
  const limit = Number((await redis.config('GET', 'maxmemory'))[1])
  if (!limit) throw new Error('the server has no maxmemory')
  let chunks = 0
  const full = async (): Promise<boolean> => {
    try {
      await redis.rpush(key, Buffer.alloc(64 * 1024))
      return false
    } catch (error) {
      if (String(error).includes('OOM')) return true
      throw error
    }
  }
  while (!(await full())) {
    if (++chunks * 64 * 1024 > limit) throw new Error('the server took more than its maxmemory')
  }
  await redis.config('SET', 'maxmemory', Math.floor(limit * 0.85))
  return async () => {
    await redis.del(key)
    await redis.config('SET', 'maxmemory', limit)
  }
}

/** Waits until the server answers PING; a process that ends, or 20 s of silence, is an error. */
async function answers(child: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + 20_000
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the server on port ${port} ended with ${child.exitCode ?? child.signalCode}`)
    }
    const redis = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 })
    redis.on('error', () => {})
    const ready = await redis.ping().then(
      () => true,
      () => false,
    )
    redis.disconnect()
    if (ready) return
    if (Date.now() > deadline) throw new Error(`the server on port ${port} did not answer within 20 s`)
    await delay(20)
  }
}
