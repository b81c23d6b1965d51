import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { tiershard, vitestProject } from '../../support/cli/binary.ts'
import { IMPORTS, PASSES } from '../../support/cli/project.ts'
import { ordersProject, summaryIn, TOKEN } from '../../support/services/orders.ts'
import { skipPostgres } from '../../support/services/postgres.ts'

/** The folder of the newest run's logs, and what is in them. */
function logsIn(root: string): Record<string, string> {
  const folder = path.join(root, 'reports/latest/services')
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]))
}

test.skipIf(skipPostgres)(
  'the orders example: a service that needs Postgres and Redis, started by the run',
  { timeout: 120_000 },
  async () => {
    const cwd = ordersProject()
    const { exitCode, stdout } = await tiershard(cwd, ['run', '--tier', 'standard', '--shards', '2'], TOKEN)
    expect(stdout).toMatch(/^service db: Postgres \d+\S*, local: \S+ at 127\.0\.0\.1:\d+, ready after /m)
    expect(stdout).toMatch(/^service api: node service\.ts \S+ at http:\S+, ready after .*, a new one for every file$/m)
    const { counts, services } = summaryIn(cwd)
    expect({ exitCode, passed: counts.passed, failed: counts.failed }).toEqual({ exitCode: 0, passed: 4, failed: 0 })
    expect(services.map(({ service, part, per, starts }) => ({ service, part, per, starts }))).toEqual([
      { service: 'db', part: 'server', per: 'run', starts: 1 },
      { service: 'db', part: 'database', per: 'file', starts: 2 },
      { service: 'api', part: 'process', per: 'file', starts: 2 },
    ])
    const logs = logsIn(cwd)
    expect(
      Object.entries(logs)
        .filter(([name]) => name.startsWith('api.'))
        .map(([, text]) => text)
        .join(''),
    ).toContain('postgres is there, 2 products')
    // Neither the secret nor the password of the database is in anything that the run wrote.
    const run = path.join(cwd, 'reports/latest')
    const written = [stdout, ...Object.values(logs)]
    for (const file of readdirSync(run, { withFileTypes: true })) {
      if (file.isFile()) written.push(readFileSync(path.join(run, file.name), 'utf8'))
    }
    expect(
      written.filter((text) => text.includes(TOKEN.ORDERS_TOKEN) || /tiershard:(?!\*)[\w-]+@127/.test(text)),
    ).toEqual([])
  },
)

test(
  'with one dependency broken the run says which, shows its log, and ends with 3',
  { timeout: 120_000 },
  async () => {
    const cwd = vitestProject({
      'tiershard.config.js': `const { execPath } = process
export default {
  suites: {
    main: { tier: 'fast', files: 'main/*.test.js', isolation: 'none', services: ['api'] },
  },
  services: {
    queue: { kind: 'command', command: [execPath, '-e', 'console.error("cannot open /var/queue"); process.exit(1)'], ready: { log: 'ready' } },
    api: { kind: 'command', command: [execPath, '-e', ''], needs: ['queue'], ready: { log: 'ready' } },
  },
}\n`,
      'main/a.test.js': PASSES,
    })
    const { exitCode, stdout } = await tiershard(cwd, ['run', '--tier', 'fast'])
    expect(exitCode).toBe(3)
    expect(stdout).toContain('! infrastructure service-exited')
    expect(stdout).toMatch(
      /The service queue ended with exit code 1 before it was ready\. api needs it and was not started\./,
    )
    expect(stdout).toMatch(/\n +cannot open \/var\/queue\n/)
    const { counts, causes, failures } = summaryIn(cwd)
    expect({ counts, failures }).toMatchObject({ counts: { passed: 0, failed: 0 }, failures: [] })
    expect(causes).toMatchObject([{ code: 'service-exited' }])
    expect(logsIn(cwd)['queue.log']).toContain('cannot open /var/queue')
  },
)

