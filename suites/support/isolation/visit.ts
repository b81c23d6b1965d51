/**
 * What every test file of a generated project does (see project.ts, which copies this file into the project): it writes
 * its name into its database, again and again, and looks for keys that are not its own. Some files behave badly.
 */
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'

/**
 * - `polite`: closes its connection.
 * - `leaks`: leaves a connection open and a timer running that writes until the process is dead.
 * - `dies slowly`: goes on writing for 400 ms after SIGTERM.
 * - `daemonises`: leaves a process of its own group that writes as long as it has a server.
 */
export type Manner = 'polite' | 'leaks' | 'dies slowly' | 'daemonises'

/** One line of the log: what one test saw. */
export interface Visit {
  readonly file: string
  readonly manner: Manner
  /** The run that it belonged to; '' in the control. */
  readonly run: string
  readonly database: number
  /** Keys of other files, or of other processes of this file. */
  readonly strangers: readonly string[]
  /** When the test began and ended, ms since 1970. */
  readonly from: number
  readonly to: number
}

export const ROUNDS = 4
const LOOKS = 15
const SLOW_DEATH_MS = 400

/**
 * Declares the tests of one file.
 *
 * @public called by the generated files
 */
export function visit(file: string, manner: Manner): void {
  const { url, control } = home()
  const database = Number(new URL(url).pathname.slice(1))
  const redis = new Redis(url, { maxRetriesPerRequest: 1 })
  redis.on('error', () => {})
  const mine = `${file}:${process.pid}:`
  let written = 0
  const write = () => redis.set(`${mine}${written++ % 40}`, process.env['TIERSHARD_SHARD'] ?? database)
  const writeOn = () => void write().catch(() => {})

  if (manner === 'dies slowly') {
    process.on('SIGTERM', () => {
      setInterval(writeOn, 2)
      setTimeout(() => process.exit(), SLOW_DEATH_MS)
    })
  }

  beforeAll(async () => {
    await gate()
    // In the control nobody else does it; a suite without tiershard begins like this.
    if (control) await redis.flushdb()
  })

  test.each(Array.from({ length: ROUNDS }, (_, round) => round))('round %s: no strangers', async (round) => {
    const from = Date.now()
    const strangers = new Set<string>()
    for (let look = 0; look < LOOKS; look++) {
      await write()
      for (const key of await allKeys(redis)) if (!key.startsWith(mine) && !isMarker(key)) strangers.add(key)
    }
    // The connection of a client whose SELECT failed works on database 0: prove that this one is at home.
    expect(String(await redis.call('CLIENT', 'INFO'))).toMatch(new RegExp(`\\bdb=${database}\\b`))
    const run = process.env['TIERSHARD_RUN'] ?? ''
    const line: Visit = { file, manner, run, database, strangers: [...strangers], from, to: Date.now() }
    appendFileSync(process.env['STRANGERS_LOG']!, `${JSON.stringify(line)}\n`)
    expect(line.strangers, `round ${round} in database ${database}`).toEqual([])
  })

  afterAll(async () => {
    if (manner === 'polite') await redis.quit()
    else if (manner === 'leaks') setInterval(writeOn, 2)
    else if (manner === 'daemonises') leaveDaemon(url, `${mine}daemon`)
  })
}

/** However slow the machine is, whoever gets the database next meets it, unless somebody ends it before. */
function leaveDaemon(url: string, key: string): void {
  const code = `import { Redis } from 'ioredis'
    const redis = new Redis(process.argv[1], { retryStrategy: () => null })
    redis.on('error', () => {}).on('end', () => process.exit())
    setInterval(() => redis.set(process.argv[2], 1).catch(() => process.exit()), 20)`
  const args = ['--input-type=module', '-e', code, url, key]
  spawn(process.execPath, args, { detached: true, stdio: 'ignore' }).unref()
}

/** tiershard's own mark in a leased database. */
function isMarker(key: string): boolean {
  return key.startsWith('tiershard:')
}

/**
 * The database of this file: REDIS_URL, as tiershard sets it. In the control, as people do it without tiershard: the
 * number that vitest gives to a worker.
 */
function home(): { url: string; control: boolean } {
  const server = process.env['STRANGERS_CONTROL']
  if (server) return { url: `${server}/${process.env['VITEST_POOL_ID']}`, control: true }
  return { url: process.env['REDIS_URL']!, control: false }
}

async function allKeys(redis: Redis): Promise<string[]> {
  const keys: string[] = []
  let cursor = '0'
  do {
    const [next, page] = await redis.scan(cursor, 'COUNT', 1_000)
    keys.push(...page)
    cursor = next
  } while (cursor !== '0')
  return keys
}

/** Where a test holds its project's runs back until it has seen enough, it opens a gate by creating a file. */
async function gate(): Promise<void> {
  const file = process.env['STRANGERS_GATE']
  if (!file) return
  const deadline = Date.now() + 240_000
  while (!existsSync(file)) {
    if (Date.now() > deadline) throw new Error(`nobody opened the gate ${file} within 240 s`)
    await delay(20)
  }
}
