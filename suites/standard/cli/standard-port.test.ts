import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { tiershard, vitestProject } from '../../support/cli/binary.ts'
import { skipNative } from '../../support/redis/servers.ts'

/** Whether somebody listens at 6379 on all addresses of this machine, as a container with that port does. */
async function takenEverywhere(): Promise<boolean> {
  const server = net.createServer().listen(6_379, '127.0.0.254')
  const taken = await once(server, 'listening').then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'EADDRINUSE',
  )
  server.close()
  return taken
}

const CONFIG = `export default {
  tiers: { fast: { shards: 2, testTimeout: '50s', fileTimeout: '60s' } },
  suites: {
    own: { tier: 'fast', files: 'own/*.test.ts', isolation: 'server', port: 'standard', env: { CACHE: '{redis.host}' } },
  },
}
`

/** Waits for the other file, so that both have their server at the same time, and knows the port by itself. */
function file(mine: string, other: string): string {
  return `import { existsSync, writeFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { expect, test, vi } from 'vitest'
const { MEETING, REDIS_HOST, REDIS_PORT, REDIS_URL, CACHE, TIERSHARD_SHARD } = process.env
test('has a server at 6379', async () => {
  expect({ REDIS_PORT, CACHE, REDIS_URL }).toEqual({ REDIS_PORT: '6379', CACHE: REDIS_HOST, REDIS_URL: 'redis://' + REDIS_HOST + ':6379/0' })
  const redis = new Redis({ host: CACHE })
  expect(await redis.dbsize()).toBe(0)
  await redis.set('${mine}', 1)
  writeFileSync(MEETING + '/${mine}', TIERSHARD_SHARD + ' ' + REDIS_HOST)
  await vi.waitFor(() => expect(existsSync(MEETING + '/${other}')).toBe(true), 40_000)
  expect(await redis.keys('*')).toEqual(['${mine}'])
  await redis.flushall()
  redis.disconnect()
})
`
}

describe.each([
  { source: 'embedded', skip: false },
  { source: 'local', skip: skipNative },
])('--redis $source', ({ source, skip }) => {
  test.skipIf(skip)(
    'two shards have a server each at 6379, and who listens there is left alone',
    { timeout: 120_000 },
    async () => {
      let visits = 0
      const stranger = net.createServer((socket) => {
        visits++
        socket.destroy()
      })
      stranger.listen(6_379, '127.0.0.2')
      const isThere = await once(stranger, 'listening').then(
        () => true,
        () => false,
      )
      const meeting = mkdtempSync(path.join(os.tmpdir(), 'tiershard-test-meeting-'))
      try {
        const cwd = vitestProject({
          'tiershard.config.js': CONFIG,
          'own/one.test.ts': file('one', 'two'),
          'own/two.test.ts': file('two', 'one'),
        })
        const { exitCode, stdout } = await tiershard(cwd, ['run', '--redis', source], { MEETING: meeting })
        if (process.platform !== 'linux') {
          expect({ exitCode, stdout }).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('ifconfig lo0') })
          return
        }
        if (exitCode === 3 && (await takenEverywhere())) {
          expect(stdout).toContain('! infrastructure port-taken')
          return
        }
        expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 })
        const met = ['one', 'two'].map((name) => readFileSync(path.join(meeting, name), 'utf8').split(' '))
        expect(new Set(met.map(([shard]) => shard)).size).toBe(2)
        const hosts = met.map(([, host]) => host!)
        expect(new Set(hosts).size).toBe(2)
        for (const host of hosts) expect(host).toMatch(/^127\.0\.0\.(?:[2-9]|\d\d+)$/)
        // Another stranger, such as a second copy of this test, may have been there before and be gone by now.
        if (isThere) expect(hosts).not.toContain('127.0.0.2')
        expect(visits).toBe(0)
      } finally {
        rmSync(meeting, { recursive: true, force: true })
        stranger.close()
      }
    },
  )
})