test('a service that dies between its files hits no other file', { timeout: 120_000 }, async () => {
  const cwd = vitestProject({
    'tiershard.config.js': `export default {
  tiers: { fast: { shards: 1 } },
  suites: {
    main: { tier: 'fast', files: 'main/*.test.js', isolation: 'none', services: ['api'] },
    other: { tier: 'fast', files: 'other/*.test.js', isolation: 'none', services: ['mail'] },
  },
  services: {
    api: { kind: 'command', command: [process.execPath, 'api.js'], ready: { log: 'ready' }, per: 'shard' },
    mail: { kind: 'command', command: [process.execPath, '-e', 'console.log("ready"); setInterval(() => {}, 1000)'], ready: { log: 'ready' }, per: 'shard' },
  },
}\n`,
    'api.js': `import { writeFileSync } from 'node:fs'
writeFileSync('pid', String(process.pid))
console.log('ready')
setInterval(() => {}, 1000)\n`,
    // Of unknown files the larger goes first.
    'main/a.test.js': `${PASSES}// ${'-'.repeat(2_000)}\n`,
    'other/b.test.js': `${IMPORTS}// ${'-'.repeat(1_000)}
import { readFileSync } from 'node:fs'
test('ends what it does not use', async () => {
  const pid = Number(readFileSync('pid', 'utf8'))
  process.kill(pid, 'SIGKILL')
  await expect.poll(() => { try { return process.kill(pid, 0) } catch { return false } }, { timeout: 30_000 }).toBe(false)
}, 60_000)\n`,
    'main/c.test.js': PASSES,
  })
  const { exitCode, stdout } = await tiershard(cwd, ['run', '--tier', 'fast'])
  const { counts, services } = summaryIn(cwd)
  expect({ exitCode, passed: counts.passed, notRun: counts.notRun }, stdout).toEqual({
    exitCode: 0,
    passed: 3,
    notRun: 0,
  })
  expect(services.find(({ service }) => service === 'api')).toMatchObject({ starts: 2 })
})

test(
  'a service that dies takes its file with it, blames no test, and is there again for the next file',
  { timeout: 120_000 },
  async () => {
    const cwd = vitestProject({
      'tiershard.config.js': `export default {
  tiers: { fast: { shards: 1 } },
  suites: {
    main: { tier: 'fast', files: 'main/*.test.js', isolation: 'none', services: ['api'], env: { API: '{services.api.url}' } },
    // It has nothing to run, so that nobody misses what it needs.
    later: { tier: 'standard', files: 'later/*.test.js', isolation: 'none', services: ['broken'] },
  },
  services: {
    broken: { kind: 'command', command: ['no-such-program'], ready: { log: 'ready' } },
    api: { kind: 'command', command: [process.execPath, 'api.js'], port: 'free', ready: { http: '/' }, per: 'file' },
  },
}\n`,
      'api.js': `import http from 'node:http'
http.createServer((request, response) => {
  if (request.url === '/crash') throw new Error('out of stock')
  response.end()
}).listen(process.env.PORT, '127.0.0.1')\n`,
      // Of unknown files the larger goes first.
      'main/a.test.js': `${IMPORTS}// ${'-'.repeat(500)}
test('crashes it', { timeout: 600_000 }, async () => {
  await fetch(process.env.API + '/crash').catch(() => {})
  await new Promise(() => setInterval(() => {}, 1000))
})\n`,
      'main/b.test.js': `${IMPORTS}test('works', async () => expect((await fetch(process.env.API)).status).toBe(200))\n`,
    })
    const { exitCode, stdout } = await tiershard(cwd, ['run', '--tier', 'fast'])
    expect(stdout).toContain('! infrastructure service-went-away')
    expect(stdout).toMatch(/\n +Error: out of stock\n/)
    const { counts, failures } = summaryIn(cwd)
    expect({ exitCode, failures }).toEqual({ exitCode: 3, failures: [] })
    expect(counts).toMatchObject({ passed: 1, failed: 0, notRun: 1 })
  },
)
