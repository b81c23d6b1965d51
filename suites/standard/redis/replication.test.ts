import { afterEach, expect, test, vi } from 'vitest'
import { addressOf } from '../../../src/redis/address.ts'
import { AdminConnection } from '../../../src/redis/connection.ts'
import { client, skipNative, startNative } from '../../support/redis/servers.ts'

const stack: (() => unknown)[] = []
afterEach(async () => {
  for (const undo of stack.splice(0).toReversed()) await undo()
})

test.skipIf(skipNative)(
  'waiting for a replica holds up nothing else on the connection',
  { timeout: 90_000 },
  async () => {
    const master = await startNative(['--repl-diskless-sync-delay', '0'])
    stack.push(() => master.stop())
    const replica = await startNative(['--replicaof', '127.0.0.1', String(master.port)])
    stack.push(() => replica.stop())
    const admin = client(master)
    stack.push(() => admin.disconnect())
    await vi.waitFor(async () => expect(await admin.info('replication')).toContain('state=online'), 30_000)

    const opened = await AdminConnection.open(addressOf(master), new AbortController().signal)
    if (!opened.ok) throw new Error(opened.cause.message)
    const { connection } = opened
    stack.push(() => connection.close())
    // Stopped, it is still listed: nothing confirms this write.
    process.kill(replica.pid!, 'SIGSTOP')
    const written = { script: 'probe', keys: ['k'], args: [0, 'token', 16], patienceMs: 0, repeatable: false } as const
    expect(await connection.run(written)).toMatchObject({ ok: true })
    let waits = true
    const waiting = connection.replicated().finally(() => (waits = false))
    // The first look at the role, then WAIT; what is sent after that is answered all the same.
    await vi.waitFor(async () => expect(await admin.client('LIST')).toContain('cmd=wait'), 20_000)
    expect(await connection.pings(1, 20_000)).toHaveLength(1)
    expect(waits).toBe(true)
    process.kill(replica.pid!, 'SIGCONT')
    await waiting
    expect(connection.times).toBe(1)
  },
)
