import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import net from 'node:net'
import { once } from 'node:events'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { Cause } from '../../../src/core/ending.ts'
import type { Death } from '../../../src/core/service-ports.ts'
import { tempProject } from '../../support/config/project.ts'
import { isAlive } from '../../support/processes/alive.ts'
import { never, openRoom, script, STAYS, visit } from '../../support/services/room.ts'

/** Serves what it was given: its files, its variables and its secret. */
const SHOWS = `
const fs = require('node:fs')
require('node:http').createServer((request, response) => {
  if (request.url === '/health') return response.writeHead(fs.existsSync(process.env.WARM) ? 200 : 503).end()
  const { FOLDER, TOKEN, REDIS_URL, TIERSHARD_RUN, PORT } = process.env
  response.end(JSON.stringify({ FOLDER, TOKEN, REDIS_URL, TIERSHARD_RUN, PORT, pid: process.pid, file: fs.readFileSync(FOLDER + '/etc/app.json', 'utf8') }))
}).listen(process.env.PORT, '127.0.0.1', () => {
  console.log('ready, with ' + process.env.TOKEN)
  setTimeout(() => fs.writeFileSync(process.env.WARM, ''), 50)
})`

test('a service gets its files, secrets and port, and is ready when it says so', async () => {
  const service = script('api', SHOWS, {
    env: { FOLDER: '{folder}', TOKEN: '{secrets.token}', WARM: '{folder}/warm' },
    files: { 'etc/app.json': '{ "port": {port}, "token": "{secrets.token}", "other": {unknown} }' },
    secrets: { token: 'API_TOKEN' },
    port: 'free',
    ready: { kind: 'http', target: '/health', limitMs: 30_000 },
    per: 'file',
  })
  const env = { API_TOKEN: 'swordfish-1', REDIS_URL: 'redis://somebody', TIERSHARD_RUN: 'another' }
  const room = await openRoom([service], env)
  const opened = await room.services.open(visit(3, 'api'), never)
  if (!opened.ok) throw new Error(opened.cause.message)
  const { 'services.api.url': url = '', 'services.api.port': port } = opened.access.values
  const shown = (await (await fetch(url)).json()) as Record<string, string>
  expect(shown).toMatchObject({ TOKEN: 'swordfish-1', PORT: port })
  expect(shown['file']).toBe(`{ "port": ${port}, "token": "swordfish-1", "other": {unknown} }`)
  // Nothing of another run, and nobody's Redis.
  expect(shown).not.toHaveProperty('REDIS_URL')
  expect(shown).not.toHaveProperty('TIERSHARD_RUN')
  const folder = shown['FOLDER']!
  expect(statSync(path.join(folder, 'etc/app.json')).mode & 0o777).toBe(0o600)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(room.concealed).toContain('swordfish-1')
  expect(room.log('api.shard-3.log')).toMatch(/ready, with \*\*\*\n/)
  expect(room.ready).toMatchObject([{ service: 'api', part: 'process', per: 'file', shard: 3, where: url }])

  await room.services.close(3)
  expect(isAlive(Number(shown['pid']))).toBe(false)
  expect(existsSync(folder)).toBe(false)
})

test('an instance lives for a file, for a shard, or for the run', async () => {
  const pids = { kind: 'log', pattern: /^ready/, limitMs: 30_000 } as const
  const source = `console.log('ready'); require('node:http').createServer((_, r) => r.end(String(process.pid))).listen(process.env.PORT, '127.0.0.1')`
  const of = (name: string, per: 'run' | 'shard' | 'file') =>
    script(name, source, { per, ready: { ...pids, kind: 'tcp' }, port: 'free' })
  const room = await openRoom([of('a', 'file'), of('b', 'shard'), of('c', 'run')])
  expect(await room.services.start(['a', 'b', 'c'], never)).toEqual({ ok: true })
  const seen = async (shard: number): Promise<string[]> => {
    const opened = await room.services.open(visit(shard, 'a', 'b', 'c'), never)
    if (!opened.ok) throw new Error(opened.cause.message)
    const urls = ['a', 'b', 'c'].map((name) => opened.access.values[`services.${name}.url`]!)
    return Promise.all(urls.map(async (url) => (await fetch(url)).text()))
  }
  const first = await seen(0)
  await room.services.close(0)
  const second = await seen(0)
  const other = await seen(1)
  expect(second.map((pid, at) => pid === first[at])).toEqual([false, true, true])
  expect(other.map((pid, at) => second.includes(pid) || first[at] === pid)).toEqual([false, false, true])
  await room.services.close(0)
  await room.services.close(1)
  await room.services.leaveShards()
  expect([...first, ...second, ...other].filter((pid) => isAlive(Number(pid)))).toEqual([first[2], second[2], other[2]])
  await room.services.stop()
  expect(isAlive(Number(first[2]))).toBe(false)
})

