import { writeFileSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import type { PostgresService } from '../../../src/core/services.ts'
import { tempProject } from '../../support/config/project.ts'
import { isAlive } from '../../support/processes/alive.ts'
import { never, openRoom, script, visit, type Room } from '../../support/services/room.ts'
import { skipPostgres } from '../../support/services/postgres.ts'

const NO_SETUP = { sql: [], command: null, cwd: '/', limitMs: 60_000 }

function postgres(more: Partial<PostgresService> = {}): PostgresService {
  return { kind: 'postgres', name: 'db', source: { kind: 'local' }, setup: NO_SETUP, needs: [], per: 'file', ...more }
}

/** A room whose Postgres serves other rooms, as one that somebody else runs. */
async function serverOfSomebody(): Promise<{
  readonly room: Room
  readonly url: string
  readonly pid: () => Promise<number>
}> {
  const room = await openRoom([postgres()])
  await started(room, 'db')
  const url = await databaseOn(room, 0)
  const admin = new URL(url)
  admin.pathname = '/postgres'
  const pid = async (): Promise<number> => {
    const rows = await query(url, `SELECT pg_read_file('postmaster.pid') AS text`)
    return Number.parseInt(String(rows[0]!['text']), 10)
  }
  return { room, url: admin.href, pid }
}

async function started(room: Room, ...names: string[]): Promise<void> {
  const outcome = await room.services.start(names, never)
  if (!outcome.ok) throw new Error(outcome.cause.message)
}

async function databaseOn(room: Room, shard: number): Promise<string> {
  const opened = await room.services.open(visit(shard, 'db'), never)
  if (!opened.ok) throw new Error(opened.cause.message)
  return opened.access.values['services.db.url']!
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

const databases = async (url: string): Promise<unknown[]> =>
  (await query(url, 'SELECT datname FROM pg_database ORDER BY 1')).map(({ datname }) => datname)

test.skipIf(skipPostgres)(
  'every file has a fresh copy of what the setup made, on whatever shard',
  { timeout: 120_000 },
  async () => {
    const { url } = await serverOfSomebody()
    const before = await databases(url)
    const room = await openRoom(
      [
        postgres({
          source: { kind: 'url', url: null },
          setup: { ...NO_SETUP, sql: [], command: [process.execPath, '--input-type=module', '-e', SETUP] },
        }),
        script(
          'api',
          `console.log('ready ' + process.env.DATABASE_URL + ' ' + process.env.PGDATABASE); setInterval(() => {}, 1000)`,
          {
            needs: ['db'],
            per: 'file',
          },
        ),
      ],
      { POSTGRES_URL: url, PG_MODULE: import.meta.resolve('pg') },
    )
    await started(room, 'api')
    expect(room.ready[0]).toMatchObject({ what: expect.stringContaining('url: POSTGRES_URL is set') })

    const first = await databaseOn(room, 0)
    expect(await query(first, 'SELECT name FROM products')).toEqual([{ name: 'lamp' }])
    await query(first, `DELETE FROM products; CREATE TABLE mine (id int)`)
    // A connection that a file has forgotten must not be in the way.
    const forgotten = new pg.Client({ connectionString: first })
    forgotten.on('error', () => {})
    await forgotten.connect()

    const [other, with_] = await Promise.all([databaseOn(room, 1), room.services.open(visit(2, 'api', 'db'), never)])
    expect(await query(other, 'SELECT name FROM products')).toEqual([{ name: 'lamp' }])
    // The service and the file see the same database.
    if (!with_.ok) throw new Error(with_.cause.message)
    const { 'services.db.url': shared, 'services.db.database': name } = with_.access.values
    expect(with_.access.env).toMatchObject({ DATABASE_URL: shared, PGDATABASE: name })
    expect(room.log('api.shard-2.log')).toContain(` ${name}\n`)

    await room.services.close(0)
    const second = await databaseOn(room, 0)
    expect(second).not.toBe(first)
    expect(await query(second, `SELECT name, to_regclass('mine') AS mine FROM products`)).toEqual([
      { name: 'lamp', mine: null },
    ])
    await room.services.stop()
    expect(await databases(url)).toEqual(before)
  },
)

/** Runs in the template, with DATABASE_URL. */
const SETUP = `
const { default: pg } = await import(process.env.PG_MODULE)
const client = new pg.Client({ connectionString: process.env.DATABASE_URL })
await client.connect()
await client.query("CREATE TABLE products (name text); INSERT INTO products VALUES ('lamp')")
await client.end()`

test.skipIf(skipPostgres)(
  'on a server of somebody else, only what runs have left is dropped',
  { timeout: 120_000 },
  async () => {
    const { url } = await serverOfSomebody()
    const left = 'tiershard_20200101_080123417_d0344c_3'
    const others = [
      'shop',
      'tiershard_20200101_shop',
      `tiershard_${new Date().toISOString().slice(0, 10).replaceAll('-', '')}_080123417_d0344c_3`,
    ]
    for (const name of [left, ...others]) await query(url, `CREATE DATABASE ${name}`)
    const room = await openRoom([postgres({ source: { kind: 'url', url } })])
    await started(room, 'db')
    expect(room.notices).toEqual([expect.stringContaining('dropped 1 database')])
    await room.services.stop()
    const names = await databases(url)
    expect(names).toEqual(expect.arrayContaining(others))
    expect(names).not.toContain(left)
  },
)

test.skipIf(skipPostgres)('what is wrong with a Postgres is named', { timeout: 120_000 }, async () => {
  const { url } = await serverOfSomebody()
  const cause = async (service: Partial<PostgresService>, env: NodeJS.ProcessEnv = {}, sql: string | null = null) => {
    const file = sql === null ? [] : ['schema.sql']
    const services = [postgres(service)]
    const room = await openRoom(services, env)
    for (const name of file) writeFileSync(path.join(room.root, name), sql!)
    const setup = { ...NO_SETUP, ...service.setup, sql: file.map((name) => path.join(room.root, name)) }
    services[0] = { ...services[0]!, setup }
    const outcome = await room.services.start(['db'], never)
    if (outcome.ok) throw new Error('it started')
    return outcome.cause
  }
  const at = (change: (it: URL) => void) => {
    const other = new URL(url)
    change(other)
    return { source: { kind: 'url' as const, url: other.href } }
  }
  await query(url, `CREATE ROLE guest LOGIN PASSWORD 'guest'`)
  const source = { kind: 'url', url } as const
  expect(await cause({ source: { kind: 'url', url: null } })).toMatchObject({ code: 'service-no-secret' })
  expect(await cause({ source: { kind: 'url', url: null } }, { POSTGRES_URL: 'postgres://u:100%@h/x' })).toMatchObject({
    code: 'postgres-unreachable',
    message: expect.stringContaining('POSTGRES_URL is no URL of a Postgres'),
  })
  expect(await cause(at((it) => (it.search = '?sslrootcert=/no/such.pem')))).toMatchObject({
    message: expect.stringContaining('/no/such.pem'),
  })
  expect(await cause(at((it) => (it.port = '1')))).toMatchObject({ code: 'postgres-unreachable' })
  expect(await cause(at((it) => (it.password = 'wrong')))).toMatchObject({ code: 'postgres-auth' })
  expect(await cause(at((it) => ([it.username, it.password] = ['guest', 'guest'])))).toMatchObject({
    code: 'postgres-denied',
  })
  expect(await cause(at((it) => (it.pathname = '/nowhere')))).toMatchObject({ code: 'postgres-error' })
  expect(await cause({ source }, {}, `CREATE TABLE a (id int);\nCREATE TABEL b (id int);\n`)).toMatchObject({
    code: 'service-setup-failed',
    message: expect.stringMatching(/schema\.sql:2: syntax error at or near "TABEL"/),
  })
  const setup = { ...NO_SETUP, command: [process.execPath, '-e', `console.error('no migrations'); process.exit(2)`] }
  expect(await cause({ source, setup })).toMatchObject({
    code: 'service-setup-failed',
    message: expect.stringMatching(/exit code 2\.\n.*no migrations/s),
  })
})

test.skipIf(skipPostgres)(
  'a password is nowhere to be read, however the URL was written',
  { timeout: 120_000 },
  async () => {
    const { url } = await serverOfSomebody()
    await query(url, `CREATE ROLE guest LOGIN CREATEDB PASSWORD 's''word/fish'`)
    const { host } = new URL(url)
    const given = `postgres://guest:%73%27word%2ffish@${host}/postgres`
    const says = `console.log(process.env.POSTGRES_URL, process.env.DATABASE_URL, process.env.PGPASSWORD)`
    const setup = { ...NO_SETUP, command: [process.execPath, '-e', says] }
    const services = [
      postgres({ source: { kind: 'url', url: null }, setup }),
      script('api', `${says}; console.log('ready')`, { needs: ['db'], per: 'file' }),
    ]
    const room = await openRoom(services, { POSTGRES_URL: given })
    await started(room, 'api')
    const opened = await room.services.open(visit(0, 'api', 'db'), never)
    if (!opened.ok) throw new Error(opened.cause.message)
    expect(opened.access.values['services.db.password']).toBe(`s'word/fish`)
    await room.services.close(0)
    for (const log of ['db.log', 'api.shard-0.log']) {
      expect(room.log(log).match(/\*\*\*/g)).toHaveLength(3)
      expect(room.log(log)).not.toContain('fish')
    }
    expect(room.concealed).toEqual(expect.arrayContaining([`s'word/fish`, '%73%27word%2ffish']))
  },
)

test.skipIf(skipPostgres)(
  'a connection that is cut is replaced once, and what was asked on it is asked again',
  { timeout: 120_000 },
  async () => {
    const { url } = await serverOfSomebody()
    const guest = await openRoom([postgres({ source: { kind: 'url', url } })])
    await started(guest, 'db')
    const holder = new pg.Client({ connectionString: url })
    await holder.connect()
    try {
      // No database is made meanwhile.
      await holder.query('BEGIN; LOCK TABLE pg_database IN EXCLUSIVE MODE')
      const opened = [0, 1, 2].map((shard) => databaseOn(guest, shard))
      const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE DATABASE%'`
      await expect.poll(() => query(url, cut), { timeout: 60_000 }).toHaveLength(1)
      // Of several at once, none is cut twice.
      await expect.poll(() => query(url, WAITING), { timeout: 60_000 }).toHaveLength(1)
      await holder.query('ROLLBACK')
      expect(new Set(await Promise.all(opened)).size).toBe(3)
      const guests = await holder.query(
        `SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'tiershard %'`,
      )
      // One for each of the two runs.
      expect(guests.rowCount).toBe(2)
    } finally {
      await holder.end()
    }
  },
)

const WAITING = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE DATABASE%'`

/** Starts a Postgres with SQL as its setup, on a server of somebody else. */
async function setUp(sql: string, limitMs: number) {
  const { url } = await serverOfSomebody()
  const before = await databases(url)
  const file = path.join(tempProject({ 'schema.sql': sql }), 'schema.sql')
  const setup = { ...NO_SETUP, sql: [file], limitMs }
  const { services } = await openRoom([postgres({ source: { kind: 'url', url }, setup })])
  const cancel = new AbortController()
  return { outcome: services.start(['db'], cancel.signal), cancel, url, before }
}

test.skipIf(skipPostgres)('the limit of the setup is for all of it', { timeout: 120_000 }, async () => {
  const { outcome } = await setUp('SELECT pg_sleep(0.2);\n'.repeat(400), 500)
  expect(await outcome).toMatchObject({
    ok: false,
    cause: {
      code: 'service-setup-failed',
      message: expect.stringMatching(
        /^The setup of the Postgres db did not end within 0\.5 s, and was at \S*schema\.sql then/,
      ),
    },
  })
})

test.skipIf(skipPostgres)('a run that is cancelled does not wait for SQL', { timeout: 120_000 }, async () => {
  const { outcome, url, cancel, before } = await setUp(`SELECT pg_sleep(600)`, 100_000)
  const sleeping = `SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'`
  await expect.poll(() => query(url, sleeping), { timeout: 60_000 }).toHaveLength(1)
  cancel.abort()
  const ended = await outcome
  expect(ended).toMatchObject({ ok: false, cause: { message: expect.stringContaining('was cancelled') } })
  // What the run has made there is gone, and nothing works on it any more.
  expect(await query(url, sleeping)).toEqual([])
  expect(await databases(url)).toEqual(before)
})

test.skipIf(skipPostgres)('a server that answers nothing does not hold up the end', { timeout: 120_000 }, async () => {
  const { url } = await serverOfSomebody()
  const sessions = async () =>
    (await query(url, `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'tiershard %'`)).map(({ pid }) =>
      Number(pid),
    )
  const others = await sessions()
  const guest = await openRoom([postgres({ source: { kind: 'url', url } })])
  await started(guest, 'db')
  const [session, ...more] = (await sessions()).filter((pid) => !others.includes(pid))
  expect(more).toEqual([])
  process.kill(session!, 'SIGSTOP')
  try {
    await guest.services.stop()
    // It has been left alone.
    expect(isAlive(session!)).toBe(true)
  } finally {
    process.kill(session!, 'SIGCONT')
  }
  await expect.poll(() => isAlive(session!), { timeout: 60_000 }).toBe(false)
})

test.skipIf(skipPostgres)('a Postgres that goes away is told of at once', { timeout: 120_000 }, async () => {
  const { room, url, pid } = await serverOfSomebody()
  const guest = await openRoom([postgres({ source: { kind: 'url', url } })])
  await started(guest, 'db')
  await databaseOn(guest, 0)
  const told = [room, guest].map(
    ({ services }) => new Promise((resolve) => services.onDied(({ shard, cause }) => resolve([shard, cause.code]))),
  )
  const server = await pid()
  process.kill(server, 'SIGKILL')
  expect(await Promise.all(told)).toEqual([
    [null, 'service-went-away'],
    [null, 'service-went-away'],
  ])
  expect(await guest.services.close(0)).toMatchObject({ died: { code: 'service-went-away' } })
  expect(isAlive(server)).toBe(false)
})
