import { randomUUID } from 'node:crypto'
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/** Writing the largest history takes a few seconds: whoever holds the lock longer than this is gone. */
const STALE_MS = 30_000

const POLL_MS = 25

export type Locked<T> =
  | { readonly ok: true; readonly value: T }
  /** Somebody held the lock all the time: who, as far as the lock says. */
  | { readonly ok: false; readonly holder: string }

/**
 * Does something while holding a lock file, which holds "pid host token". Whoever is ended while holding it leaves it
 * behind: a lock of a dead process of this machine, or one older than 30 s, is broken.
 *
 * @returns rejects with the file system's error when the lock cannot be made
 */
export async function withLock<T>(lock: string, waitMs: number, work: () => Promise<T>): Promise<Locked<T>> {
  const mine = `${process.pid} ${hostname()} ${randomUUID()}`
  const until = performance.now() + waitMs
  while (!(await take(lock, mine))) {
    const held = await contentOf(lock)
    if (held !== null && (await isStale(lock, held))) await breakLock(lock, held, mine)
    else if (performance.now() >= until) return { ok: false, holder: holderOf(held) }
    // Several that wait together should not ask together.
    else await sleep(POLL_MS * (0.5 + Math.random()))
  }
  try {
    return { ok: true, value: await work() }
  } finally {
    // Unless somebody took us for dead in the meantime.
    if ((await contentOf(lock)) === mine) await rm(lock, { force: true })
  }
}

async function take(lock: string, mine: string): Promise<boolean> {
  const handle = await open(lock, 'wx').catch((error: NodeJS.ErrnoException) => error)
  if (handle instanceof Error) {
    if (handle.code === 'EEXIST') return false
    throw handle
  }
  try {
    await handle.writeFile(mine)
    return true
  } catch (error) {
    // A full disk: an empty lock would be nobody's, and keep everybody waiting.
    await rm(lock, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

/** null: there is no lock (any more). */
async function contentOf(lock: string): Promise<string | null> {
  try {
    return await readFile(lock, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function isStale(lock: string, held: string): Promise<boolean> {
  const [pid, host] = held.split(' ')
  if (host === hostname() && !isAlive(Number(pid))) return true
  const age = await stat(lock).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  return age > STALE_MS
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Moves a stale lock away. Two may find it stale, and the slower one move the faster one's new lock: that one is put
 * back. In the moment between, a third may come in; then one of two runs' timings are lost, and nothing worse.
 */
async function breakLock(lock: string, stale: string, mine: string): Promise<void> {
  const aside = `${lock}.${mine.split(' ')[2]}`
  try {
    await rename(lock, aside)
    if ((await contentOf(aside)) !== stale) await link(aside, lock)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error
  } finally {
    await rm(aside, { force: true })
  }
}

function holderOf(held: string | null): string {
  const [pid, host] = (held ?? '').split(' ')
  return pid && host ? `process ${pid} on ${host}` : 'another process'
}