async function failing(...services: Parameters<typeof openRoom>[0]): Promise<Cause> {
  const room = await openRoom(services)
  const started = await room.services.start(
    services.map(({ name }) => name),
    never,
  )
  if (started.ok) throw new Error('it started')
  return started.cause
}

test('a program that is not there', async () => {
  const cause = await failing(script('api', '', { command: ['no-such-program', '--serve'] }))
  expect(cause).toMatchObject({ code: 'service-not-found', message: expect.stringContaining('no-such-program') })
})

test('what the system does not start, or has no place for, is a cause', { timeout: 60_000 }, async () => {
  const file = path.join(tempProject({ file: '' }), 'file')
  const causes = await Promise.all([
    failing(script('api', STAYS, { cwd: file })),
    failing(script('api', STAYS, { env: { LARGE: 'x'.repeat(4_000_000) } })),
    failing(script('api', STAYS, { env: { TOKEN: 'swordfish\0' } })),
    failing(script('api', STAYS, { files: { a: '', 'a/b': '' } })),
  ])
  expect(causes).toMatchObject([
    { code: 'service-not-found', message: expect.stringContaining(`${file} is no folder`) },
    { code: 'service-not-found', message: expect.stringContaining('larger than the system allows') },
    { code: 'service-not-found', message: expect.stringMatching(/null byte/) },
    { code: 'service-setup-failed', message: expect.stringMatching(/The service api could not be set up: .*\/a'/) },
  ])
  expect(causes.filter(({ message }) => message.includes('swordfish'))).toEqual([])
})

test('a check that cannot be made is a service that is not ready', async () => {
  const check = { kind: 'command', command: ['check', 'a\0b'], limitMs: 100 } as const
  const cause = await failing(script('api', STAYS, { ready: check }))
  expect(cause).toMatchObject({ code: 'service-not-ready', message: expect.stringContaining('null bytes') })
})

test('a service that ends before it is ready says why, with the end of its log', async () => {
  const cause = await failing(script('api', `console.error('no config at /etc/api'); process.exit(7)`))
  expect(cause.code).toBe('service-exited')
  expect(cause.message).toMatch(
    /^The service api ended with exit code 7 before it was ready\.\n.*api\.log:\n {4}no config at \/etc\/api$/,
  )
})

test('a service that is not ready in time says what was seen last', async () => {
  const late = { ready: { kind: 'log', pattern: /listening/, limitMs: 100 } } as const
  const cause = await failing(script('api', `setInterval(() => {}, 1000)`, late))
  expect(cause.code).toBe('service-not-ready')
  expect(cause.message).toContain('The service api was not ready after 0.1 s: no line matched /listening/.')
})

test('a port that somebody else has', async ({ onTestFinished }) => {
  const stranger = net.createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void stranger.close())
  await once(stranger, 'listening')
  const { port } = stranger.address() as net.AddressInfo
  const cause = await failing(script('api', STAYS, { port, ready: { kind: 'tcp', limitMs: 30_000 } }))
  expect(cause).toMatchObject({ code: 'port-taken', message: expect.stringContaining(String(port)) })
})

test('what an earlier try has said about its port is not taken for the reason of this one', async () => {
  const source = `
const { appendFileSync, existsSync } = require('node:fs')
const first = !existsSync(process.env.STARTS)
appendFileSync(process.env.STARTS, 'x')
if (first) console.error('listen EADDRINUSE: address already in use')
else console.error('no config at /etc/api')
process.exitCode = 3`
  const starts = path.join(tempProject({}), 'starts')
  const room = await openRoom([script('api', source, { port: 'free', env: { STARTS: starts } })])
  const started = await room.services.start(['api'], never)
  const message = started.ok ? '' : started.cause.message
  expect(readFileSync(starts, 'utf8')).toBe('xx')
  expect(message).toContain('no config at /etc/api')
  expect(message).not.toContain('EADDRINUSE')
  expect(room.log('api.log')).toMatch(/EADDRINUSE[^]*was taken meanwhile[^]*no config/)
})

/** The files of this process that are open below a folder. Linux only. */
function openBelow(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`)
      return file.startsWith(`${folder}/`) ? [file] : []
    } catch {
      return []
    }
  })
}

test.skipIf(process.platform !== 'linux')('the log of an instance that has ended is closed', async () => {
  const room = await openRoom([
    script('api', STAYS, { per: 'file' }),
    script('broken', 'process.exit(1)', { per: 'file', needs: ['api'] }),
    script('bad', STAYS, { per: 'file', needs: ['api'], files: { a: '', 'a/b': '' } }),
  ])
  for (let n = 0; n < 3; n++) {
    expect(await room.services.open(visit(0, 'api'), never)).toMatchObject({ ok: true })
    expect(openBelow(room.root)).toEqual([expect.stringMatching(/api\.shard-0\.log$/)])
    for (const name of ['broken', 'bad']) {
      expect(await room.services.open(visit(1, name), never)).toMatchObject({ ok: false })
      await room.services.close(1)
    }
    await room.services.close(0)
    expect(openBelow(room.root)).toEqual([])
  }
})

test('a secret that is not set', async () => {
  const cause = await failing(script('api', STAYS, { secrets: { token: 'API_TOKEN' } }))
  expect(cause).toMatchObject({ code: 'service-no-secret', message: expect.stringContaining('API_TOKEN') })
})

test('a need that does not start keeps others from starting, which the message says', async () => {
  const room = await openRoom([
    script('queue', `console.log('disk full'); process.exit(1)`),
    script('api', STAYS, { needs: ['queue'] }),
    script('web', STAYS, { needs: ['api'] }),
  ])
  const started = await room.services.start(['web'], never)
  expect(started).toMatchObject({ ok: false, cause: { code: 'service-exited' } })
  const message = started.ok ? '' : started.cause.message
  expect(message.split('\n')[0]).toMatch(/^The service queue ended .* api, web need it and were not started\.$/)
  expect(message).toContain('disk full')
  expect(room.ready).toEqual([])
})

test('ready by a command, with the environment of the service', async () => {
  const check = [process.execPath, '-e', `process.exit(process.env.PORT === process.argv[1] ? 0 : 1)`, '{port}']
  const room = await openRoom([
    script('api', STAYS, { port: 'free', ready: { kind: 'command', command: check, limitMs: 30_000 } }),
  ])
  expect(await room.services.start(['api'], never)).toEqual({ ok: true })
})

test('a service that dies is told of at once: of the run to all, of a shard to that shard', async () => {
  const dies = `require('node:net').createServer(() => process.exit(9)).listen(process.env.PORT, '127.0.0.1', () => console.log('ready'))`
  const services = (['run', 'shard'] as const).map((per) =>
    script(per, dies, { per, port: 'free', ready: { kind: 'log', pattern: /ready/, limitMs: 30_000 } }),
  )
  const room = await openRoom(services)
  await room.services.start(['run', 'shard'], never)
  const opened = await room.services.open(visit(5, 'run', 'shard'), never)
  if (!opened.ok) throw new Error(opened.cause.message)
  const told: (readonly [number | null, string])[] = []
  const all = Promise.withResolvers<void>()
  room.services.onDied(({ shard, cause }) => {
    told.push([shard, cause.code])
    if (told.length === 2) all.resolve()
  })
  for (const name of ['run', 'shard']) {
    const socket = net.connect(Number(opened.access.values[`services.${name}.port`]), '127.0.0.1')
    socket.on('error', () => {})
  }
  await all.promise
  expect(new Map(told)).toEqual(
    new Map([
      [null, 'service-went-away'],
      [5, 'service-went-away'],
    ]),
  )
  expect(await room.services.close(5)).toMatchObject({ died: { code: 'service-went-away' } })
})

test('a service that dies is the business of files that use it', async () => {
  const pid = `console.log('ready ' + process.pid); setInterval(() => {}, 1000)`
  const services = [script('a', pid, { per: 'shard' }), script('b', STAYS, { per: 'shard' })]
  const room = await openRoom([...services, script('user', STAYS, { per: 'shard', needs: ['a'] })])
  expect(await room.services.open(visit(0, 'user', 'b'), never)).toMatchObject({ ok: true })
  expect(await room.services.close(0)).toMatchObject({ died: null })
  expect(await room.services.open(visit(0, 'b'), never)).toMatchObject({ ok: true })
  const death = new Promise<Death>((resolve) => void room.services.onDied(resolve))
  process.kill(Number(/ready (\d+)/.exec(room.log('a.shard-0.log'))![1]), 'SIGKILL')
  const { concerns } = await death
  expect([['a'], ['b', 'user'], ['b'], []].map((names) => concerns(names))).toEqual([true, true, false, false])
  expect(await room.services.close(0)).toMatchObject({ died: null })
  // The next file that uses it has another.
  expect(await room.services.open(visit(0, 'user'), never)).toMatchObject({ ok: true })
  expect(await room.services.close(0)).toMatchObject({ died: null })
})

test('a start that is cancelled leaves nothing running', async () => {
  const room = await openRoom([script('slow', `console.log(process.pid); setInterval(() => {}, 1000)`)])
  const cancel = new AbortController()
  const started = room.services.start(['slow'], cancel.signal)
  await expect.poll(() => room.log('slow.log'), { timeout: 20_000 }).toMatch(/^\d+$/m)
  cancel.abort()
  expect(await started).toMatchObject({ ok: false })
  expect(isAlive(Number(/^\d+$/m.exec(room.log('slow.log'))![0]))).toBe(false)
})
