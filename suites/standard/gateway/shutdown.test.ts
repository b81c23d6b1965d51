import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { call, createRig, postAlert, startReceiver, type Rig } from '../../support/gateway/rig.ts'
import { firstOf } from '../../support/processes/first.ts'

const main = fileURLToPath(new URL('../../support/gateway/main.ts', import.meta.url))

/** The gateway as a process of its own, which ends with the rig. */
async function startProcess(rig: Rig, env: Record<string, string>): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'], REDIS_URL: rig.url, GATEWAY_PREFIX: rig.prefix, GATEWAY_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  rig.defer(() => child.kill('SIGKILL'))
  const [line] = (await firstOf(child, 'line', createInterface({ input: child.stdout! }))) as [string]
  return { child, url: (JSON.parse(line) as { listening: string }).listening }
}

test('SIGTERM ends the process after the job that is under way, and leaves no connection', async () => {
  await using rig = await createRig()
  let release: (() => void) | null = null
  const receiver = await startReceiver(rig, () => (response: ServerResponse) => {
    release = () => response.writeHead(204).end()
  })
  const { child, url } = await startProcess(rig, { GATEWAY_WEBHOOK_URL: receiver.url })
  const clients = async (): Promise<string> => String(await rig.redis.call('CLIENT', 'LIST'))

  const { body } = await postAlert({ url })
  await receiver.count(1)
  expect(await clients()).toContain(`name=${rig.prefix}-gateway`)

  // The delivery hangs at the webhook when the signal comes; new alerts are refused from then on.
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await expect.poll(() => postAlert({ url }).catch(() => 'refused')).toBe('refused')
  expect([child.exitCode, child.signalCode]).toEqual([null, null])
  release!()
  expect(await exit).toEqual([0, null])

  expect(await rig.redis.hget(`${rig.prefix}:alert:${String(body['id'])}`, 'state')).toBe('notified')
  await expect.poll(clients).not.toContain(`name=${rig.prefix}-gateway`)
  expect(receiver.received).toHaveLength(1)
})

test('a delivery that outlasts the grace time does not keep the process', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig, () => () => {})
  const { child, url } = await startProcess(rig, {
    GATEWAY_WEBHOOK_URL: receiver.url,
    GATEWAY_GRACE_MS: '200',
    GATEWAY_DELIVERY_TIMEOUT_MS: '1500',
  })
  await postAlert({ url })
  await receiver.count(1)
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await exit).toEqual([0, null])
})

test('what is queued when a gateway ends is delivered by the next one', async () => {
  await using rig = await createRig()
  const receiver = await startReceiver(rig, (n) => (n === 1 ? 500 : 204))
  const env = { GATEWAY_WEBHOOK_URL: receiver.url, GATEWAY_DELIVERY_BACKOFF_MS: '300' }
  const first = await startProcess(rig, env)
  await postAlert(first)
  await receiver.count(1)
  const exit = once(first.child, 'exit')
  first.child.kill('SIGTERM')
  await exit

  const second = await startProcess(rig, env)
  await receiver.count(2)
  expect((await call(second, 'GET', '/health')).status).toBe(200)
})

test('a wrong environment is told in full, and ends the process with 1', async () => {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'], GATEWAY_PORT: 'x' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  expect(code).toBe(1)
  expect(stdout).toBe('')
  expect(stderr.split('\n').filter(Boolean)).toEqual([
    'gateway: REDIS_URL is missing',
    'gateway: GATEWAY_PORT must be a whole number from 0 to 65535, not "x"',
    'gateway: GATEWAY_WEBHOOK_URL is missing',
  ])
})
