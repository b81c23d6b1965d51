import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openCluster } from '../../../src/kubernetes/index.ts'
import { limited } from '../../../src/kubernetes/limit.ts'

const settings = {
  context: null,
  namespace: null,
  target: { kind: 'service', name: 'redis' },
  port: 6379,
  route: null,
  waitMs: 0,
} as const

/** A kubeconfig with this text is the one that is read, until the test ends; its folder. */
async function kubeconfig(text: string): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tiershard-test-kubeconfig-'))
  const file = path.join(folder, 'config')
  await writeFile(file, text)
  vi.stubEnv('KUBECONFIG', file)
  onTestFinished(async () => {
    vi.unstubAllEnvs()
    await rm(folder, { recursive: true })
  })
  return folder
}

function kubeconfigOf(server: string, user: object): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })
}

/** The user's credentials come from a program, as those of the clouds do. */
function plugin(script: string): object {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] }
  return { exec }
}

const noRole = () => Promise.reject(new Error('nobody asks for a role here'))

// The parser's message quotes the lines around the error, and its reason may quote what it stumbled over.
test.each([
  ['a line that is not indented right', 'users:\n- name: x\n  user:\n    token: s3cret-token: x\n   bad\n', '(line 4'],
  ['a bracket that is not closed', 'users: [{name: x, user: {token: s3cret-token', '(line 1'],
  ['a token that reads as an alias', 'users:\n- name: x\n  user:\n    token: *s3cret-token\n', 'unidentified alias'],
  ['a token that reads as a tag', 'users:\n- name: x\n  user:\n    token: !s3cret-token x\n', '(line 4'],
])('%s: the kubeconfig is refused without a word of what is in it', async (_, text, said) => {
  await kubeconfig(text)
  const found = await openCluster(settings).discover(new AbortController().signal)
  expect(found).toMatchObject({
    ok: false,
    cause: { code: 'kubernetes-config', message: expect.stringContaining(said) },
  })
  expect(JSON.stringify(found)).not.toContain('s3cret')
  expect(JSON.stringify(found)).not.toContain('\\n')
})

test('what a credential plugin prints is not repeated when it cannot be read', async () => {
  await kubeconfig(kubeconfigOf('https://127.0.0.1:1', plugin('echo s3cret-token')))
  const found = await openCluster(settings).discover(new AbortController().signal)
  expect(found).toMatchObject({ ok: false, cause: { code: 'kubernetes-unreachable' } })
  expect(JSON.stringify(found)).toMatch(/credential plugin/)
  expect(JSON.stringify(found)).not.toContain('s3cret')
})

test.each([
  { what: 'an API server that says nothing', user: { token: 't' } },
  // It ends with the folder of its kubeconfig.
  { what: 'a credential plugin that says nothing', user: plugin('while [ -e "$KUBECONFIG" ]; do sleep 0.1; done') },
])('$what: a run that is cancelled does not wait for a tunnel', async ({ user }) => {
  const silent = net.createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as net.AddressInfo
  await kubeconfig(kubeconfigOf(`https://127.0.0.1:${port}`, user))
  const cancelling = new AbortController()
  const reaching = openCluster(settings).reach('port-forward', noRole, cancelling.signal)
  if ('token' in user) await once(silent, 'connection')
  cancelling.abort()
  expect(await reaching).toMatchObject({ ok: false, cause: { message: expect.stringContaining('cancelled') } })
})

test('what takes too long says so', async () => {
  const never = new Promise<never>(() => {})
  const { signal } = new AbortController()
  await expect(limited(() => never, 20, signal)).rejects.toThrow('no answer within 0.02 s')
  expect(await limited(() => Promise.resolve(1), 20_000, signal)).toBe(1)
})
