import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { startTiershard, tiershard, vitestProject } from '../../support/cli/binary.ts'
import { appeared, HANGS } from '../../support/cli/project.ts'
import { ServiceLog } from '../../../src/services/log.ts'
import { ServiceProcess } from '../../../src/services/process.ts'
import { Watchdog } from '../../../src/services/watchdog.ts'
import { tempProject } from '../../support/config/project.ts'
import { isAlive } from '../../support/processes/alive.ts'
import { never, openRoom, script } from '../../support/services/room.ts'
import { ordersProject, summaryIn, TOKEN } from '../../support/services/orders.ts'
import { skipPostgres } from '../../support/services/postgres.ts'

test.skipIf(skipPostgres)('the orders example with a broken schema', { timeout: 120_000 }, async () => {
  const cwd = ordersProject({
    'schema.sql': 'CREATE TABLE products (name text);\nCREATE TABLE products (name text);\n',
  })
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--tier', 'standard'], TOKEN)
  expect(stdout).toContain('! infrastructure service-setup-failed')
  expect(stdout).toMatch(/schema\.sql: relation "products" already exists\. api needs it and was not started\.\n/)
  const { counts, failures, causes } = summaryIn(cwd)
  expect({ exitCode, failures, codes: causes.map(({ code }) => code) }).toEqual({
    exitCode: 3,
    failures: [],
    codes: ['service-setup-failed'],
  })
  expect(counts.failed).toBe(0)
})

test.skipIf(skipPostgres)('the orders example with a table that its service misses', { timeout: 120_000 }, async () => {
  const cwd = ordersProject({ 'schema.sql': 'CREATE TABLE something_else (name text);\n' })
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--tier', 'standard'], TOKEN)
  expect(stdout).toContain('! infrastructure service-exited')
  expect(stdout).toMatch(/The service api ended with exit code 1 before it was ready\./)
  expect(stdout).toMatch(/\n +redis is there\n/)
  expect(stdout).toMatch(/relation "products" does not exist/)
  expect({ exitCode, failed: summaryIn(cwd).counts.failed }).toEqual({ exitCode: 3, failed: 0 })
})

test('when the server of a run dies, its files end at once, and no test is blamed', { timeout: 120_000 }, async () => {
  const cwd = vitestProject({
    'tiershard.config.js': `export default {
  suites: { main: { tier: 'fast', files: 'suites/fast/**/*.test.js', isolation: 'none', services: ['queue'], env: { QUEUE: '{services.queue.port}' } } },
  services: { queue: { kind: 'command', command: [process.execPath, 'queue.js'], port: 'free' } },
}\n`,
    'queue.js': `import net from 'node:net'
net.createServer((socket) => socket.on('data', () => process.exit(5))).listen(process.env.PORT, '127.0.0.1')\n`,
    'suites/fast/a/hangs.test.js': HANGS,
  })
  const run = startTiershard(cwd, ['run', '--tier', 'fast'])
  await Promise.race([
    appeared(path.join(cwd, 'hanging')),
    run.finished.then(({ stdout }) => Promise.reject(new Error(stdout))),
  ])
  const journal = readFileSync(path.join(cwd, 'reports/latest/journal.ndjson'), 'utf8')
  const port = /"where":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(journal)![1]
  const { default: net } = await import('node:net')
  net
    .connect(Number(port), '127.0.0.1')
    .on('error', () => {})
    .write('x')
  const { exitCode, stdout } = await run.finished
  expect(stdout).toContain('! infrastructure service-went-away')
  expect({ exitCode, failures: summaryIn(cwd).failures }).toEqual({ exitCode: 3, failures: [] })
})

test.skipIf(skipPostgres)(
  'after a SIGKILL of the run neither service nor Postgres nor secret is left',
  { timeout: 120_000 },
  async () => {
    const cwd = ordersProject({ 'tests/stock.test.ts': HANGS.replace('../../../hanging', '../hanging') })
    const run = startTiershard(cwd, ['run', '--tier', 'standard', 'stock'], TOKEN)
    await Promise.race([
      appeared(path.join(cwd, 'hanging')),
      run.finished.then(({ stdout }) => Promise.reject(new Error(stdout))),
    ])
    const logs = path.join(cwd, 'reports/latest/services')
    const server = Number(/\[(\d+)\]/.exec(readFileSync(path.join(logs, 'db.log'), 'utf8'))![1])
    const environment = readFileSync(`/proc/${server}/cmdline`, 'utf8')
    const folder = path.dirname(path.dirname(/-D\0([^\0]+)/.exec(environment)![1]!))
    expect(existsSync(folder)).toBe(true)
    run.child.kill('SIGKILL')
    await expect.poll(() => isAlive(server) || existsSync(folder), { timeout: 60_000 }).toBe(false)
  },
)

test('what a service has started is gone when its death is told', { timeout: 60_000 }, async () => {
  const source = `
const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
console.log('ready ' + process.pid + ' ' + child.pid); setInterval(() => {}, 1000)`
  const room = await openRoom([script('parent', source)])
  await room.services.start(['parent'], never)
  const [, pid, child] = /ready (\d+) (\d+)/.exec(room.log('parent.log'))!.map(Number)
  const told = new Promise<boolean>((resolve) => void room.services.onDied(() => resolve(isAlive(child!))))
  process.kill(pid!, 'SIGKILL')
  expect(await told).toBe(false)
})

test('one that cannot be ended is not waited for without a limit', { timeout: 60_000 }, async () => {
  const folder = tempProject({})
  const log = new ServiceLog(path.join(folder, 'log'), [])
  const watchdog = new Watchdog(path.join(folder, 'private'))
  const command = [
    process.execPath,
    '-e',
    `process.on('SIGTERM', () => {}); console.log('pid ' + process.pid); setInterval(() => {}, 1000)`,
  ]
  const ready = new Promise<number>((resolve) => {
    log.follow((line) => resolve(Number(/^pid (\d+)/.exec(line)?.[1])))
  })
  // As the system does not end what belongs to another user.
  const end = async (): Promise<void> => {}
  const options = { command, cwd: folder, env: process.env, mark: 'none', log, watchdog, end, signal: 'TERM' } as const
  const service = new ServiceProcess(options)
  const pid = await ready
  try {
    await service.stop()
    expect(isAlive(pid)).toBe(true)
  } finally {
    process.kill(pid, 'SIGKILL')
    watchdog.stop()
    log.close()
  }
})

test('what ignores SIGTERM, and what it has started, is killed', async () => {
  const source = `process.on('SIGTERM', () => {})
    const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true })
    console.log('ready ' + process.pid + ' ' + child.pid); setInterval(() => {}, 1000)`
  const room = await openRoom([script('stubborn', source)])
  await room.services.start(['stubborn'], never)
  const [, pid, child] = /ready (\d+) (\d+)/.exec(room.log('stubborn.log'))!.map(Number)
  await room.services.stop()
  expect([pid!, child!].filter(isAlive)).toEqual([])
})
