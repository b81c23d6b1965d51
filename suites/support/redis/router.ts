import { spawn } from 'node:child_process'
import { access, constants, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { OwnProcess, ready } from '../../../src/redis/own.ts'
import { certificate } from './secure.ts'
import { freePort } from './servers.ts'

const PLACES = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin']

/** Absolute path of HAProxy, which is what a router of OpenShift is; null when there is none. */
export const haproxy = await first(PLACES.map((folder) => path.join(folder, 'haproxy')))

/** For `test.skipIf`: skipped where there is none, but not in the project's own CI. */
export const skipRouter = haproxy === null && process.env['TIERSHARD_REQUIRE_NATIVE'] !== '1'

/**
 * A router that knows a few hosts by the name that TLS asks for (SNI). What it does not know, and what asks for no name,
 * gets its own certificate (`server.pem`) and an HTTP answer.
 *
 * @param hosts the port behind each host; the router passes TLS on without opening it
 * @param listen its own port; without it, any free one
 */
export async function startRouter(hosts: Readonly<Record<string, number>>, listen?: number) {
  if (haproxy === null) throw new Error('This test needs haproxy.')
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tiershard-test-router-'))
  const [port, opened] = [listen ?? (await freePort()), await freePort()]
  const pem = path.join(folder, 'router.pem')
  await writeFile(pem, (await readFile(certificate('server.pem'))) + '\n' + (await readFile(certificate('server.key'))))
  const names = Object.entries(hosts)
  const config = [
    'defaults',
    '  timeout connect 5s',
    '  timeout client 60s',
    '  timeout server 60s',
    'frontend router',
    '  mode tcp',
    `  bind 127.0.0.1:${port}`,
    '  tcp-request inspect-delay 5s',
    '  tcp-request content accept if { req.ssl_hello_type 1 }',
    ...names.map(([host], index) => `  use_backend passthrough${index} if { req.ssl_sni -i ${host} }`),
    '  default_backend opened',
    ...names.flatMap(([, target], index) => [
      `backend passthrough${index}`,
      '  mode tcp',
      `  server redis 127.0.0.1:${target}`,
    ]),
    'backend opened',
    '  mode tcp',
    `  server http 127.0.0.1:${opened}`,
    'frontend http',
    '  mode http',
    `  bind 127.0.0.1:${opened} ssl crt ${pem}`,
    '  http-request return status 503',
    '',
  ].join('\n')
  const file = path.join(folder, 'haproxy.cfg')
  await writeFile(file, config)
  const child = spawn(haproxy, ['-W', '-db', '-f', file], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const own = new OwnProcess(child, folder)
  const up = new Promise<void>((resolve) => {
    child.stderr.on('data', () => own.printed('Loading success') && resolve())
  })
  const problem = await ready(own, up, 30_000, new AbortController().signal)
  if (problem !== null) {
    await own.stop()
    throw new Error(`${problem}: ${own.lastWords}`)
  }
  return { port, stop: () => own.stop() }
}

async function first(files: readonly string[]): Promise<string | null> {
  for (const file of files) {
    const executable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (executable) return file
  }
  return null
}
